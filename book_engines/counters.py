"""What a replay counted: quality counters of a file or a day, in total and per book."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.state import COUNTER, State
from book_engines.validity import OPENED_BY_CLEAR, OPENED_BY_SNAPSHOT

_ACTIONS = ("adds", "cancels", "modifies", "clears", "trades", "fills", "nones", "others")
_TIMES = (
    ("crossed_first_ts", "crossed_events", min),
    ("crossed_last_ts", "crossed_events", max),
    ("one_sided_first_ts", "one_sided_events", min),
    ("one_sided_last_ts", "one_sided_events", max),
)


@dataclass(frozen=True)
class BookCounters:
    """Counts over records, events and books; times in ns UTC, None where nothing was seen."""

    records: int
    adds: int
    cancels: int
    modifies: int
    clears: int
    trades: int
    fills: int
    nones: int
    others: int
    """Records of an action that is none of these."""
    snapshot_records: int
    snapshot_changes: int
    """Adds, cancels and modifies with a side and with F_SNAPSHOT."""
    tob_records: int
    events: int
    """Records with F_LAST."""
    crossed_events: int
    """Events after which best bid > best ask."""
    locked_events: int
    """Events after which best bid = best ask."""
    one_sided_events: int
    crossed_first_ts: int | None
    crossed_last_ts: int | None
    one_sided_first_ts: int | None
    one_sided_last_ts: int | None
    unknown_cancels: int
    unknown_modifies: int
    duplicate_adds: int
    over_cancels: int
    late_records: int
    """Records, snapshot records apart, whose ts_event is older than one before them."""
    expired_fills: int
    """Pending fills that no cancel or modify of the same order and time settled."""
    hidden_fills: int
    hidden_fill_qty: int
    """Filled quantity above what the order displayed."""
    fills_unknown_order: int
    side_changes: int
    sideless_ignored: int
    null_price_ignored: int
    trade_volume: int
    resting_orders: int
    opening: str
    """What came before the first live change: none, clear, snapshot or clear_and_snapshot."""

    def as_dict(self) -> dict[str, int | str | None]:
        """Return the counters by name."""
        return asdict(self)


def count_books(state: State, first: int, last: int) -> BookCounters:
    """Return the counters of books [first, last) together."""
    books = state.books[first:last]
    return sum_counters(state.counters[first:last], books["opening"], int(books["orders"].sum()))


def each_counters(
    rows: NDArray[Any], openings: NDArray[np.integer[Any]], resting_orders: NDArray[np.int64]
) -> list[BookCounters]:
    """Return the counters of each COUNTER row; openings, resting_orders: (n,) of its book."""
    names = COUNTER.names or ()
    each = []
    for row, bits, resting in zip(
        rows.tolist(), openings.tolist(), resting_orders.tolist(), strict=True
    ):
        counts: dict[str, Any] = dict(zip(names, row, strict=True))
        for name, count, _ in _TIMES:
            if counts[count] == 0:
                counts[name] = None
        each.append(
            BookCounters(
                records=sum(counts[name] for name in _ACTIONS),
                **counts,
                resting_orders=resting,
                opening=opening_name(bits),
            )
        )
    return each


def sum_counters(
    rows: NDArray[Any], openings: NDArray[np.integer[Any]], resting_orders: int
) -> BookCounters:
    """Return COUNTER rows added up; `openings` holds the opening bits of each book."""
    totals: dict[str, int | None] = {
        name: int(rows[name].sum()) for name in COUNTER.names or () if not name.endswith("_ts")
    }
    for name, count, choose in _TIMES:
        seen = rows[name][rows[count] > 0]
        totals[name] = choose(seen.tolist()) if seen.size else None
    kinds = {opening_name(int(bits)) for bits in openings} or {"none"}
    opening = kinds.pop() if len(kinds) == 1 else "mixed"
    return BookCounters(
        records=sum(totals[name] or 0 for name in _ACTIONS),
        **totals,  # type: ignore[arg-type]
        resting_orders=resting_orders,
        opening=opening,
    )


def opening_name(bits: int) -> str:
    """Return the name of a book's opening."""
    names = []
    if bits & OPENED_BY_CLEAR:
        names.append("clear")
    if bits & OPENED_BY_SNAPSHOT:
        names.append("snapshot")
    return "_and_".join(names) or "none"
