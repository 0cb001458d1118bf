"""The raw folder: which file holds which day, and how a user's file gets there."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from contracts.errors import (
    ConfigurationError,
    PartitionMissingError,
    UnknownSymbolError,
    WrongDayError,
    WrongSchemaError,
)
from spymaster_assets.stages import raw
from spymaster_resources.lake import Lake
from tests.spymaster_assets.stages.raw_days import NEXT_DAY, write_day
from tests.spymaster_resources.dbn.dbn_records import DAY, some_records

FOLDER = (
    "raw/source=databento/product_type=future_mbo/symbol=ES/table=market_by_order_dbn"
)  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def put(lake: Lake, name: str, content: bytes = b"x") -> None:
    path = Path(lake.root) / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("glbx-mdp3-20240312.mbo.dbn.zst", DAY),
        ("esh4-glbx-mdp3-20240312.mbo.dbn", DAY),
        ("20240312.mbo.dbn", DAY),
        ("glbx-mdp3-20241312.mbo.dbn", None),
        ("glbx-mdp3-20240312.trades.dbn", None),
        ("glbx-mdp3-120240312.mbo.dbn", None),
        ("glbx-mdp3-20240312.mbo.dbn.zst.partial", None),
        ("es.mbo.dbn", None),
        ("glbx-mdp3-part2-20240312.mbo.dbn.zst", DAY),
        ("glbx-mdp3-20240312.mbo.parquet", DAY),
        ("glbx-mdp3-20240312.parquet", DAY),
        ("glbx-mdp3-20240312.mbo.dbn.zst.parquet", DAY),
        ("glbx-mdp3-20240312.trades.parquet", None),
        ("glbx-mdp3-20240312.mbo", None),
    ],
)
def test_date_of_a_vendor_name(name: str, day: date | None) -> None:
    assert raw.date_of_name(name) == day


def test_listing_is_by_day_and_names_what_it_cannot_place(lake: Lake) -> None:
    put(lake, "glbx-mdp3-20240313.mbo.dbn.zst", b"abc")
    put(lake, "glbx-mdp3-20240312.mbo.dbn")
    put(lake, "condition.json")
    put(lake, "notes.txt")
    put(lake, ".hidden")
    listing = raw.list_raw(lake, "future_mbo", "ES")
    assert [day.dt for day in listing.days] == [DAY, NEXT_DAY]
    assert listing.days[1].size == 3
    assert listing.unrecognised == ("notes.txt",)


def test_of_two_forms_the_checksummed_one_is_read(lake: Lake) -> None:
    put(lake, "glbx-mdp3-20240312.mbo.dbn")
    put(lake, "glbx-mdp3-20240312.mbo.dbn.zst")
    day = raw.raw_day(lake, "future_mbo", "ES", DAY)
    assert day.name == "glbx-mdp3-20240312.mbo.dbn.zst"
    assert [file.name for file in day.ignored] == ["glbx-mdp3-20240312.mbo.dbn"]


def test_two_different_files_of_a_day_are_refused(lake: Lake) -> None:
    put(lake, "glbx-mdp3-20240312.mbo.dbn.zst")
    put(lake, "esh4-glbx-mdp3-20240312.mbo.dbn.zst")
    with pytest.raises(ConfigurationError, match="expected one file or its two forms"):
        raw.raw_day(lake, "future_mbo", "ES", DAY)


def test_parts_of_a_day_are_one_day_in_their_order(lake: Lake) -> None:
    for part in ("", "-part10", "-part2", *(f"-part{n}" for n in range(3, 10))):
        put(lake, f"glbx-mdp3{part}-20240312.mbo.dbn.zst", b"abc")
    put(lake, "glbx-mdp3-part2-20240312.mbo.dbn")
    day = raw.raw_day(lake, "future_mbo", "ES", DAY)
    assert [file.part for file in day.files] == list(range(1, 11))
    assert day.files[1].name == "glbx-mdp3-part2-20240312.mbo.dbn.zst"
    assert [file.name for file in day.ignored] == ["glbx-mdp3-part2-20240312.mbo.dbn"]
    assert day.size == 30


@pytest.mark.parametrize("parts", [["-part2"], ["", "-part3"], ["-part2", "-part3"]])
def test_a_day_without_one_of_its_parts_is_refused(lake: Lake, parts: list[str]) -> None:
    for part in parts:
        put(lake, f"glbx-mdp3{part}-20240312.mbo.dbn.zst")
    with pytest.raises(ConfigurationError, match="or all parts of one request, found glbx"):
        raw.raw_day(lake, "future_mbo", "ES", DAY)


def test_parquet_is_read_only_where_the_day_has_no_dbn(lake: Lake) -> None:
    put(lake, "any-name-20240312.parquet")
    day = raw.raw_day(lake, "future_mbo", "ES", DAY)
    assert (day.name, day.files[0].is_parquet) == ("any-name-20240312.parquet", True)
    put(lake, "glbx-mdp3-20240312.mbo.dbn")
    day = raw.raw_day(lake, "future_mbo", "ES", DAY)
    assert day.name == "glbx-mdp3-20240312.mbo.dbn"
    assert [file.name for file in day.ignored] == ["any-name-20240312.parquet"]


def test_two_parquet_files_of_a_day_are_refused(lake: Lake) -> None:
    put(lake, "a-20240312.mbo.parquet")
    put(lake, "b-20240312.mbo.parquet")
    with pytest.raises(ConfigurationError, match=r"a-20240312\.mbo\.parquet, b-20240312"):
        raw.raw_day(lake, "future_mbo", "ES", DAY)


def test_a_missing_day_tells_where_to_put_it(lake: Lake) -> None:
    with pytest.raises(PartitionMissingError, match=r"20240312\.mbo\.dbn.*symbol=ES"):
        raw.raw_day(lake, "future_mbo", "ES", DAY)


def test_adopting_keeps_the_vendors_name_and_links(lake: Lake, tmp_path: Path) -> None:
    source = write_day(tmp_path / "esh4-glbx-mdp3-20240312.mbo.dbn.zst", some_records(5))
    root, file = raw.adopt_raw_file(lake, source)
    assert (root, file.dt, file.path) == ("ES", DAY, f"{FOLDER}/{source.name}")
    assert (Path(lake.root) / file.path).samefile(source)
    assert raw.raw_day(lake, "future_mbo", "ES", DAY).files == (file,)


def test_adopting_takes_the_day_from_the_header_when_the_name_tells_none(
    lake: Lake, tmp_path: Path
) -> None:
    source = write_day(tmp_path / "my-download.zst", some_records(5))
    _, file = raw.adopt_raw_file(lake, source)
    assert file.name == "glbx-mdp3-20240312.mbo.dbn.zst"


def test_adopting_twice_changes_nothing_and_another_file_is_refused(
    lake: Lake, tmp_path: Path
) -> None:
    source = write_day(tmp_path / "glbx-mdp3-20240312.mbo.dbn.zst", some_records(5))
    first = raw.adopt_raw_file(lake, source)
    assert raw.adopt_raw_file(lake, source) == first
    other = tmp_path / "other"
    other.mkdir()
    changed = write_day(other / source.name, some_records(6))
    with pytest.raises(ConfigurationError, match="the lake holds another"):
        raw.adopt_raw_file(lake, changed)
    names = [path.name for path in (Path(lake.root) / FOLDER).iterdir()]
    assert names == [source.name]


def test_adopting_copies_where_links_are_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError("links are refused")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    source = write_day(tmp_path / "glbx-mdp3-20240312.mbo.dbn.zst", some_records(5))
    _, file = raw.adopt_raw_file(lake, source)
    placed = Path(lake.root) / file.path
    assert not placed.samefile(source)
    assert placed.read_bytes() == source.read_bytes()


def test_adopting_refuses_a_name_of_another_day(lake: Lake, tmp_path: Path) -> None:
    source = write_day(tmp_path / "glbx-mdp3-20240313.mbo.dbn.zst", some_records(5))
    with pytest.raises(WrongDayError, match="name says 2024-03-13, the header 2024-03-12"):
        raw.adopt_raw_file(lake, source)
    assert not Path(lake.root).exists()


def test_adopting_refuses_several_days_in_one_file(lake: Lake, tmp_path: Path) -> None:
    source = write_day(tmp_path / "two-days.mbo.dbn.zst", some_records(5), days=2)
    with pytest.raises(WrongDayError, match="header says 2024-03-12 to 2024-03-13"):
        raw.adopt_raw_file(lake, source)


@pytest.mark.parametrize(
    ("mappings", "found"),
    [({"ESH4-ESM4": 5}, "ESH4-ESM4 among 1"), ({"ESH4": 5, "NQH4": 6}, "ES, NQ")],
)
def test_adopting_needs_one_root(
    lake: Lake, tmp_path: Path, mappings: dict[str, int], found: str
) -> None:
    source = write_day(tmp_path / "x.mbo.dbn.zst", some_records(0), mappings=mappings)
    with pytest.raises(UnknownSymbolError, match=f"one equity, found {found}"):
        raw.adopt_raw_file(lake, source)


def test_adopting_refuses_other_schemas_and_missing_files(
    lake: Lake, tmp_path: Path, real_data: Path
) -> None:
    trades = tmp_path / "trades.dbn.zst"
    shutil.copyfile(real_data / "fixtures" / "dbn" / "test_data.trades.v3.dbn.zst", trades)
    with pytest.raises(WrongSchemaError, match="expected schema mbo, found trades"):
        raw.adopt_raw_file(lake, trades)
    with pytest.raises(ConfigurationError, match="no such file"):
        raw.adopt_raw_file(lake, tmp_path / "absent.dbn")


def test_adopting_into_an_object_store(tmp_path: Path) -> None:
    lake = Lake("memory://raw-test")
    source = write_day(tmp_path / "glbx-mdp3-20240312.mbo.dbn.zst", some_records(5))
    _, file = raw.adopt_raw_file(lake, source)
    assert lake.file_system.read_bytes(file.path) == source.read_bytes()
    opened = raw.open_raw(lake, file)
    assert sum(len(chunk) for chunk in opened.records()) == 5


def test_an_equity_is_adopted_under_its_ticker(lake: Lake, tmp_path: Path) -> None:
    name = "xnas-itch-20240312.mbo.dbn.zst"
    source = write_day(
        tmp_path / name, some_records(5), dataset="XNAS.ITCH", symbols=["BRK.B"],
        stype_in="raw_symbol", mappings={"BRK.B": 5},
    )  # fmt: skip
    root, file = raw.adopt_raw_file(lake, source)
    assert root == "BRK.B"
    assert file.path == f"{raw.raw_folder('equity_mbo', 'BRK.B')}/{name}"
