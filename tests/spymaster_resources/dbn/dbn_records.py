"""Records and the day they belong to, for the tests of DBN files and of the stages on them."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import layout_of, new_records

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
