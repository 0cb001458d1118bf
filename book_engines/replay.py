"""A replay's memory between two calls of a kernel: growth, saving, auditing, counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters, count_books
from book_engines.errors import BookIntegrityError
from book_engines.levels import rehash_levels
from book_engines.orders import rehash_orders
from book_engines.records import MboColumns
from book_engines.state import (
    BLOCK,
    BOOK_ENTRY,
    FAR,
    FLOW,
    LANE_RUNGS,
    LEVEL,
    ORDER,
    UNSET,
    Accounts,
    State,
    aligned,
    allocate,
)

Saved = Mapping[str, NDArray[Any]]


class Replay:
    """The state of one replay and what must be done to it outside of the kernels."""

    def __init__(self) -> None:
        self.state = allocate()
        self._last: tuple[int, int, int] = (0, 0, 0)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything the replay knows, by name."""
        return {
            **{name: array.copy() for name, array in self.state._asdict().items()},
            "last_record": np.array(self._last, np.uint64),
        }

    def load(self, saved: Saved) -> None:
        """Take up the replay where `saved` left it."""
        arrays = {}
        for name in State._fields:
            array = saved[name]
            if array.dtype in (ORDER, LEVEL, FLOW):
                place = aligned(array.size, array.dtype)
                place[:] = array
                arrays[name] = place
            else:
                arrays[name] = array.copy()
        self.state = State(**arrays)
        last = saved["last_record"].tolist()
        self._last = (last[0], last[1], last[2])

    def grow(self) -> None:
        """Make room for at least one more block, doubling what is nearly full."""
        state = self.state
        clock = state.clock[0]
        if 4 * (clock["orders"] + BLOCK) > state.orders.size:
            orders = aligned(2 * state.orders.size, ORDER)
            clock["order_shift"] -= 1
            with np.errstate(over="ignore"):
                rehash_orders(state.orders, orders, clock["order_shift"])
            state = state._replace(orders=orders)
        if clock["levels"] - clock["free_levels"] + BLOCK > state.levels.size:
            state = _with_room_for_levels(state, BLOCK)
        if clock["pendings"] + BLOCK > state.pendings.size:
            state = state._replace(pendings=_doubled(state.pendings))
        if clock["books"] + BLOCK > state.books.size:
            state = self._with_more_books(state)
        spare = 2 * LANE_RUNGS * BLOCK
        while clock["starved"] or clock["rungs"] + spare > state.rungs.size:
            state = state._replace(rungs=_doubled(state.rungs))
            clock["starved"] = 0
            for lane in np.flatnonzero(state.lanes["length"] == state.lanes["capacity"]):
                _double_ladder(state, state.lanes[lane], spare)
        self.state = state

    def note_last(self, records: MboColumns, count: int) -> None:
        """Remember the last of `count` applied records: an integrity error names it."""
        if count:
            i = count - 1
            self._last = (
                int(records.order_id[i]),
                int(records.sequence[i]),
                int(records.ts_event_ns[i]) & (2**64 - 1),
            )

    def error(self, kind: type[BookIntegrityError], message: str) -> BookIntegrityError:
        """Return an error of `kind` with the level at fault and the last record applied."""
        clock = self.state.clock[0]
        order_id, sequence, ts_event = self._last
        side = "bid" if clock["breach_side"] else "ask"
        place = f"{side} level {clock['breach_price']}, window {clock['window']}"
        return kind(
            f"{place}: {message}; after", order_id=order_id, sequence=sequence, ts_event=ts_event
        )

    def expire_fills(self) -> None:
        """Count and drop the pending fills of resting orders: nothing will settle them now."""
        orders = self.state.orders
        waiting = np.flatnonzero((orders["book"] != 0) & (orders["pending"] != 0))
        np.add.at(self.state.counters["expired_fills"], orders["book"][waiting] - 1, 1)
        orders["pending"][waiting] = 0

    def audit(self) -> None:
        """Check that every level is the sum of its orders, and every count with it.

        Raises BookIntegrityError that names the first level that is not.
        """
        state = self.state
        clock = state.clock[0]
        rows = int(clock["levels"])
        depth = np.zeros(rows, np.int64)
        count = np.zeros(rows, np.int64)
        for table in (state.orders, state.tops):
            held = table[table["book"] != 0]
            np.add.at(depth, held["level"], held["qty"].astype(np.int64))
            np.add.at(count, held["level"], 1)
        levels = state.levels[:rows]
        live = np.zeros(rows, bool)
        live[state.level_lookup[state.level_lookup != 0] - 1] = True
        wrong = live & ((levels["depth"] != depth) | (levels["orders"] != count))
        wrong |= ~live & ((depth != 0) | (count != 0))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            clock["breach_price"] = levels[row]["price"]
            clock["breach_side"] = levels[row]["lane"] & 1
            raise self.error(
                BookIntegrityError,
                f"holds {levels[row]['depth']} in {levels[row]['orders']} orders, "
                f"its orders sum to {depth[row]} in {count[row]}",
            )

    def audit_accounts(
        self, accounts: Accounts, lane: NDArray[np.int64], price: NDArray[np.int64]
    ) -> None:
        """Check that every account is the sum of the levels that were folded into it.

        lane, price: int64 (rows,), the account of each level. Raises BookIntegrityError.
        """
        sums: dict[tuple[int, int], int] = {}
        folded = self.state.levels["depth"].copy()
        touched = self.state.flows[: int(self.state.clock[0]["touched"])]
        folded[touched["level"]] = touched["folded"]
        live = self.state.level_lookup[self.state.level_lookup != 0] - 1
        for row in live[folded[live] != 0].tolist():
            key = (int(lane[row]), int(price[row]))
            sums[key] = sums.get(key, 0) + int(folded[row])
        for row in (accounts.level_lookup[accounts.level_lookup != 0] - 1).tolist():
            cell = accounts.levels[row]
            total = sums.pop((int(cell["lane"]), int(cell["price"])), 0)
            if total != cell["depth"]:
                clock = self.state.clock[0]
                clock["breach_price"], clock["breach_side"] = cell["price"], cell["lane"] & 1
                raise self.error(
                    BookIntegrityError,
                    f"account holds {cell['depth']}, its levels sum to {total}",
                )
        if sums:
            raise self.error(BookIntegrityError, f"no account for the levels of {sums}")

    def counters(self) -> BookCounters:
        """Return the counters over all books."""
        return count_books(self.state, 0, int(self.state.clock[0]["books"]))

    def _with_more_books(self, state: State) -> State:
        lookup = np.zeros(2 * state.book_lookup.size, BOOK_ENTRY)
        mask = lookup.size - 1
        for entry in state.book_lookup[state.book_lookup["book"] != 0]:
            slot = int(state.books[entry["book"] - 1]["mix"] >> np.uint64(20)) & mask
            while lookup[slot]["book"] != 0:
                slot = (slot + 1) & mask
            lookup[slot] = entry
        tables = _doubled(state.tables)
        tables["last_trade"][state.tables.size :] = FAR
        lanes = _doubled(state.lanes)
        lanes["best"][state.lanes.size :] = UNSET
        return state._replace(
            book_lookup=lookup,
            tables=tables,
            lanes=lanes,
            books=_doubled(state.books),
            tops=_doubled(state.tops),
            counters=_doubled(state.counters),
        )


def save_accounts(accounts: Accounts, prefix: str) -> dict[str, NDArray[Any]]:
    """Return copies of the arrays of `accounts`, their names after `prefix`."""
    return {prefix + name: array.copy() for name, array in accounts._asdict().items()}


def load_accounts(saved: Saved, prefix: str) -> Accounts:
    """Return the accounts that `save_accounts` saved."""
    return Accounts._make(saved[prefix + name].copy() for name in Accounts._fields)


def grown_accounts(accounts: Accounts, state: State) -> Accounts:
    """Return accounts with room for a cell of every touched level.

    Levels and accounts may have been freed: that of every level is looked up again.
    """
    accounts = _with_room_for_levels(accounts, int(state.clock[0]["touched"]))
    return accounts._replace(of_level=np.zeros(state.levels.size, np.uint32))


_Levels = TypeVar("_Levels", State, Accounts)


def _with_room_for_levels(ledger: _Levels, more: int) -> _Levels:
    """Free the idle levels, and double the room until half of it is left after `more` of them."""
    ledger = _rehashed(ledger, ledger.level_lookup.size)
    clock = ledger.clock[0]
    while 2 * (clock["levels"] - clock["free_levels"] + more) > ledger.levels.size:
        clock["level_shift"] -= 1
        ledger = _rehashed(ledger, 2 * ledger.level_lookup.size)._replace(
            levels=_doubled(ledger.levels), flows=_doubled(ledger.flows)
        )
    return ledger


def _rehashed(ledger: _Levels, slots: int) -> _Levels:
    lookup = np.zeros(slots, np.uint32)
    with np.errstate(over="ignore"):
        rehash_levels(ledger.levels, ledger.level_lookup, lookup, ledger.clock)
    return ledger._replace(level_lookup=lookup)


def _double_ladder(state: State, ladder: Any, spare: int) -> None:
    """Move a full ladder to a place twice as large, as `levels.grow_ladder` does."""
    clock = state.clock[0]
    length, start = int(ladder["length"]), int(clock["rungs"])
    if length == 0:
        return
    if start + 2 * length > state.rungs.size - spare:
        clock["starved"] = 1
        return
    offset = int(ladder["offset"])
    state.rungs[start : start + length] = state.rungs[offset : offset + length]
    ladder["offset"], ladder["capacity"] = start, 2 * length
    clock["rungs"] += 2 * length


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    larger = aligned(2 * array.size, array.dtype)
    larger[: array.size] = array
    return larger
