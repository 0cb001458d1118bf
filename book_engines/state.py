"""The memory of a replay: what each array holds, how it is laid out and how it grows.

Everything a kernel knows between two calls lies in these arrays, so that a replay can stop at any
record, be saved, and go on. Row numbers, never pointers, link one array to another.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from book_engines.sizes import SIZE_BINS

# Records between two looks at the free room: each makes at most one order, one level, one
# pending fill and one book.
BLOCK: Final = 4096
LANE_RUNGS: Final = 4
"""Rungs that a new lane has."""

UNSET: Final = -(2**63)
"""Clock before the first live record; key of the best price of an empty side."""
FAR: Final = 2**63 - 1

ORDER: Final = np.dtype(
    [
        ("key", "u8"),  # order id mixed with publisher and instrument
        ("t_entered", "i8"),  # ts_event at which it came to its price
        ("level", "u4"),
        ("qty", "u4"),
        ("book", "u4"),  # book number + 1; 0 marks a free slot
        ("pending", "u4"),  # number of its pending fill, 0 for none
    ]
)
PENDING: Final = np.dtype([("qty", "i8"), ("ts_event", "i8"), ("next_free", "i8")])
LEVEL: Final = np.dtype(
    [
        ("price", "i8"),
        ("depth", "i8"),
        ("orders", "i4"),
        ("lane", "u4"),  # table · 2 + side; of a free row: the next free row + 1
        ("stamp", "u4"),  # epoch (window) that touched it last
        ("flow", "u4"),  # its place among the flows of that window
    ]
)
# What the open window does to a level: one cache line, those of a window side by side, and two
# levels to a line beside them. Rows that held both took two lines each.
FLOW: Final = np.dtype(
    [
        ("depth_start", "i8"),
        ("add", "i8"),
        ("pull", "i8"),
        ("fill", "i8"),
        ("pull_rest", "i8"),
        ("young", "i8"),  # quantity that will not have rested at window end
        ("folded", "i8"),  # depth before the window: what the accounts of wider cells hold of it
        ("add_max", "u4"),  # size of the largest order that was added
        ("level", "u4"),
    ]
)
# A ladder: the live levels of one lane, worst first, so that changes at the touch move little.
LANE: Final = np.dtype([("offset", "i8"), ("best", "i8"), ("length", "i4"), ("capacity", "i4")])
RUNG: Final = np.dtype([("key", "i8"), ("level", "u8")])
TABLE: Final = np.dtype(
    [
        ("last_trade", "i8"),
        ("stamp", "i8"),  # epoch for which the three below hold
        ("trade_qty_buy", "i8"),
        ("trade_qty_sell", "i8"),
        ("trade_count", "i8"),
        ("disturbed", "i8"),  # window of the last clear or snapshot record
        ("known", "i8"),  # bit 1 ask side, bit 2 bid side have an opening state
        ("snapshots", "i8"),  # books with a snapshot in progress
        ("doubtful", "i8"),  # books with MAYBE_BAD_BOOK since their last clear or snapshot
        ("dated", "i8"),  # latest ts_event of a snapshot record
    ]
)
BOOK: Final = np.dtype(
    [
        ("publisher_id", "i8"),
        ("instrument_id", "i8"),
        ("mix", "u8"),
        ("orders", "i8"),
        ("table", "u4"),
        ("snapshot", "i4"),  # 1 while a snapshot is in progress
        ("doubtful", "i4"),
        ("opening", "i4"),  # what came before the first live change: bit 1 clear, 2 snapshot
    ]
)
# Where a book is looked up: all that must be known of it before its record's turn.
BOOK_ENTRY: Final = np.dtype(
    [
        ("publisher_id", "u4"),
        ("instrument_id", "u4"),
        ("book", "u4"),  # book number + 1; 0 marks a free slot
        ("table", "u4"),
    ]
)
CLOCK: Final = np.dtype(
    [
        ("ts", "i8"),  # latest live ts_event
        ("window", "i8"),  # epoch second of the open window
        ("end", "i8"),
        ("young_from", "i8"),  # an order entered later has not rested at window end
        ("horizon", "i8"),  # latest t_entered of any snapshot order
        ("epoch", "i8"),
        ("touched", "i8"),
        ("orders", "i8"),
        ("levels", "i8"),  # rows ever used
        ("free_level", "i8"),  # first free row + 1, 0 for none
        ("free_levels", "i8"),
        ("entries", "i8"),  # changes whenever a level is entered into the lookup or taken out
        ("pendings", "i8"),
        ("free_pending", "i8"),
        ("books", "i8"),
        ("tables", "i8"),
        ("rungs", "i8"),
        ("starved", "i8"),  # 1 when a ladder found no room to grow
        ("order_shift", "i8"),
        ("level_shift", "i8"),
        ("breach", "i8"),  # code of a broken account, 0 for none
        ("breach_price", "i8"),
        ("breach_side", "i8"),
    ]
)
# Per book; the times of a kind of event hold nothing while its count is 0.
COUNTER: Final = np.dtype(
    [
        (name, "i8")
        for name in (
            "adds",
            "cancels",
            "modifies",
            "clears",
            "trades",
            "fills",
            "nones",
            "others",
            "snapshot_records",
            "snapshot_changes",
            "tob_records",
            "events",
            "crossed_events",
            "locked_events",
            "one_sided_events",
            "crossed_first_ts",
            "crossed_last_ts",
            "one_sided_first_ts",
            "one_sided_last_ts",
            "unknown_cancels",
            "unknown_modifies",
            "duplicate_adds",
            "over_cancels",
            "late_records",
            "expired_fills",
            "hidden_fills",
            "hidden_fill_qty",
            "fills_unknown_order",
            "side_changes",
            "sideless_ignored",
            "null_price_ignored",
            "trade_volume",
        )
    ]
)


# What was found out about a record before its turn.
AHEAD: Final = np.dtype(
    [
        ("book", "u4"),  # book number + 1; 0 where its book is not made yet
        ("level", "u4"),  # slot of the lookup of levels where the search for its level begins
    ]
)
AHEAD_ENTRIES: Final = 32


class State(NamedTuple):
    """All arrays of a replay. Sizes of orders, lookup and book_lookup are powers of two."""

    orders: NDArray[Any]
    pendings: NDArray[Any]
    levels: NDArray[Any]
    level_lookup: NDArray[np.uint32]
    lanes: NDArray[Any]
    rungs: NDArray[Any]
    flows: NDArray[Any]
    """FLOW, room for one of every level; the first `touched` of the clock are in use."""
    tables: NDArray[Any]
    books: NDArray[Any]
    tops: NDArray[Any]
    """ORDER (books · 2): the one level a TOB record put in place of a book's side."""
    book_lookup: NDArray[Any]
    """BOOK_ENTRY."""
    counters: NDArray[Any]
    added_sizes: NDArray[np.int32]
    """(SIZE_BINS,) orders that were added in the open window, by size."""
    ahead: NDArray[Any]
    """AHEAD (AHEAD_ENTRIES,) by record, in turns; of use within one call only."""
    clock: NDArray[Any]


class Accounts(NamedTuple):
    """Levels without orders: the accounts of cells that hold many levels of a State."""

    levels: NDArray[Any]
    """LEVEL; `orders` stays 0."""
    level_lookup: NDArray[np.uint32]
    flows: NDArray[Any]
    of_level: NDArray[np.uint32]
    """By row of the State's levels: row + 1 of the account, 0 where it is to be looked up."""
    clock: NDArray[Any]


Ledger: TypeAlias = "State | Accounts"
"""What keeps levels and their lookup."""


def aligned(n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return n zeroed entries that start on a cache line: a 32-byte entry never straddles two."""
    raw = np.zeros(n * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + n * dtype.itemsize].view(dtype)


def allocate(orders: int = 4 * BLOCK) -> State:
    """Return an empty state with room for `orders` live orders before the table grows."""
    capacity = 1 << (4 * max(orders, 2 * BLOCK) - 1).bit_length()
    rows = 4 * BLOCK
    state = State(
        orders=aligned(capacity, ORDER),
        pendings=np.zeros(2 * BLOCK, PENDING),
        levels=aligned(rows, LEVEL),
        level_lookup=np.zeros(4 * rows, np.uint32),
        lanes=np.zeros(4 * BLOCK, LANE),
        rungs=np.zeros(16 * BLOCK, RUNG),
        flows=aligned(rows, FLOW),
        tables=np.zeros(2 * BLOCK, TABLE),
        books=np.zeros(2 * BLOCK, BOOK),
        tops=np.zeros(4 * BLOCK, ORDER),
        book_lookup=np.zeros(8 * BLOCK, BOOK_ENTRY),
        counters=np.zeros(2 * BLOCK, COUNTER),
        added_sizes=np.zeros(SIZE_BINS, np.int32),
        ahead=np.zeros(AHEAD_ENTRIES, AHEAD),
        clock=np.zeros(1, CLOCK),
    )
    clock = state.clock[0]
    for name in ("ts", "window", "end", "horizon"):
        clock[name] = UNSET
    clock["young_from"] = FAR
    state.tables["last_trade"] = FAR
    state.lanes["best"] = UNSET
    clock["pendings"] = 1  # number 0 means none
    clock["epoch"] = 1  # the stamp of a level that was never touched is 0
    clock["order_shift"] = 65 - capacity.bit_length()
    clock["level_shift"] = 65 - (4 * rows).bit_length()
    return state


def allocate_accounts(rows: int = 1024) -> Accounts:
    """Return accounts with room for `rows` cells (a power of two) before they grow."""
    accounts = Accounts(
        levels=aligned(rows, LEVEL),
        level_lookup=np.zeros(4 * rows, np.uint32),
        flows=aligned(rows, FLOW),
        of_level=np.zeros(0, np.uint32),
        clock=np.zeros(1, CLOCK),
    )
    accounts.clock[0]["level_shift"] = 65 - (4 * rows).bit_length()
    accounts.clock[0]["epoch"] = 1
    return accounts
