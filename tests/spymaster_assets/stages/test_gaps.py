"""The silences of a stream, against a list of its times."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from book_engines.records import F_SNAPSHOT, SECOND_NS
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gaps import GapMeter
from spymaster_resources.quality import BUSY_RECORDS, GAP_S
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow

DT = date(2026, 1, 6)
CTX = StageContext.from_settings(
    Settings(session=SessionWindow.parse("09:30-09:35")), "ES", "future_mbo"
)
FIRST_NS = CTX.window_ends(DT).first_ns
LAST_NS = CTX.window_ends(DT).last_ns

Stream = list[tuple[int, bool]]
"""Seconds from the session's first window, and whether the record is of a snapshot."""

STREAMS = st.lists(st.tuples(st.integers(-120, 420), st.booleans()), max_size=20)


class Piece(NamedTuple):
    """Records as the meter sees them."""

    ts_event_ns: NDArray[np.int64]
    flags: NDArray[np.uint8]


def pieces(stream: Stream, step: int) -> list[Piece]:
    times = np.array([FIRST_NS + s * SECOND_NS for s, _ in stream], np.int64)
    flags = np.array([F_SNAPSHOT * of_snapshot for _, of_snapshot in stream], np.uint8)
    return [Piece(times[i : i + step], flags[i : i + step]) for i in range(0, len(times), step)]


def metered(stream: Stream, step: int) -> dict[str, int]:
    meter = GapMeter(CTX, DT)
    given_pieces = pieces(stream, step)
    assert list(meter.watch(given_pieces)) == given_pieces
    return meter.counters


@given(STREAMS, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_gaps_are_those_of_a_list_whatever_the_split(stream: Stream, step: int) -> None:
    busy: Stream = [(0, False)] * BUSY_RECORDS  # enough of them for any session
    times = [
        FIRST_NS + s * SECOND_NS
        for s, of_snapshot in busy + stream
        if not of_snapshot and FIRST_NS <= FIRST_NS + s * SECOND_NS <= LAST_NS
    ]
    gaps = [after - before for before, after in pairwise(times)]
    assert metered(busy + stream, step) == {
        "gaps": sum(gap > GAP_S * SECOND_NS for gap in gaps),
        "longest_gap_s": max(gaps) // SECOND_NS,
    }


def test_a_stream_of_few_records_is_not_called_silent() -> None:
    assert metered([(0, False), (200, False)], 5) == {}
