"""`spymaster run`: what it builds, prints and returns, and what bad input leaves behind."""

from __future__ import annotations

import io
import json
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import zstandard

from spymaster_assets.pipeline import Layer
from spymaster_assets.runner import Request, run
from spymaster_assets.stages.raw import adopt_raw_file, raw_folder
from spymaster_resources.lake import Lake
from spymaster_resources.lake.verify import Verdict
from spymaster_resources.settings import Settings
from tests.spymaster_assets.cli.program import Ended, call, environment_of, start
from tests.spymaster_assets.conftest import MONDAY, TUESDAY

Program = Callable[..., Ended]


@pytest.fixture
def spymaster(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """Return a call of the program on the lake of `settings`."""
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: call(monkeypatch, capsys, *arguments)


def tables(lake: Lake) -> dict[str, bytes]:
    """Return every file of the lake that is not raw, its staging and locks left out."""
    root = Path(lake.root)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not any(part.startswith(("raw", ".")) for part in path.relative_to(root).parts)
    }


def day_name(dt: date) -> str:
    return f"glbx-mdp3-{dt:%Y%m%d}.mbo.dbn.zst"


def test_summary_tells_what_was_built_and_what_was_kept(spymaster: Program, lake: Lake) -> None:
    first = spymaster("run", "--dates", str(MONDAY), "--layer", "silver", "--symbol", "ES")
    assert first.code == 1
    assert f"no contract of ES: no bronze of ES on {MONDAY}" in first.out + first.err
    first = spymaster("run", "--dates", str(MONDAY))
    assert first.code == 0
    assert "current, kept" not in first.out
    again = spymaster("run", "--dates", str(MONDAY))
    assert again.code == 0
    assert again.out.count("current, kept") == 5
    assert spymaster("run", "--dates", str(MONDAY), "--overwrite").out.count("built") == 5


def test_json_is_one_object_and_the_log_file_has_every_step(
    spymaster: Program, lake: Lake, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    dates = f"{MONDAY},2026-01-07"
    ended = spymaster(
        "run", "--dates", dates, "--layer", "bronze", "--json", "--log-file", str(log)
    )
    assert ended.code == 1
    content = json.loads(ended.out)
    assert content["symbol"] == "ES"
    assert content["failed"] == ["2026-01-07"]
    good, bad = content["steps"]
    assert (good["dt"], good["layer"], good["error"], good["kept"]) == (
        "2026-01-05",
        "bronze",
        None,
        False,
    )
    assert list(good["rows"]) == ["bronze/future_mbo/ES/mbo"]
    assert bad["error"].startswith("PartitionMissingError: ")
    lines = log.read_text().splitlines()
    assert [line.split()[2] for line in lines] == ["INFO", "INFO", "ERROR"]
    assert "checks of bronze.future_mbo.mbo took" in lines[0]
    assert "2026-01-05 bronze: bronze/future_mbo/ES/mbo" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dates", "2026-01-01"), "is no trading day of calendar CMES"),
        (("--dates", "2026-01-05", "--layer", "platinum"), "expected one of bronze, silver"),
        (("--dates", "2026-01-05", "--symbol", "ZZ"), "not in the instrument catalogue"),
        (("--dates", "2026-01-05", "--product-type", "future"), "expected one of future_mbo,"),
    ],
)
def test_request_that_cannot_be_met_is_one_line(
    spymaster: Program, lake: Lake, arguments: tuple[str, ...], message: str
) -> None:
    ended = spymaster("run", *arguments)
    assert ended.code == 1
    assert ended.err.startswith("ConfigurationError: ")
    assert message in ended.err
    assert tables(lake) == {}


def test_symbol_that_the_file_does_not_hold_is_named(spymaster: Program, lake: Lake) -> None:
    ended = spymaster("run", "--symbol", "ESZ6", "--dates", str(MONDAY))
    assert ended.code == 1
    assert "PartitionMissingError" in ended.out
    assert "ESZ6" in ended.out


def cut(day: bytes) -> bytes:
    return day[: len(day) * 3 // 5]


def flipped(day: bytes) -> bytes:
    content = bytearray(day)
    content[len(day) // 2] ^= 16
    return bytes(content)


def of_unknown_version(day: bytes) -> bytes:
    plain = bytearray(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(day)).read())
    plain[3] = 9
    return zstandard.ZstdCompressor().compress(bytes(plain))


def of_trades(day: bytes) -> bytes:
    """Return the day with a header that says schema trades, as a renamed file has."""
    plain = bytearray(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(day)).read())
    dataset_end = 8 + 16
    assert plain[dataset_end : dataset_end + 2] == b"\x00\x00", "schema mbo"
    plain[dataset_end] = 4
    return zstandard.ZstdCompressor().compress(bytes(plain))


@pytest.mark.parametrize(
    ("breakage", "error"),
    [
        (cut, "TruncatedFileError"),
        (flipped, "CorruptFileError"),
        (of_unknown_version, "UnknownVersionError"),
        (of_trades, "WrongSchemaError"),
        (lambda _: b"PAR1 is no market data", "BadMagicError"),
        (lambda _: b"", "EmptyFileError"),
    ],
)
def test_bad_file_is_named_leaves_the_lake_as_it_was_and_the_next_run_heals(
    breakage: Callable[[bytes], bytes],
    error: str,
    spymaster: Program,
    settings: Settings,
    tiny_days: dict[date, Path],
) -> None:
    lake = Lake(settings.lake)
    adopt_raw_file(lake, tiny_days[MONDAY])
    bronze = ("run", "--layer", "bronze", "--dates", "2026-01-05:2026-01-06")
    assert spymaster(*bronze[:-1], str(MONDAY)).code == 0
    before = tables(lake)
    assert before
    bad = Path(lake.root, raw_folder("future_mbo", "ES"), day_name(TUESDAY))
    bad.write_bytes(breakage(tiny_days[TUESDAY].read_bytes()))
    ended = spymaster(*bronze)
    assert ended.code == 1
    assert f"{error}: " in ended.out
    assert day_name(TUESDAY) in ended.out
    assert tables(lake) == before
    bad.unlink()
    adopt_raw_file(lake, tiny_days[TUESDAY])
    assert spymaster(*bronze).code == 0
    assert lake_is_sound(settings)


def test_demo_of_a_bad_file_is_one_line_and_the_next_heals(
    spymaster: Program, settings: Settings, tmp_path: Path, tiny_days: dict[date, Path]
) -> None:
    path = tmp_path / day_name(MONDAY)
    for breakage, error in ((cut, "TruncatedFileError"), (flipped, "CorruptFileError")):
        path.write_bytes(breakage(tiny_days[MONDAY].read_bytes()))
        ended = spymaster("demo", "--raw", str(path), "--no-serve")
        assert ended.code == 1
        assert ended.err.startswith(f"{error}: "), ended.err
        assert not Path(settings.lake).exists()
    ended = spymaster("demo", "--raw", str(tiny_days[MONDAY]), "--no-serve")
    assert ended.code == 0, ended.err
    assert "expected gold of at least 2 sessions" in ended.err
    assert lake_is_sound(settings)


def lake_is_sound(settings: Settings) -> bool:
    return {finding.verdict for finding in Lake(settings.lake).verify()} == {Verdict.OK}


def test_of_two_raw_forms_one_is_read_and_the_other_reported(
    spymaster: Program, lake: Lake, tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(tiny_days[MONDAY].read_bytes()))
    folder = Path(lake.root, raw_folder("future_mbo", "ES"))
    (folder / day_name(MONDAY)).with_suffix("").write_bytes(plain.read())
    log = tmp_path / "log"
    ended = spymaster("run", "--dates", str(MONDAY), "--layer", "bronze", "--log-file", str(log))
    assert ended.code == 0
    assert f"{day_name(MONDAY)} is read, its other form" in log.read_text()


def limit_files_to_100_kb() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.slow
def test_full_disk_is_named_and_the_next_run_heals(
    settings: Settings, lake: Lake, spymaster: Program
) -> None:
    arguments = ("run", "--dates", str(MONDAY))
    process = start(environment_of(settings), *arguments, before=limit_files_to_100_kb)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "StorageError: " in out
    assert tables(lake) == {}
    assert spymaster(*arguments).code == 0
    assert lake_is_sound(settings)


@pytest.mark.slow
def test_killed_runs_lose_nothing_and_the_next_gives_the_same_bytes(
    settings: Settings,
    lake: Lake,
    spymaster: Program,
    tiny_days: dict[date, Path],
    tmp_path: Path,
) -> None:
    """Kill −9 as soon as so many partitions are published: first bronze, then among the others."""
    arguments = ("run", "--dates", "2026-01-05:2026-01-06", "--overwrite")
    for published in (0, 1, 6):
        process = start(environment_of(settings), *arguments)
        while process.poll() is None and writing_or_published(lake) <= published:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        verdicts = {finding.verdict for finding in lake.verify()}
        assert not verdicts & {Verdict.CORRUPT, Verdict.MISSING}
    assert spymaster(*arguments[:-1]).code == 0
    healed = tables(lake)
    other = Lake(str(tmp_path / "other"))
    for path in tiny_days.values():
        adopt_raw_file(other, path)
    request = Request("ES", Layer.ALL, [MONDAY, TUESDAY])
    steps = run(replace(settings, lake=other.root), request, lambda _: None)
    assert not [step.error for step in steps if step.error]
    assert healed == tables(other)


def writing_or_published(lake: Lake) -> int:
    """Return how many partitions are published, one more while one is being written."""
    names = [name for *_, files in os.walk(lake.root) for name in files]
    return names.count("_SUCCESS") + any("part" in name for name in names)
