"""A publisher of best prices tells, change by change, the touch of the book that it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from book_engines.records import MboColumns, mbo_columns
from book_engines.tops import TopsEngine
from contracts.errors import ConfigurationError
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.simulator.equities import EquityDay
from spymaster_resources.simulator.top_of_book import TOB_PUBLISHER_ID, write_top_of_book


def touches(path: Path, publisher: int | None = None) -> list[tuple[int, ...]]:
    """Return the touch after every event of a publisher, each once while it stays the same."""
    engine, found = TopsEngine(1), []
    for chunk in open_dbn(path).records(997):
        part = chunk if publisher is None else chunk[chunk["publisher_id"] == publisher]
        names = {"ts_event_ns": "ts_event", "price_int": "price"}
        columns = {n: part[names.get(n, n)].copy() for n in MboColumns._fields}
        for levels in engine.feed(mbo_columns(**columns)):
            found += list(zip(*levels.price.tolist(), *levels.qty.tolist(), strict=True))
    engine.finish()
    return [row for n, row in enumerate(found) if n == 0 or row != found[n - 1]]


@pytest.mark.parametrize("beside", [False, True])
def test_its_replayed_touch_is_that_of_the_source(
    tiny_equity: EquityDay, tmp_path: Path, beside: bool
) -> None:
    target = tmp_path / tiny_equity.path.name
    count = write_top_of_book(tiny_equity.path, target, beside=beside)
    written = np.concatenate([chunk.copy() for chunk in open_dbn(target).records()])
    assert len(written) == count
    tob = written["publisher_id"] == TOB_PUBLISHER_ID
    assert (((written["flags"] & 64) != 0) == tob).all()
    assert tob.all() != beside
    assert touches(target, TOB_PUBLISHER_ID) == touches(tiny_equity.path)
    if beside:
        source = np.concatenate([chunk.copy() for chunk in open_dbn(tiny_equity.path).records()])
        assert np.array_equal(written[~tob], source)


def test_a_file_of_two_publishers_is_refused(tiny_equity: EquityDay, tmp_path: Path) -> None:
    both = tmp_path / tiny_equity.path.name
    write_top_of_book(tiny_equity.path, both, beside=True)
    with pytest.raises(ConfigurationError, match="expected one publisher"):
        write_top_of_book(both, tmp_path / "again.mbo.dbn")
    assert not (tmp_path / "again.mbo.dbn").exists()
