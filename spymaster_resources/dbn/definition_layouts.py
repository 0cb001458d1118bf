"""Fields of an instrument definition behind the record header, DBN versions 1 to 3.

Times are ns UTC, prices 1e-9 dollars. Text is zero-padded ASCII; fields of one character are their
ASCII code, as in the market-by-order layout. The tests hold every field equal to the vendor's
`databento_dbn`.
"""

from __future__ import annotations

from typing import Final

Fields = tuple[tuple[str, str], ...]


def _fields(*groups: tuple[str, str]) -> Fields:
    """Return (name, type) pairs of `(type, "name name …")` groups."""
    return tuple((name, kind) for kind, names in groups for name in names.split())


_TIMES_AND_LIMITS: Final = _fields(
    ("<u8", "ts_recv"),
    ("<i8", "min_price_increment display_factor"),
    ("<u8", "expiration activation"),
    ("<i8", "high_limit_price low_limit_price max_price_variation"),
)
_MARKET: Final = _fields(
    ("<i4", "market_depth_implied market_depth"),
    ("<u4", "market_segment_id max_trade_vol"),
    ("<i4", "min_lot_size min_lot_size_block min_lot_size_round_lot"),
    ("<u4", "min_trade_vol"),
)
_CONTRACT: Final = _fields(("<i4", "contract_multiplier decay_quantity original_contract_size"))
_CODES: Final = _fields(("S7", "cfi security_type"), ("S31", "unit_of_measure"))
_MATURITY: Final = _fields(
    ("u1", "maturity_month maturity_day maturity_week user_defined_instrument"),
    ("i1", "contract_multiplier_unit flow_schedule_type"),
    ("u1", "tick_rule"),
)
_REFERENCE_PRICES: Final = _fields(
    ("<i8", "trading_reference_price unit_of_measure_qty min_price_increment_amount price_ratio"),
)
_IDS: Final = _fields(("<i4", "inst_attrib_value"), ("<u4", "underlying_id raw_instrument_id"))
_DATES: Final = _fields(
    ("<u2", "trading_reference_date"),
    ("<i2", "appl_id"),
    ("<u2", "maturity_year decay_start_date channel_id"),
)
_CURRENCIES: Final = _fields(("S4", "currency settl_currency"), ("S6", "secsubtype"))


def _names(symbol: str, asset: str) -> Fields:
    return (
        *_fields((symbol, "raw_symbol"), ("S21", "group"), ("S5", "exchange"), (asset, "asset")),
        *_CODES,
        ("underlying", "S21"),
        ("strike_price_currency", "S4"),
    )


_DISPLAY: Final = _fields(
    ("u1", "main_fraction price_display_format settl_price_type sub_fraction underlying_product"),
    ("u1", "security_update_action"),
)

DEFINITION_V1: Final = (
    *_TIMES_AND_LIMITS,
    *_REFERENCE_PRICES,
    *_IDS,
    *_MARKET,
    ("_reserved2", "S4"),
    *_CONTRACT,
    ("_reserved3", "S4"),
    *_DATES,
    *_CURRENCIES,
    *_names("S22", "S7"),
    *_fields(("u1", "instrument_class"), ("S2", "_reserved4"), ("<i8", "strike_price")),
    *_fields(("S6", "_reserved5"), ("u1", "match_algorithm md_security_trading_status")),
    *_DISPLAY,
    *_MATURITY,
    ("_dummy", "S3"),
)
DEFINITION_V2: Final = (
    *_TIMES_AND_LIMITS,
    *_REFERENCE_PRICES,
    ("strike_price", "<i8"),
    *_IDS,
    *_MARKET,
    *_CONTRACT,
    *_DATES,
    *_CURRENCIES,
    *_names("S71", "S7"),
    *_fields(("u1", "instrument_class match_algorithm md_security_trading_status")),
    *_DISPLAY,
    *_MATURITY,
    ("_reserved", "S10"),
)
DEFINITION_V3: Final = (
    *_TIMES_AND_LIMITS,
    *_fields(
        ("<i8", "unit_of_measure_qty min_price_increment_amount price_ratio strike_price"),
        ("<u8", "raw_instrument_id"),
        ("<i8", "leg_price leg_delta"),
        ("<i4", "inst_attrib_value"),
        ("<u4", "underlying_id"),
    ),
    *_MARKET,
    *_CONTRACT,
    *_fields(
        ("<u4", "leg_instrument_id"),
        ("<i4", "leg_ratio_price_numerator leg_ratio_price_denominator"),
        ("<i4", "leg_ratio_qty_numerator leg_ratio_qty_denominator"),
        ("<u4", "leg_underlying_id"),
        ("<i2", "appl_id"),
        ("<u2", "maturity_year decay_start_date channel_id leg_count leg_index"),
    ),
    *_CURRENCIES,
    *_names("S71", "S11"),
    *_fields(
        ("S71", "leg_raw_symbol"),
        ("u1", "instrument_class match_algorithm main_fraction price_display_format sub_fraction"),
        ("u1", "underlying_product security_update_action"),
    ),
    *_MATURITY,
    *_fields(("u1", "leg_instrument_class leg_side"), ("S17", "_reserved")),
)
DEFINITION_FIELDS: Final = {1: DEFINITION_V1, 2: DEFINITION_V2, 3: DEFINITION_V3}
