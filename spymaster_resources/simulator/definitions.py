"""Instrument definitions with the fields that each venue fills, for DBN versions 1 to 3.

A field that a venue does not fill holds the null of its type, as in the vendor's files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spymaster_resources.dbn.layouts import (
    UNDEFINED_PRICE,
    UNDEFINED_TIMESTAMP,
    layout_of,
    new_records,
)
from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.simulator.chains import Option, activation_ns, quarterly_expiration_ns
from spymaster_resources.simulator.day_files import Named
from spymaster_resources.simulator.quarterlies import Quarterly, calendar_spread, carry_between
from spymaster_resources.trading_calendar import midnight_ns

Records = npt.NDArray[np.void]

_NULLS: Final[dict[str, int | bytes]] = {
    "<i8": UNDEFINED_PRICE,
    "<u8": UNDEFINED_TIMESTAMP,
    "<i4": 2**31 - 1,
    "<u4": 2**32 - 1,
    "<i2": 2**15 - 1,
    "<u2": 2**16 - 1,
    "|i1": 2**7 - 1,
    "|u1": 2**8 - 1,
}
# Fields that are zero rather than null in an instrument without legs.
_ZEROS: Final = (
    "leg_instrument_id", "leg_ratio_price_numerator", "leg_ratio_price_denominator",
    "leg_ratio_qty_numerator", "leg_ratio_qty_denominator", "leg_underlying_id", "leg_count",
    "leg_index", "leg_instrument_class",
)  # fmt: skip
_HEADER: Final = ("length", "rtype", "publisher_id", "instrument_id", "ts_event")

_POINT_VALUE: Final = {"ES": 50, "NQ": 20}  # dollars a point of the index
_LIMIT: Final = 0.07  # of the reference price, on either side
_OPTION_TICK_RULE: Final = 15  # the venue's variable tick table
_GLBX_COMMON: Final[dict[str, Any]] = {
    "publisher_id": 1,
    "display_factor": 10_000_000,
    "market_depth_implied": 0,
    "max_trade_vol": 3_000,
    "min_lot_size": 0,
    "min_lot_size_block": 0,
    "min_lot_size_round_lot": 0,
    "min_trade_vol": 1,
    "currency": b"USD",
    "exchange": b"XCME",
    "unit_of_measure": b"IPNT",
    "match_algorithm": ord("F"),
    "settl_price_type": 3,
    "underlying_product": 5,
    "security_update_action": ord("A"),
    "user_defined_instrument": ord("N"),
    "leg_side": ord("N"),
}
_OPRA_PUBLISHER: Final = 30
_XNAS_PUBLISHER: Final = 2
_OPRA_START_NS: Final = 41_408 * 1_000_000_000  # definitions come at 11:30 UTC, before the quotes
_XNAS_START_NS: Final = 29_228 * 1_000_000_000
_SEND_GAP_NS: Final = 10_240  # between definitions


def futures_definitions(
    instrument: Instrument, pair: Sequence[Quarterly], dt: date, price: float, version: int
) -> Records:
    """Return the definitions of futures and of their calendar spread, as the UTC day starts."""
    records = _blank(len(pair) + 1, version)
    reference = _to_tick(price, instrument.tick_int)
    carry = carry_between((pair[0], pair[1]), price)
    _fill(records[-1], _spread(instrument, calendar_spread(pair), pair, dt, carry))
    for record, quarterly in zip(records, pair, strict=False):
        expiration = quarterly_expiration_ns(quarterly)
        _fill(
            record,
            {
                **_GLBX_COMMON,
                "instrument_id": quarterly.instrument_id,
                "raw_instrument_id": quarterly.instrument_id,
                "ts_event": midnight_ns(dt) - 23_178_563_615_362,
                "ts_recv": midnight_ns(dt),
                "min_price_increment": instrument.tick_int,
                "expiration": expiration,
                "activation": activation_ns(expiration, 104),
                "high_limit_price": _to_tick(price * (1 + _LIMIT), instrument.tick_int),
                "low_limit_price": _to_tick(price * (1 - _LIMIT), instrument.tick_int),
                "max_price_variation": 10 * PRICE_SCALE,
                "trading_reference_price": reference,
                "trading_reference_date": (dt - date(1970, 1, 1)).days,
                "unit_of_measure_qty": _unit(instrument),
                "min_price_increment_amount": 125_000_000,
                "inst_attrib_value": 270_351,
                "underlying_id": 0,
                "market_depth": 10,
                "market_segment_id": 64,
                "appl_id": 310,
                "maturity_year": quarterly.expiry.year,
                "maturity_month": quarterly.expiry.month,
                "channel_id": 0,
                "raw_symbol": quarterly.symbol.encode(),
                "group": instrument.root.encode(),
                "asset": instrument.root.encode(),
                "cfi": b"FFIXSX",
                "security_type": b"FUT",
                "instrument_class": ord("F"),
            },
        )
    return records


def _spread(
    instrument: Instrument, spread: Named, pair: Sequence[Quarterly], dt: date, carry: float
) -> dict[str, Any]:
    """Return the fields of a calendar spread; the venue leaves those of the legs empty."""
    expiration = quarterly_expiration_ns(pair[0])
    return {
        **_GLBX_COMMON,
        "max_trade_vol": 15_000,
        "unit_of_measure": b"CTRCT",
        "instrument_id": spread.instrument_id,
        "raw_instrument_id": spread.instrument_id,
        "ts_event": midnight_ns(dt) - 23_178_563_615_362,
        "ts_recv": midnight_ns(dt),
        "min_price_increment": PRICE_SCALE // 20,
        "expiration": expiration,
        "activation": activation_ns(expiration, 104),
        "max_price_variation": 3 * PRICE_SCALE // 2,
        "trading_reference_price": _to_tick(carry, PRICE_SCALE // 20),
        "trading_reference_date": (dt - date(1970, 1, 1)).days,
        "inst_attrib_value": 271_371,
        "underlying_id": 0,
        "market_depth": 10,
        "market_segment_id": 64,
        "appl_id": 310,
        "maturity_year": pair[0].expiry.year,
        "maturity_month": pair[0].expiry.month,
        "channel_id": 0,
        "raw_symbol": spread.symbol.encode(),
        "group": instrument.root.encode(),
        "asset": instrument.root.encode(),
        "cfi": b"FMIXSX",
        "security_type": b"FUT",
        "secsubtype": b"EQ",
        "instrument_class": ord("S"),
    }


def future_option_definitions(
    instrument: Instrument, options: Sequence[Option], dt: date, version: int
) -> Records:
    """Return the definitions of options on futures, received at the start of the UTC day."""
    records = _blank(len(options), version)
    for n, (record, option) in enumerate(zip(records, options, strict=True)):
        style = b"A" if option.asset == instrument.root else b"E"
        _fill(
            record,
            {
                **_GLBX_COMMON,
                "instrument_id": option.instrument_id,
                "raw_instrument_id": option.instrument_id,
                "ts_event": midnight_ns(dt) - 23_644_471_000_000 + n * 1_000_000,
                "ts_recv": midnight_ns(dt),
                "expiration": option.expiration_ns,
                "activation": activation_ns(option.expiration_ns, 9),
                "low_limit_price": PRICE_SCALE // 20,
                "trading_reference_date": (dt - date(1970, 1, 1)).days,
                "unit_of_measure_qty": _unit(instrument),
                "min_price_increment_amount": 0,
                "inst_attrib_value": 270_343,
                "underlying_id": option.underlying_id,
                "market_depth": 3,
                "market_segment_id": 54,
                "appl_id": 311,
                "maturity_year": option.expiry.year,
                "maturity_month": option.expiry.month,
                "maturity_week": (option.expiry.day - 1) // 7 + 1,
                "channel_id": 1,
                "raw_symbol": option.symbol.encode(),
                "group": b"EW",
                "asset": option.asset.encode(),
                "cfi": b"O" + _right(option) + style + b"FPS",
                "security_type": b"OOF",
                "underlying": option.underlying.encode(),
                "strike_price_currency": b"USD",
                "strike_price": option.strike_int,
                "instrument_class": ord(_right(option)),
                "tick_rule": _OPTION_TICK_RULE,
            },
        )
    return records


def equity_option_definitions(options: Sequence[Option], dt: date, version: int) -> Records:
    """Return the definitions of options on an equity, sent one after the other before the open."""
    records = _blank(len(options), version)
    for n, (record, option) in enumerate(zip(records, options, strict=True)):
        sent = midnight_ns(dt) + _OPRA_START_NS + n * _SEND_GAP_NS
        channel = 1 + option.instrument_id % 48
        _fill(
            record,
            {
                "publisher_id": _OPRA_PUBLISHER,
                "instrument_id": option.instrument_id,
                "raw_instrument_id": option.instrument_id,
                "ts_event": sent,
                "ts_recv": sent + 208_000,
                "expiration": option.expiration_ns,
                "underlying_id": option.underlying_id,
                "channel_id": channel,
                "currency": b"USD",
                "raw_symbol": option.symbol.encode(),
                "group": b"popra-%d" % channel,
                "exchange": b"OPRA",
                "asset": option.asset.encode() if version == 3 else b"",
                "security_type": b"OPT",
                "unit_of_measure": b"USD",
                "underlying": option.underlying.encode(),
                "strike_price_currency": b"USD",
                "strike_price": option.strike_int,
                "instrument_class": ord(_right(option)),
                "match_algorithm": ord(" "),
                "security_update_action": ord("A"),
                "user_defined_instrument": ord("N"),
                "leg_side": ord("N"),
            },
        )
    return records


def equity_definition(symbol: str, instrument_id: int, dt: date, version: int) -> Records:
    """Return the definition of a stock."""
    records = _blank(1, version)
    sent = midnight_ns(dt) + _XNAS_START_NS
    _fill(
        records[0],
        {
            "publisher_id": _XNAS_PUBLISHER,
            "instrument_id": instrument_id,
            "raw_instrument_id": instrument_id,
            "ts_event": sent,
            "ts_recv": sent + 10_550,
            "display_factor": 100_000 * PRICE_SCALE,
            "underlying_id": 0,
            "min_lot_size_round_lot": 100,
            "channel_id": 0,
            "secsubtype": b"Z ",
            "raw_symbol": symbol.encode(),
            "group": b"pxnas-0",
            "exchange": b"XNAS",
            "instrument_class": ord("K"),
            "match_algorithm": ord("F"),
            "security_update_action": ord("A"),
            "user_defined_instrument": ord("N"),
            "leg_side": ord("N"),
        },
    )
    return records


def _blank(count: int, version: int) -> Records:
    records = new_records(layout_of("definition", version), count)
    for name in records.dtype.names or ():
        kind = records.dtype[name].str
        if name not in _HEADER and name not in _ZEROS and kind in _NULLS:
            records[name] = _NULLS[kind]
    return records


def _fill(record: np.void, values: dict[str, Any]) -> None:
    """Set the fields that this version of the record has."""
    for name in record.dtype.names or ():
        if name in values:
            record[name] = values[name]


def _unit(instrument: Instrument) -> int:
    value = _POINT_VALUE.get(instrument.root)
    return UNDEFINED_PRICE if value is None else value * PRICE_SCALE


def _right(option: Option) -> bytes:
    return b"C" if option.is_call else b"P"


def _to_tick(dollars: float, tick_int: int) -> int:
    return round(dollars * PRICE_SCALE / tick_int) * tick_int
