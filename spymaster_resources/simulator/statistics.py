"""The statistics that a venue publishes of its instruments before the day's trading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from spymaster_resources.dbn.layouts import (
    UNDEFINED_PRICE,
    UNDEFINED_TIMESTAMP,
    layout_of,
    new_records,
)
from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.chains import Option
from spymaster_resources.trading_calendar import DAY_NS, SECOND_NS, midnight_ns

Records = npt.NDArray[np.void]

# Values of the vendor's `StatType` and `StatUpdateAction`; a test holds them equal.
SETTLEMENT_PRICE: Final = 3
CLEARED_VOLUME: Final = 6
OPEN_INTEREST: Final = 9
_NEW: Final = 1

_NO_FLAGS: Final = 255
_OPRA_START_NS: Final = 41_409 * SECOND_NS
_OPRA_PUBLISHERS: Final = (20, 22, 23, 24, 31, 37)
_STREAM: Final = 3  # separates these draws from the market's


def glbx_statistics(
    ids: Sequence[int], settlements: Sequence[int], weights: Sequence[float], dt: date, seed: int,
    version: int,
) -> Records:  # fmt: skip
    """Return settlement price, open interest and cleared volume of the day before, a row each.

    settlements: 1e-9 dollars. weights: how popular each instrument is, relative to 1.
    """
    random = np.random.default_rng([seed, _STREAM, dt.toordinal()])
    records = new_records(layout_of("statistics", version), 3 * len(ids))
    _common(records, publisher_id=1, channel_id=0, flags=_NO_FLAGS)
    received = midnight_ns(dt) + 1_470_000_000
    open_interest = _positive(40_000 * np.array(weights) * random.lognormal(0.0, 0.6, len(ids)))
    volume = _positive(open_interest * random.uniform(0.1, 0.9, len(ids)))
    for n, (stat_type, prices, quantities) in enumerate(
        (
            (SETTLEMENT_PRICE, np.array(settlements, np.int64), None),
            (OPEN_INTEREST, None, open_interest),
            (CLEARED_VOLUME, None, volume),
        )
    ):
        rows = records[n * len(ids) : (n + 1) * len(ids)]
        rows["instrument_id"] = ids
        rows["stat_type"] = stat_type
        rows["ts_ref"] = midnight_ns(dt) - DAY_NS
        if prices is not None:
            rows["price"] = prices
        if quantities is not None:
            rows["quantity"] = quantities
    records["ts_event"] = received + np.arange(len(records)) * 1_000
    records["ts_recv"] = records["ts_event"] + 1_378_000
    records["ts_in_delta"] = 22_850
    records["sequence"] = 210_000 + np.arange(len(records))
    return records


def opra_statistics(
    options: Sequence[Option], price: float, dt: date, seed: int, version: int
) -> Records:
    """Return the open interest of each option, once for each of some exchanges."""
    random = np.random.default_rng([seed, _STREAM, 1, dt.toordinal()])
    weights = [popularity(option, price) for option in options]
    interest = _positive(9_000 * np.array(weights) * random.lognormal(0.0, 0.8, len(options)))
    times = len(_OPRA_PUBLISHERS)
    records = new_records(layout_of("statistics", version), times * len(options))
    _common(records, publisher_id=0, channel_id=0, flags=0)
    records["publisher_id"] = np.tile(_OPRA_PUBLISHERS, len(options))
    ids = np.array([option.instrument_id for option in options])
    records["instrument_id"] = np.repeat(ids, times)
    records["channel_id"] = 1 + records["instrument_id"] % 48
    records["stat_type"] = OPEN_INTEREST
    records["quantity"] = np.repeat(interest, times)
    sent = midnight_ns(dt) + _OPRA_START_NS + np.arange(len(options)) * 10_240
    records["ts_event"] = np.repeat(sent, times)
    records["ts_recv"] = records["ts_event"] + 209_000
    records["sequence"] = 111_763 + np.arange(len(records))
    return records


def popularity(option: Option, price: float) -> float:
    """Return how much an option is held: most near the money and at round strikes, at most 1."""
    strike = option.strike_int / PRICE_SCALE
    round_strike = 1.0 if strike % 25 == 0 else 0.4
    return round_strike * exp(-abs(strike / price - 1.0) / 0.01)


def _common(records: Records, *, publisher_id: int, channel_id: int, flags: int) -> None:
    records["publisher_id"] = publisher_id
    records["channel_id"] = channel_id
    records["stat_flags"] = flags
    records["update_action"] = _NEW
    records["ts_ref"] = UNDEFINED_TIMESTAMP
    records["price"] = UNDEFINED_PRICE
    records["quantity"] = np.iinfo(records.dtype["quantity"]).max


def _positive(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.maximum(values, 1.0).astype(np.int64)
