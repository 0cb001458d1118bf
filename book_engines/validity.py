"""What makes a book valid: how it opened, whether a snapshot is in progress, doubts."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from book_engines.kernel import Int, helper
from book_engines.records import CLEAR, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT
from book_engines.state import State

OPENED_BY_CLEAR = 1
OPENED_BY_SNAPSHOT = 2
BOTH_SIDES = 3


@helper
def live_changes(counter: NDArray[Any]) -> Int:
    """Return the adds, cancels and modifies of a book that had a side and no F_SNAPSHOT."""
    changes = counter["adds"] + counter["cancels"] + counter["modifies"]
    return changes - counter["snapshot_changes"] - counter["sideless_ignored"]


@helper
def mark_book(state: State, book: Int, action: Int, flags: Int, ts: Int) -> None:
    """Keep the book's validity marks: opening state, snapshot in progress, MAYBE_BAD_BOOK.

    A clear that opens a snapshot is no part of it yet: of an empty book it is all there is, and
    nothing more need come of that book.
    """
    clock = state.clock[0]
    marks = state.books[book]
    counter = state.counters[book]
    table = state.tables[marks["table"]]
    snapshot = (flags & F_SNAPSHOT) != 0
    if snapshot:
        table["dated"] = max(table["dated"], ts)
    if snapshot or action == CLEAR:
        if live_changes(counter) == 0:
            marks["opening"] |= OPENED_BY_CLEAR if action == CLEAR else OPENED_BY_SNAPSHOT
        if marks["snapshot"] == 0 or action == CLEAR:
            table["doubtful"] -= marks["doubtful"]
            marks["doubtful"] = 0
        table["known"] = BOTH_SIDES
        table["disturbed"] = clock["window"]
    progress = 1 if snapshot and action != CLEAR and (flags & F_LAST) == 0 else 0
    table["snapshots"] += progress - marks["snapshot"]
    marks["snapshot"] = progress
    if (flags & F_MAYBE_BAD_BOOK) != 0 and marks["doubtful"] == 0:
        marks["doubtful"] = 1
        table["doubtful"] += 1
