"""The close of a one-second window: the session, the spot reference, validity, the audit."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.levels import find_level, price_key
from book_engines.records import UNDEF_PRICE
from book_engines.state import UNSET, Ledger, State
from book_engines.validity import BOTH_SIDES

WINDOW: Final = np.dtype(
    [
        ("end", "i8"),
        ("best_bid", "i8"),  # UNDEF_PRICE where the side is empty
        ("best_bid_qty", "i8"),
        ("best_ask", "i8"),
        ("best_ask_qty", "i8"),
        ("last_trade", "i8"),
        ("trade_qty_buy", "i8"),
        ("trade_qty_sell", "i8"),
        ("trade_count", "i8"),
        ("book_valid", "?"),
        ("window_valid", "?"),
    ]
)

# Breaches.
OFF_GRID, BROKEN_ACCOUNT = 1, 2


class Session(NamedTuple):
    """The windows that are emitted, as epoch seconds of their starts, both included."""

    first_window: int
    last_window: int


@helper
def in_session(session: Session, window: Int) -> Int:
    """Return whether a window is emitted."""
    return session.first_window <= window <= session.last_window


@helper
def window_after(session: Session, window: Int, target: Int) -> Int:
    """Return where the clock goes after `window` on its way to `target`.

    Every window of the session is visited, those outside of it are skipped at once.
    """
    if window < session.first_window:
        return min(session.first_window, target)
    return window + 1 if window < session.last_window else target


@helper
def spot_reference(state: State, table: Int) -> Int:
    """Return the spot reference now, UNDEF_PRICE while the table is empty."""
    ask_key = state.lanes[2 * table]["best"]
    bid_key = state.lanes[2 * table + 1]["best"]
    last = state.tables[table]["last_trade"]
    shift = state.clock[0]["level_shift"]
    if last != UNDEF_PRICE:
        for side in range(2):
            row = find_level(state.levels, state.level_lookup, 2 * table + side, last, shift)
            if row >= 0 and state.levels[row]["depth"] > 0:
                return last
    if bid_key == UNSET:
        return ~ask_key if ask_key != UNSET else UNDEF_PRICE
    if ask_key == UNSET or last == UNDEF_PRICE:
        return bid_key
    return bid_key if abs(bid_key - last) <= abs(~ask_key - last) else ~ask_key


@inlined
def best_price(state: State, lane: Int) -> Int:
    """Return the best price of a lane, UNDEF_PRICE while it is empty."""
    ladder = state.lanes[lane]
    return price_key(lane, ladder["best"]) if ladder["length"] > 0 else UNDEF_PRICE


@inlined
def best_level(state: State, lane: Int) -> Int:
    """Return the row of the best level of a lane that is not empty."""
    ladder = state.lanes[lane]
    return np.int64(state.rungs[ladder["offset"] + ladder["length"] - 1]["level"])


@inlined
def best_qty(state: State, lane: Int) -> Int:
    """Return the depth of the best level of a lane, 0 while it is empty."""
    if state.lanes[lane]["length"] == 0:
        return np.int64(0)
    return state.levels[best_level(state, lane)]["depth"]


@inlined
def is_whole(state: State, table: Int) -> Int:
    """Return whether a table's opening state is known, no snapshot in progress, none doubtful.

    A snapshot with a record dated later than the window's end was taken later: then what the file
    begins with is not what was known at that end.
    """
    summary = state.tables[table]
    is_known = summary["known"] == BOTH_SIDES and summary["dated"] <= state.clock[0]["end"]
    return is_known and summary["snapshots"] == 0 and summary["doubtful"] == 0


@inlined
def is_two_sided(state: State, table: Int) -> Int:
    """Return whether both sides of a table exist."""
    return state.lanes[2 * table]["length"] > 0 and state.lanes[2 * table + 1]["length"] > 0


@helper
def write_window(state: State, window: NDArray[Any], spot: Int) -> None:
    """Write the open window's best prices, trades and validity. `window` is one WINDOW."""
    clock = state.clock[0]
    summary = state.tables[0]
    window["end"] = clock["end"]
    window["best_bid"] = best_price(state, 1)
    window["best_bid_qty"] = best_qty(state, 1)
    window["best_ask"] = best_price(state, 0)
    window["best_ask_qty"] = best_qty(state, 0)
    window["last_trade"] = summary["last_trade"]
    traded = summary["stamp"] == clock["epoch"]
    window["trade_qty_buy"] = summary["trade_qty_buy"] if traded else 0
    window["trade_qty_sell"] = summary["trade_qty_sell"] if traded else 0
    window["trade_count"] = summary["trade_count"] if traded else 0
    window["book_valid"] = is_whole(state, 0) and is_two_sided(state, 0)
    window["window_valid"] = (
        window["book_valid"] and summary["disturbed"] != clock["window"] and spot > 0
    )


@helper
def copy_sizes(state: State, added_sizes: NDArray[np.int32], w: Int) -> None:
    """Write the open window's sizes of added orders into row w, int32 (W, SIZE_BINS)."""
    for size_bin in range(state.added_sizes.size):
        added_sizes[w, size_bin] = state.added_sizes[size_bin]


@helper
def breach(clock: NDArray[Any], code: Int, level: NDArray[Any]) -> None:
    """Write down which level broke which rule. `clock` is one CLOCK, `level` one LEVEL."""
    clock["breach"] = code
    clock["breach_price"] = level["price"]
    clock["breach_side"] = level["lane"] & 1


@inlined
def adds_up(level: NDArray[Any], flow: NDArray[Any]) -> Int:
    """Return whether a level's flow of the window adds up and keeps its bounds."""
    booked = flow["depth_start"] + flow["add"] - flow["pull"] - flow["fill"]
    return (
        booked == level["depth"]
        and level["depth"] >= 0
        and 0 <= flow["young"] <= level["depth"]
        and flow["pull_rest"] <= flow["pull"]
    )


@helper
def audit_touched(ledger: Ledger, clock: NDArray[Any]) -> Int:
    """Return whether every account of this window adds up; write the first that does not."""
    for i in range(ledger.clock[0]["touched"]):
        flow = ledger.flows[i]
        level = ledger.levels[flow["level"]]
        if not adds_up(level, flow):
            breach(clock, BROKEN_ACCOUNT, level)
            return False
    return True
