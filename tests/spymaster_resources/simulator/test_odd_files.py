"""Files that are no session: the simulator's tools for files say so, or do what they can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.simulator.facts import measure
from spymaster_resources.simulator.top_of_book import write_top_of_book
from tests.spymaster_resources.dbn.dbn_records import DAY_START_NS, some_records

TICK = 250_000_000


def file_of(path: Path, records: NDArray[np.void]) -> Path:
    with DbnWriter(
        path, dataset="XNAS.ITCH", schema="mbo", start_ns=DAY_START_NS, end_ns=None
    ) as writer:
        writer.write(records)
    return path


@pytest.mark.parametrize("rows", [0, 1])
def test_facts_of_a_file_without_a_trade_are_refused(tmp_path: Path, rows: int) -> None:
    path = file_of(tmp_path / "x.dbn", some_records(rows))
    with pytest.raises(ConfigurationError, match=f"there is none in {rows} records"):
        measure(path, tick_int=TICK)


def test_facts_leave_out_what_means_nothing(tmp_path: Path) -> None:
    records = some_records(300)  # a third of them of no side
    records["size"][::4] = 0
    records["price"][1::5] = UNDEFINED_PRICE
    facts = {fact.name: fact.value for fact in measure(
        file_of(tmp_path / "x.dbn", records), tick_int=TICK
    )}  # fmt: skip
    assert facts["share of T"] > 0
    assert np.isfinite(list(facts.values())).all()


@pytest.mark.parametrize("beside", [False, True])
def test_the_top_of_a_book_without_an_event_is_no_record(tmp_path: Path, beside: bool) -> None:
    records = some_records(5)
    records["flags"] = 0
    path = file_of(tmp_path / "x.dbn", records)
    target = tmp_path / "tob.dbn"
    assert write_top_of_book(path, target, beside=beside) == 5 * beside
    assert sum(len(chunk) for chunk in open_dbn(target).records()) == 5 * beside
