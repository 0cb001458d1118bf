"""The event log as Nasdaq TotalView-ITCH market-by-order records (dataset XNAS.ITCH).

Conventions, as seen in the vendor's files: every fill is an execution of its own, `T` (aggressor's
side, no order id), `F` and `C` (the resting order and the filled size), and each record carries
F_LAST; a cancel may be of a part; there is no `M`: a replaced order is cancelled and comes back
under a new id; an execution of an order that was never shown is a `T` of side `N` alone; the day
opens with an `R`, and the book fills up with live orders from then on.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from book_engines.kernel import helper, kernel
from spymaster_resources.dbn.layouts import MBO_DTYPE, UNDEFINED_PRICE, layout_of, new_records
from spymaster_resources.simulator.exchange import (
    ASK,
    BID,
    ENTRY_NS,
    I64,
    LOG_ADD,
    LOG_CANCEL,
    LOG_FILL,
    LOG_HIDDEN,
    LOG_KIND,
    LOG_NS,
    LOG_ORDER_ID,
    LOG_QTY,
    LOG_SIDE,
    LOG_TICK,
    NEITHER,
    ORDER_ID,
    QTY,
    SIDE,
    TICK,
    live_places,
)
from spymaster_resources.simulator.glbx import Records

PUBLISHER_ID: Final = 2
_FLAGS: Final = 130  # F_LAST and F_PUBLISHER_SPECIFIC on every record
_CLEAR_FLAGS: Final = 8  # F_BAD_TS_RECV
_ADD, _CANCEL, _TRADE, _FILL, _CLEAR = (ord(letter) for letter in "ACTFR")
_NO_SIDE: Final = ord("N")
_SIDE_LETTERS: Final = np.zeros(3, np.uint8)
_SIDE_LETTERS[ASK], _SIDE_LETTERS[BID], _SIDE_LETTERS[NEITHER] = ord("A"), ord("B"), _NO_SIDE

_LATENCY_NS: Final = 10_100
_LATENCY_SPREAD_NS: Final = 1_900
_RECORDS_OF_A_ROW: Final = 3

# Places of the encoder's state.
_SEQUENCE, _RECV_NS = range(2)


class XnasEncoder:
    """Turns pieces of the event log into records; what it returns is overwritten by the next."""

    def __init__(
        self, instrument_id: int, *, base_tick: int, tick_int: int, first_sequence: int
    ) -> None:
        self._instrument_id = instrument_id
        self._base_tick = base_tick
        self._tick_int = tick_int
        self._state = np.array([first_sequence, 0], np.int64)
        self._records: Records = np.zeros(0, MBO_DTYPE)

    def encode(self, log: I64) -> Records:
        """Return the records of a piece of the log (rows, LOG_FIELDS) that ends with an event."""
        needed = _RECORDS_OF_A_ROW * len(log)
        if len(self._records) < needed:
            self._records = self._blank(needed)
        count = _encode(log, self._records, self._state, self._base_tick, self._tick_int)
        return self._records[:count]

    def opening(self, ex: I64, first_ns: int, last_ns: int) -> Records:
        """Return the clear and the adds that bring the book to where it stands.

        The live orders of the exchange enter between the two times, in the order of their ids;
        their entry times in `ex` become those.
        """
        places = live_places(ex, 0)
        places = places[np.argsort(ex[places + ORDER_ID])]
        times = np.linspace(first_ns, last_ns, len(places)).astype(np.int64)
        ex[places + ENTRY_NS] = times
        records = self._blank(1 + len(places))
        records["ts_event"][0] = first_ns
        records["action"][0] = _CLEAR
        records["side"][0] = _NO_SIDE
        records["price"][0] = UNDEFINED_PRICE
        records["flags"][0] = _CLEAR_FLAGS
        adds: Any = records[1:]
        adds["ts_event"] = times
        adds["order_id"] = ex[places + ORDER_ID]
        adds["price"] = (self._base_tick + ex[places + TICK]) * self._tick_int
        adds["size"] = ex[places + QTY]
        adds["action"] = _ADD
        adds["side"] = _SIDE_LETTERS[ex[places + SIDE]]
        records["ts_recv"] = records["ts_event"] + _LATENCY_NS
        records["ts_in_delta"] = _LATENCY_NS
        records["sequence"][1:] = self._state[_SEQUENCE] + np.arange(1, len(records))
        self._state[_SEQUENCE] += len(places)
        self._state[_RECV_NS] = last_ns + _LATENCY_NS
        return records

    def _blank(self, count: int) -> Records:
        records = new_records(layout_of("mbo", 3), count)
        records["publisher_id"] = PUBLISHER_ID
        records["instrument_id"] = self._instrument_id
        records["flags"] = _FLAGS
        return records


@kernel
def _encode(log: I64, records: Records, state: I64, base_tick: int, tick_int: int) -> int:
    m = 0
    for n in range(log.shape[0]):
        kind = log[n, LOG_KIND]
        price = (base_tick + log[n, LOG_TICK]) * tick_int
        if kind == LOG_ADD:
            _next_message(state, log[n, LOG_NS])
            m = _put(records, m, log, n, state, _ADD, log[n, LOG_SIDE], price)
        elif kind == LOG_CANCEL:
            _next_message(state, log[n, LOG_NS])
            m = _put(records, m, log, n, state, _CANCEL, log[n, LOG_SIDE], price)
        elif kind == LOG_FILL:
            _next_message(state, log[n, LOG_NS])
            m = _put(records, m, log, n, state, _TRADE, 1 - log[n, LOG_SIDE], price)
            records[m - 1]["order_id"] = 0
            m = _put(records, m, log, n, state, _FILL, log[n, LOG_SIDE], price)
            m = _put(records, m, log, n, state, _CANCEL, log[n, LOG_SIDE], price)
        elif kind == LOG_HIDDEN:
            _next_message(state, log[n, LOG_NS])
            m = _put(records, m, log, n, state, _TRADE, NEITHER, price)
    return m


@helper
def _put(
    records: Records, m: int, log: I64, n: int, state: I64, action: int, side: int, price: int
) -> int:
    record = records[m]
    record["ts_event"] = log[n, LOG_NS]
    record["order_id"] = log[n, LOG_ORDER_ID]
    record["price"] = price
    record["size"] = log[n, LOG_QTY]
    record["action"] = action
    record["side"] = _SIDE_LETTERS[side]
    record["ts_recv"] = state[_RECV_NS]
    record["ts_in_delta"] = state[_RECV_NS] - log[n, LOG_NS]
    record["sequence"] = state[_SEQUENCE]
    return m + 1


@helper
def _next_message(state: I64, ts: int) -> None:
    """Count a message of the venue (others than this instrument's too) and let it arrive."""
    noise = (state[_SEQUENCE] * 2_654_435_761 + ts) % 1_000_003
    state[_SEQUENCE] += 1 + noise % 7
    arrival = ts + _LATENCY_NS + noise % _LATENCY_SPREAD_NS
    state[_RECV_NS] = max(arrival, state[_RECV_NS] + 40)
