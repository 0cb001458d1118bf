"""The event log as CME Globex MDP 3.0 market-by-order records (dataset GLBX.MDP3).

Conventions, as seen in the vendor's files: a trade is `T` (aggressor's side and order id) and one
`F` a resting order (its side and id), all in the packet of the trade summary; the packet of book
updates follows with `C` for an order filled out and `M` with the remaining size for any other; only
the last record of an event carries F_LAST; `ts_event` is equal in an event; neighbours in time
share a packet, so sequence, ts_recv and ts_in_delta. A cancel is of the whole order, a smaller
size is an `M`. The day file opens with a snapshot received at midnight, whose records carry the
time each order entered its price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from book_engines.kernel import helper, kernel
from spymaster_resources.dbn.layouts import LENGTH_UNIT, MBO_DTYPE, UNDEFINED_PRICE, layout_of
from spymaster_resources.simulator.exchange import (
    ASK,
    BID,
    ENTRY_NS,
    I64,
    LOG_ADD,
    LOG_CANCEL,
    LOG_DONE,
    LOG_FILL,
    LOG_INSTRUMENT,
    LOG_KIND,
    LOG_KINDS,
    LOG_LAST,
    LOG_MODIFY,
    LOG_NS,
    LOG_ORDER_ID,
    LOG_QTY,
    LOG_REMAINS,
    LOG_SIDE,
    LOG_TICK,
    LOG_TRADE,
    ORDER_ID,
    QTY,
    SIDE,
    TICK,
    live_orders,
)

Records = npt.NDArray[np.void]

PUBLISHER_ID: Final = 1
_RTYPE: Final = layout_of("mbo", 3).rtype
_LENGTH: Final = MBO_DTYPE.itemsize // LENGTH_UNIT

# Values of `databento_dbn.RecordFlags`; a test holds them equal.
_F_LAST: Final = 128
_F_SNAPSHOT: Final = 32
_F_BAD_TS_RECV: Final = 8  # the clock of a snapshot is not that of its orders
_F_PUBLISHER_SPECIFIC: Final = 2
_CLOSING_FLAGS: Final = _F_LAST | _F_PUBLISHER_SPECIFIC
_SNAPSHOT_FLAGS: Final = _F_SNAPSHOT | _F_BAD_TS_RECV

_ACTION_OF_KIND: Final = np.zeros(LOG_KINDS, np.uint8)
for _kind, _action in (
    (LOG_ADD, "A"),
    (LOG_CANCEL, "C"),
    (LOG_MODIFY, "M"),
    (LOG_TRADE, "T"),
    (LOG_FILL, "F"),
    (LOG_DONE, "C"),
    (LOG_REMAINS, "M"),
):
    _ACTION_OF_KIND[_kind] = ord(_action)
_SIDE_LETTERS: Final = np.zeros(2, np.uint8)
_SIDE_LETTERS[ASK], _SIDE_LETTERS[BID] = ord("A"), ord("B")
_NO_SIDE: Final = ord("N")
_CLEAR: Final = ord("R")
_NOTHING: Final = ord("N")

# Timing of the feed, as measured on the real sample.
_SAME_PACKET_NS: Final = 8_000
_LATENCY_NS: Final = 84_000
_LATENCY_SPREAD_NS: Final = 32_000
_SEND_NS: Final = 12_400  # from the gateway's sending time to the capture
_SEND_SPREAD_NS: Final = 3_600

# Places of the encoder's state.
_PACKET_NS, _PACKET_IS_TRADE, _SEQUENCE, _RECV_NS, _IN_DELTA = range(5)


@dataclass(frozen=True)
class Conventions:
    """Which of the forms that real files show is written."""

    clear_before_snapshot: bool = True
    """The snapshot opens with an `R` record."""
    closing_records: bool = False
    """An event ends with a separate record, action N and side N, that alone carries F_LAST."""


class GlbxEncoder:
    """Turns pieces of the event log into records; what it returns is overwritten by the next."""

    def __init__(
        self,
        instrument_ids: Sequence[int],
        *,
        base_ticks: Sequence[int],
        tick_int: int,
        first_sequence: int,
        conventions: Conventions,
    ) -> None:
        self._ids = np.array(instrument_ids, np.int64)
        self._base_ticks = np.array(base_ticks, np.int64)
        self._tick_int = tick_int
        self._conventions = conventions
        self._state = np.array([-(2**62), 0, first_sequence, 0, 0], np.int64)
        self._records: Records = np.zeros(0, MBO_DTYPE)

    def encode(self, log: I64) -> Records:
        """Return the records of a piece of the log (rows, LOG_FIELDS) that ends with an event."""
        needed = 2 * len(log)
        if len(self._records) < needed:
            self._records = new_records(needed)
        count = _encode(
            log,
            self._records,
            self._state,
            self._ids,
            self._base_ticks,
            self._tick_int,
            self._conventions.closing_records,
        )
        return self._records[:count]

    def snapshot(self, ex: I64, listing: int, received_ns: int) -> Records:
        """Return the opening snapshot of one book as it stands, oldest order first."""
        orders = live_orders(ex, listing)
        orders = orders[np.lexsort((orders[:, ORDER_ID], orders[:, ENTRY_NS]))]
        clear = int(self._conventions.clear_before_snapshot)
        records = new_records(clear + len(orders))
        records["instrument_id"] = self._ids[listing]
        records["flags"] = _SNAPSHOT_FLAGS
        records["ts_recv"] = received_ns
        records["ts_in_delta"] = 0
        if clear:
            records["ts_event"][0] = orders[0, ENTRY_NS] if len(orders) else received_ns
            records["order_id"][0] = 0
            records["price"][0] = UNDEFINED_PRICE
            records["action"][0] = _CLEAR
            records["side"][0] = _NO_SIDE
        adds: Any = records[clear:]
        adds["ts_event"] = orders[:, ENTRY_NS]
        adds["order_id"] = orders[:, ORDER_ID]
        adds["price"] = (self._base_ticks[listing] + orders[:, TICK]) * self._tick_int
        adds["size"] = orders[:, QTY]
        adds["action"] = _ACTION_OF_KIND[LOG_ADD]
        adds["side"] = _SIDE_LETTERS[orders[:, SIDE]]
        adds["sequence"] = 600 + orders[:, ORDER_ID] % 4_096
        if len(records):
            records["flags"][-1] |= _F_LAST
        return records


def new_records(count: int) -> Records:
    """Return `count` market-by-order records with the constant fields filled in."""
    records = np.zeros(count, MBO_DTYPE)
    records["length"] = _LENGTH
    records["rtype"] = _RTYPE
    records["publisher_id"] = PUBLISHER_ID
    return records


@kernel
def _encode(
    log: I64,
    records: Records,
    state: I64,
    ids: I64,
    base_ticks: I64,
    tick_int: int,
    closing_records: bool,
) -> int:
    m = 0
    for n in range(log.shape[0]):
        kind, ts = log[n, LOG_KIND], log[n, LOG_NS]
        is_trade = 1 if kind in (LOG_TRADE, LOG_FILL) else 0
        if is_trade != state[_PACKET_IS_TRADE] or ts - state[_PACKET_NS] >= _SAME_PACKET_NS:
            _open_packet(state, ts, is_trade)
        last = log[n, LOG_LAST] == 1
        record = records[m]
        record["ts_event"] = ts
        record["instrument_id"] = ids[log[n, LOG_INSTRUMENT]]
        record["order_id"] = log[n, LOG_ORDER_ID]
        record["price"] = (base_ticks[log[n, LOG_INSTRUMENT]] + log[n, LOG_TICK]) * tick_int
        record["size"] = log[n, LOG_QTY]
        record["flags"] = _CLOSING_FLAGS if last and not closing_records else 0
        record["action"] = _ACTION_OF_KIND[kind]
        record["side"] = _SIDE_LETTERS[log[n, LOG_SIDE]]
        record["ts_recv"] = state[_RECV_NS]
        record["ts_in_delta"] = state[_IN_DELTA]
        record["sequence"] = state[_SEQUENCE]
        m += 1
        if last and closing_records:
            closing = records[m]
            closing["ts_event"] = ts
            closing["instrument_id"] = record["instrument_id"]
            closing["order_id"] = 0
            closing["price"] = UNDEFINED_PRICE
            closing["size"] = 0
            closing["flags"] = _CLOSING_FLAGS
            closing["action"] = _NOTHING
            closing["side"] = _NO_SIDE
            closing["ts_recv"] = state[_RECV_NS]
            closing["ts_in_delta"] = state[_IN_DELTA]
            closing["sequence"] = state[_SEQUENCE]
            m += 1
    return m


@helper
def _open_packet(state: I64, ts: int, is_trade: int) -> None:
    """Start a packet: the next sequence of the channel and a time of arrival after the last."""
    noise = (state[_SEQUENCE] * 2_654_435_761 + ts) % 1_000_003
    state[_SEQUENCE] += 1 if noise % 8 else 1 + noise % 5
    state[_PACKET_NS] = ts
    state[_PACKET_IS_TRADE] = is_trade
    # Packets leave in order: one that would overtake the last arrives right behind it.
    arrival = ts + _LATENCY_NS + noise % _LATENCY_SPREAD_NS
    state[_RECV_NS] = max(arrival, state[_RECV_NS] + 1_000 + noise % 6_000)
    state[_IN_DELTA] = _SEND_NS + noise % _SEND_SPREAD_NS
