"""The list of sessions is always that of the lake, and reads only what has changed."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import StorageError
from spymaster_resources.lake import Lake, Manifest
from tests.web.service.sample_lake import (
    DT,
    DT_WITHOUT_GOLD,
    FORECAST,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    snapshot,
    surface,
    write,
    write_lake,
)
from tests.web.service.sample_products import EQUITY_SNAPSHOT, FUTURE_OPTIONS, options
from web.service import listing
from web.service.cache import BoundedCache
from web.service.listing import SCORECARD, SessionListing
from web.service.sessions import SessionCatalogue
from web.service.symbols import Symbols


class ReadLake(Lake):
    """A lake that counts the manifests read of it, and whose storage can fail."""

    reads = 0
    fails = False

    def manifest(self, dataset: str, symbol: str | None, dt: date | None) -> Manifest | None:
        self.reads += 1
        if self.fails:
            raise StorageError(f"{dataset} {symbol} {dt}", "the storage is away")
        return super().manifest(dataset, symbol, dt)


class Clock:
    """A clock that stands, or moves by `step_s` at each look."""

    now_s = 0.0
    step_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def lake(tmp_path: Path) -> ReadLake:
    return ReadLake(write_lake(str(tmp_path / "lake")).root)


@pytest.fixture
def listed(lake: ReadLake) -> SessionListing:
    """A listing on a clock that stands: every look at the lake is a new one."""
    return SessionListing(lake, Symbols(), Clock())


def sessions(listed: SessionListing) -> dict[str, Any]:
    """Return the entries of the answer by date."""
    body = json.loads(listed.answer().content)
    return {entry["dt"]: entry for entry in body["sessions"]}


def folder(lake: Lake, dataset: str, dt: date) -> Path:
    """Return the folder of a partition."""
    return Path(lake.files(dataset, SYMBOL, dt)[0]).parent


def test_what_has_not_changed_is_not_read_again(lake: ReadLake, listed: SessionListing) -> None:
    first = listed.answer()
    assert lake.reads > 0
    lake.reads = 0
    assert listed.answer() is first
    assert lake.reads == 0


def test_a_new_partition_shows_at_once(lake: ReadLake, listed: SessionListing) -> None:
    before = listed.answer().tag
    assert not sessions(listed)["2026-01-30"]["tables"]["velocity"]
    write(lake, SURFACE, DT_WITHOUT_GOLD, surface(DT_WITHOUT_GOLD, 70, 8))
    lake.reads = 0
    assert sessions(listed)["2026-01-30"]["tables"]["velocity"]
    assert lake.reads == 5  # the four tables of that session and its records: no other's
    assert listed.answer().tag != before
    monday = date(2026, 2, 2)
    write(lake, SNAPSHOT, monday, snapshot(monday, 70, 9))
    assert list(sessions(listed)) == ["2026-01-29", "2026-01-30", "2026-02-02"]


def test_a_replaced_partition_shows_at_once(lake: ReadLake, listed: SessionListing) -> None:
    assert not sessions(listed)["2026-01-29"]["calibrated"]
    manifest = lake.manifest(FORECAST, SYMBOL, DT)
    assert manifest is not None
    with lake.writer(
        FORECAST, SYMBOL, DT, parameters={"calibrated": True}, inputs=[], code_version="1"
    ) as writer:
        writer.write(lake.read(FORECAST, SYMBOL, DT))
        writer.seal({"fitted": 3})
        writer.publish()
    entry = sessions(listed)["2026-01-29"]
    assert entry["calibrated"]
    assert entry["scorecard"]["forecast"] == {"fitted": 3}


def test_a_vanished_partition_is_gone_at_once(lake: ReadLake, listed: SessionListing) -> None:
    assert sessions(listed)["2026-01-29"]["tables"]["forecast"]
    shutil.rmtree(folder(lake, FORECAST, DT))
    assert not sessions(listed)["2026-01-29"]["tables"]["forecast"]
    shutil.rmtree(folder(lake, SNAPSHOT, DT))
    assert list(sessions(listed)) == ["2026-01-30"]
    shutil.rmtree(lake.root)
    assert sessions(listed) == {}


def test_options_come_and_go_with_their_table(lake: ReadLake, listed: SessionListing) -> None:
    assert json.loads(listed.answer().content)["products"] == ["future_mbo"]
    write(lake, FUTURE_OPTIONS, DT, options(DT, 70, 1, key=FUTURE_OPTIONS))
    body = json.loads(listed.answer().content)
    assert body["products"] == ["future_mbo", "future_option_mbo"]
    assert body["sessions"][0]["products"] == ["future_mbo", "future_option_mbo"]


def test_a_new_scorecard_shows_at_once(lake: ReadLake, listed: SessionListing) -> None:
    listed.answer()
    lake.put_document(SCORECARD, b'{"ES": {"skill": 0.5}}')
    lake.reads = 0
    assert json.loads(listed.answer().content)["scorecard"] == {"ES": {"skill": 0.5}}
    assert lake.reads == 0


def test_a_damaged_manifest_shows_at_once_and_so_does_its_repair(
    lake: ReadLake, listed: SessionListing
) -> None:
    path = folder(lake, SURFACE, DT) / "_MANIFEST.json"
    content = path.read_text()
    assert sessions(listed)["2026-01-29"]["fault"] is None
    path.write_text(content.replace("2026-01-29", "2026-01-28"))
    assert sessions(listed)["2026-01-29"]["fault"] is not None
    assert sessions(listed)["2026-01-30"]["fault"] is None
    path.write_text(content)
    assert sessions(listed)["2026-01-29"]["fault"] is None


def test_a_fault_of_the_storage_is_not_remembered(lake: ReadLake, listed: SessionListing) -> None:
    lake.fails = True
    assert all(entry["fault"] for entry in sessions(listed).values())
    lake.fails = False
    assert not any(entry["fault"] for entry in sessions(listed).values())


def test_asking_without_end_looks_at_the_lake_now_and_then(
    lake: ReadLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "REST", 3.0)
    clock = Clock()
    clock.step_s = 1.0  # so each look takes a second, and is good for three
    listed, looks = SessionListing(lake, Symbols(), clock), []
    found = lake.marks

    def marks(dataset: str) -> Any:
        looks.append(dataset)
        return found(dataset)

    monkeypatch.setattr(lake, "marks", marks)
    for _ in range(100):
        listed.sessions()
    assert looks.count(SNAPSHOT) == 34  # every third, a call in between is a second too


def test_a_ticker_without_a_row_of_its_own_is_a_session(
    lake: ReadLake, listed: SessionListing
) -> None:
    write(lake, EQUITY_SNAPSHOT, DT, snapshot(DT, 70, 2, key=EQUITY_SNAPSHOT), symbol="BRK.B")
    body = json.loads(listed.answer().content)
    assert body["symbols"] == ["BRK.B", SYMBOL]
    assert body["sessions"][0]["root"] == "BRK.B"


def test_a_session_that_is_open_is_not_read_again(lake: ReadLake) -> None:
    catalogue = SessionCatalogue(lake, BoundedCache(10**7), Symbols())
    session = catalogue.open(SYMBOL, DT)
    assert catalogue.open("ES", DT) is session
    lake.reads = 0
    assert catalogue.open(SYMBOL, DT) is session
    assert lake.reads == 0
    write(lake, SURFACE, DT, lake.read(SURFACE, SYMBOL, DT))  # the same content under a new mark
    assert catalogue.open(SYMBOL, DT) is session
    write(lake, SURFACE, DT, surface(DT, 300, 99))
    replaced = catalogue.open(SYMBOL, DT)
    assert replaced.version != session.version
    assert catalogue.open(SYMBOL, DT) is replaced
