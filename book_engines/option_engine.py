"""Options on a future in one-second windows: one book an option, all of a chain in one pass.

A replay that yields the rows of the two silver tables, in the blocks of the quotes' engine:
`book_snapshot_1s` has one row for each window and option with a quote, `depth_and_flow_1s` one for
each window, strike around spot, call or put, and side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.cursor import CLOSE, DONE, apply_records
from book_engines.kernel import Int, kernel
from book_engines.quote_records import PUT
from book_engines.quote_windows import QuoteOutput
from book_engines.records import SECOND_NS, MboColumns
from book_engines.replay import Saved, grown_accounts, load_accounts, save_accounts
from book_engines.state import State, allocate_accounts
from book_engines.strike_output import QuoteBlock, StrikeOutput, require_grid, strike_grid
from book_engines.strikes import OPTION, UNSEEN, StrikeView, roll_strikes
from book_engines.window_engine import WindowEngine


@kernel
def replay_options(
    state: State, view: StrikeView, records: MboColumns, out: QuoteOutput, start: Int, until: Int
) -> tuple[Int, Int]:
    """Replay records from `start` on, then move the clock on to window `until` if it lies ahead.

    Returns (next record, why it stopped).
    """
    i, status = apply_records(state, records, start)
    while status == CLOSE:
        status = roll_strikes(state, view, out, records.ts_event_ns[np.uint64(i)] // SECOND_NS)
        if status == DONE:
            i, status = apply_records(state, records, i)
    return i, roll_strikes(state, view, out, until) if status == DONE else status


def option_chain(
    instrument_id: NDArray[Any], strike_price_int: NDArray[Any], right: NDArray[Any]
) -> NDArray[Any]:
    """Return OPTION (N,) by instrument id. `right` holds the ASCII of C (call) or P (put).

    Raises ValueError on an instrument that is there twice.
    """
    chain = np.empty(len(instrument_id), OPTION)
    chain["instrument_id"] = instrument_id
    chain["strike"] = strike_price_int
    chain["right"] = right
    chain["table"] = UNSEEN
    chain = chain[np.argsort(chain["instrument_id"], kind="stable")]
    twice = np.flatnonzero(np.diff(chain["instrument_id"]) == 0)
    if twice.size:
        raise ValueError(
            f"expected every option once, found instrument {chain[twice[0]]['instrument_id']} twice"
        )
    return chain


class OptionBookEngine(WindowEngine[QuoteBlock]):
    """Replays the books of a chain of options and yields its session's windows.

    chain: OPTION (N,) of `option_chain`; a record of another instrument is refused. spots: int64
    (W,), the underlying's spot reference at each window end of the session, multiples of
    `rel_tick_int`, UNDEF_PRICE where it has none; such a window has no strikes. strike_step_int:
    distance of the grid's strikes, 1e-9 dollars. half_width: strikes on either side of the one
    nearest to spot. With `reuse_blocks` a block is overwritten by the next one.
    """

    def __init__(
        self,
        chain: NDArray[Any],
        spots: NDArray[np.int64],
        first_window_end_ns: int,
        *,
        strike_step_int: int,
        rel_tick_int: int,
        half_width: int,
        reuse_blocks: bool = False,
    ) -> None:
        n_windows = len(spots)
        super().__init__(first_window_end_ns, first_window_end_ns + (n_windows - 1) * SECOND_NS)
        self._spots = np.array(spots, np.int64)
        self._grid = strike_grid(
            self._spots,
            first_window_end_ns,
            strike_step_int=strike_step_int,
            rel_tick_int=rel_tick_int,
            half_width=half_width,
        )
        self._options = np.array(chain, OPTION)
        self._option_of = np.zeros(self._options.size, np.int64)
        self._admitted = np.zeros(1, np.int64)
        self._accounts = allocate_accounts()
        self._out = StrikeOutput(half_width, self._options.size, reuse_blocks=reuse_blocks)

    @property
    def instruments(self) -> NDArray[Any]:
        """Return OPTION (N,) of the whole chain; a block's NUMBER is the row."""
        return self._options

    @property
    def instruments_seen(self) -> int:
        """Return how many options of the chain had a record so far."""
        return int(self._admitted[0])

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""
        return self._out.window_counters

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""
        return {
            **self._replay.save(),
            **save_accounts(self._accounts, "accounts_"),
            "grid": np.array(self._grid, np.int64),
            "options": self._options.copy(),
            "option_of": self._option_of.copy(),
            "admitted": self._admitted.copy(),
            **self._out.save(),
        }

    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same chain, grid and session, else ValueError."""
        require_grid(saved, self._grid)
        names = ["instrument_id", "strike", "right"]
        if not np.array_equal(saved["options"][names], self._options[names]):
            raise ValueError("expected a state of this chain, found one of other options")
        self._replay.load(saved)
        self._accounts = load_accounts(saved, "accounts_")
        self._options = saved["options"].copy()
        self._option_of = saved["option_of"].copy()
        self._admitted = saved["admitted"].copy()
        self._out.load(saved)

    def _step(self, records: MboColumns, start: int, until: int) -> tuple[int, int]:
        view = StrikeView(
            self._session,
            self._grid,
            self._spots,
            self._options,
            self._option_of,
            self._admitted,
            self._accounts,
        )
        return replay_options(self._replay.state, view, records, self._out.buffers, start, until)

    def _admit(self) -> None:
        """Give every new table of books its option; ValueError names one that is not listed."""
        state = self._replay.state
        tables = int(state.clock[0]["tables"])
        if tables == self._admitted[0]:
            return
        books = state.books[: int(state.clock[0]["books"])]
        for book in books[books["table"] >= self._admitted[0]]:
            number = int(book["instrument_id"])
            place = int(np.searchsorted(self._options["instrument_id"], number))
            if place == self._options.size or self._options["instrument_id"][place] != number:
                raise ValueError(
                    f"expected records of the {self._options.size} options of the chain, "
                    f"found instrument {number}"
                )
            self._options["table"][place] = book["table"]
            self._option_of[int(book["table"])] = place
        self._admitted[0] = tables

    def _has_output(self) -> bool:
        return self._out.is_waiting

    def _grow(self) -> None:
        super()._grow()
        self._accounts = grown_accounts(self._accounts, self._replay.state)

    def _audit(self) -> None:
        super()._audit()
        if self._options.size == 0:
            return
        lanes = self._replay.state.levels["lane"].astype(np.int64)
        # rows that are free hold other things in their lane: they are not looked at
        options = self._options[self._option_of[np.minimum(lanes >> 1, self._option_of.size - 1)]]
        lane = (lanes & 1) + 2 * (options["right"] == PUT)
        self._replay.audit_accounts(self._accounts, lane, options["strike"])

    def _take(self) -> QuoteBlock:
        return self._out.take()
