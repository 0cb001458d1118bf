"""Records and the day they belong to, for the tests of DBN files and of the stages on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import UNDEFINED_PRICE, layout_of, new_records

DAY = date(2024, 3, 12)
DAY_START_NS = 1_710_201_600_000_000_000
DAY_NS = 86_400_000_000_000
FRONT = 17_077  # ESH4 in the records below


def some_records(rows: int, *, version: int = 3, ts_out: bool = False) -> NDArray[np.void]:
    """Return plausible records, each field different from its neighbours'."""
    records = new_records(layout_of("mbo", version, ts_out=ts_out), rows)
    place = np.arange(rows)
    records["publisher_id"] = 1
    records["instrument_id"] = FRONT
    records["ts_event"] = DAY_START_NS + 1_000 * place
    records["ts_recv"] = DAY_START_NS + 1_000 * place + 160
    records["order_id"] = np.uint64(2**63) + 7 * place.astype(np.uint64)
    records["price"] = 5_214_250_000_000 + 250_000_000 * (place % 9)
    records["size"] = 1 + place % 5
    records["flags"] = np.where(place % 2, 128, 0)
    records["channel_id"] = place % 7
    records["action"] = np.frombuffer(b"ACMRTFN", np.uint8)[place % 7]
    records["side"] = np.frombuffer(b"ABN", np.uint8)[place % 3]
    records["ts_in_delta"] = 12_000 - place
    records["sequence"] = 1_000 + place
    if ts_out:
        records["ts_out"] = DAY_START_NS + 1_000 * place + 999
    return records


def some_quotes(rows: int, numbers: Sequence[int]) -> NDArray[np.void]:
    """Return consolidated quotes and trades of some instruments, every fifth price undefined."""
    records = new_records(layout_of("cmbp-1", 3), rows)
    place = np.arange(rows)
    records["instrument_id"] = np.array(numbers)[place * 5 % 7 % len(numbers)]
    records["ts_recv"] = records["ts_event"] = DAY_START_NS + 7 * place
    records["action"] = np.frombuffer(b"AT", np.uint8)[place % 2]
    records["side"] = np.frombuffer(b"ABN", np.uint8)[place % 3]
    for name in ("price", "bid_px_00", "ask_px_00"):
        records[name] = np.where(place % 5, 290_000_000 + 10_000_000 * place, UNDEFINED_PRICE)
    for name in ("size", "bid_sz_00", "ask_sz_00", "bid_pb_00", "ask_pb_00", "publisher_id"):
        records[name] = 1 + place
    return records
