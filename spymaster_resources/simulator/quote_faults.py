"""Faults in consolidated quotes.

A wrong quote stands until the next one of its instrument, as it would in a real file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np

from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.opra import FLAGS, QUOTE_ACTION
from spymaster_resources.simulator.planter import LATE_NS, Fault, FaultKind, Planter, Records

FAT_PREMIUM_INT: Final = 187_187 * PRICE_SCALE  # has been seen
_NO_SIDE: Final = ord("N")
_FAR_INT: Final = 2 * PRICE_SCALE


class QuotePlanter(Planter):
    """Plants faults in consolidated quotes."""

    KINDS: ClassVar[tuple[FaultKind, ...]] = (
        FaultKind.GAP,
        FaultKind.HALTED,
        FaultKind.LATE,
        FaultKind.CROSSED,
        FaultKind.NULL_PRICE,
        FaultKind.FAT_FINGER,
    )

    def _wrong(self, fault: Fault, before: Any, number: int) -> Iterator[Records]:  # noqa: ARG002
        quote = before.copy()
        quote["action"], quote["side"], quote["flags"] = QUOTE_ACTION, _NO_SIDE, FLAGS
        quote["price"], quote["size"] = UNDEFINED_PRICE, 0
        ask = int(quote["ask_px_00"])
        if fault.kind is FaultKind.LATE:
            quote["ts_event"] = before["ts_event"] - np.uint64(LATE_NS)
        elif fault.kind is FaultKind.CROSSED:
            ask = _FAR_INT if ask == UNDEFINED_PRICE else ask
            quote["ask_px_00"], quote["ask_sz_00"] = ask, max(1, int(quote["ask_sz_00"]))
            quote["bid_px_00"], quote["bid_sz_00"] = ask + _FAR_INT, 1
        elif fault.kind is FaultKind.NULL_PRICE:
            quote["bid_px_00"], quote["bid_sz_00"] = UNDEFINED_PRICE, 1
        else:
            quote["ask_px_00"], quote["ask_sz_00"] = FAT_PREMIUM_INT, 1
        self._note(fault, quote, 0, 1)
        yield self._put(quote)
