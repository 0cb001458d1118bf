"""Current, stale, missing, corrupt, orphaned: which, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spymaster_resources.lake import Lake, PartitionStatus, RawInput
from spymaster_resources.lake.verify import Finding, Verdict
from tests.spymaster_resources.lake.tables import (
    CONTRACT,
    DAY,
    DERIVED,
    NEXT_DAY,
    PICKS,
    QUOTES,
    TABLES,
    put,
    quotes,
)

FOLDER = "silver/symbol=ESH4/table=quotes/dt=2024-01-02"


def _verdicts(lake: Lake) -> list[tuple[str, str]]:
    return [(finding.key.dataset, finding.verdict.value) for finding in lake.verify()]


def test_a_partition_is_missing_then_current(lake: Lake) -> None:
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.MISSING
    put(lake, quotes(20))
    assert (
        lake.status(QUOTES, "ESH4", DAY, code_version="1", parameters={"grid": 200})
        is PartitionStatus.CURRENT
    )


def test_other_code_or_parameters_make_it_stale(lake: Lake) -> None:
    put(lake, quotes(20))
    report = lake.explain(QUOTES, "ESH4", DAY, code_version="2", parameters={"grid": 100})
    assert report.status is PartitionStatus.STALE
    assert report.reasons == (
        "code version: expected 2, found 1",
        "parameters: expected {'grid': 100}, found {'grid': 200}",
    )


def test_parameters_are_compared_as_json_keeps_them(lake: Lake) -> None:
    with lake.writer(
        QUOTES, "ESH4", DAY, parameters={"taps": (1, 2)}, inputs=[], code_version="1"
    ) as writer:
        writer.publish()
    assert lake.status(QUOTES, "ESH4", DAY, parameters={"taps": (1, 2)}) is PartitionStatus.CURRENT


@pytest.mark.parametrize("change", [{"version": 3}, {"sha256": "d" * 64}, {"name": "other"}])
def test_another_contract_makes_it_stale(lake: Lake, change: dict[str, object]) -> None:
    put(lake, quotes(20))
    contract = replace(CONTRACT, **change)  # type: ignore[arg-type]
    later = Lake(lake.root, {QUOTES: replace(TABLES[QUOTES], contract=contract)})
    report = later.explain(QUOTES, "ESH4", DAY)
    assert report.status is PartitionStatus.STALE
    assert report.reasons[0].startswith(f"contract {next(iter(change))}")


def test_a_changed_input_makes_it_stale_until_it_is_built_again(lake: Lake) -> None:
    put(lake, quotes(20))
    put(lake, quotes(5), DERIVED, inputs=(lake.input(QUOTES, "ESH4", DAY),))
    assert lake.status(DERIVED, "ESH4", DAY) is PartitionStatus.CURRENT
    put(lake, quotes(20))
    assert lake.status(DERIVED, "ESH4", DAY) is PartitionStatus.CURRENT
    put(lake, quotes(20, seed=1))
    report = lake.explain(DERIVED, "ESH4", DAY)
    assert report.status is PartitionStatus.STALE
    assert "input silver.test.quotes ESH4 2024-01-02: expected" in report.reasons[0]
    put(lake, quotes(5), DERIVED, inputs=(lake.input(QUOTES, "ESH4", DAY),))
    assert lake.status(DERIVED, "ESH4", DAY) is PartitionStatus.CURRENT


def test_other_raw_files_make_it_stale(lake: Lake) -> None:
    raw = RawInput("day.dbn.zst", 10, "aa")
    put(lake, quotes(5), inputs=(raw,))
    assert lake.status(QUOTES, "ESH4", DAY, inputs=[raw]) is PartitionStatus.CURRENT
    grown = replace(raw, size=11, sha256="bb")
    assert lake.status(QUOTES, "ESH4", DAY, inputs=[grown]) is PartitionStatus.STALE
    assert lake.status(QUOTES, "ESH4", DAY, inputs=[]) is PartitionStatus.STALE


def test_success_alone_is_not_completeness(lake: Lake) -> None:
    lake.file_system.put(f"{FOLDER}/_SUCCESS", b"")
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.MISSING
    assert _verdicts(lake) == [(QUOTES, "missing")]
    put(lake, quotes(5))
    lake.file_system.delete(f"{FOLDER}/_SUCCESS")
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.STALE


def test_a_whole_lake_is_ok(lake: Lake) -> None:
    put(lake, quotes(20))
    put(lake, quotes(0), dt=NEXT_DAY)
    put(lake, quotes(5), DERIVED, inputs=(lake.input(QUOTES, "ESH4", DAY),))
    put(lake, quotes(5), PICKS, None, None)
    assert {verdict for _, verdict in _verdicts(lake)} == {"ok"}
    assert len(_verdicts(lake)) == 4


def test_a_flipped_bit_is_corrupt(lake: Lake) -> None:
    manifest = put(lake, quotes(50))
    path = f"{FOLDER}/{manifest.files[0].name}"
    content = bytearray(lake.file_system.read_bytes(path))
    content[len(content) // 2] ^= 4
    lake.file_system.put(path, bytes(content))
    (finding,) = lake.verify()
    assert finding.verdict is Verdict.CORRUPT
    assert "expected hash" in finding.reasons[0]


@pytest.mark.parametrize("damage", ["absent", "short", "manifest"])
def test_other_damage_is_corrupt(lake: Lake, damage: str) -> None:
    manifest = put(lake, quotes(50))
    path = f"{FOLDER}/{manifest.files[0].name}"
    if damage == "absent":
        lake.file_system.delete(path)
    elif damage == "short":
        lake.file_system.put(path, b"PAR1")
    else:
        lake.file_system.put(f"{FOLDER}/_MANIFEST.json", b"{")
    assert _verdicts(lake) == [(QUOTES, "corrupt")]


def test_a_stale_partition_and_its_missing_input_are_reported(lake: Lake) -> None:
    put(lake, quotes(50))
    put(lake, quotes(5), DERIVED, inputs=(lake.input(QUOTES, "ESH4", DAY),))
    for entry in lake.file_system.entries(FOLDER):
        lake.file_system.delete(f"{FOLDER}/{entry.name}")
    assert sorted(_verdicts(lake)) == [(DERIVED, "stale"), (QUOTES, "missing")]


def test_files_of_no_manifest_are_orphans(lake: Lake) -> None:
    put(lake, quotes(5))
    lake.file_system.put(f"{FOLDER}/part-00009-ab.parquet", b"x")
    (finding,) = lake.verify()
    assert finding.verdict is Verdict.ORPHANED
    assert finding.reasons == (f"{FOLDER}/part-00009-ab.parquet",)
    put(lake, quotes(5))
    assert _verdicts(lake) == [(QUOTES, "ok")]


def test_data_without_a_manifest_is_an_orphan(lake: Lake) -> None:
    lake.file_system.put(f"{FOLDER}/part-00000-ab.parquet", b"x")
    assert _verdicts(lake) == [(QUOTES, "orphaned")]


def test_abandoned_staging_is_an_orphan_and_a_living_one_is_not(
    folder_lake: Lake, tmp_path: Path
) -> None:
    dead = tmp_path / "lake" / FOLDER.replace("dt=", ".staging-dt=") / "partition"
    dead.mkdir(parents=True)
    with folder_lake.writer(
        QUOTES, "ESH4", NEXT_DAY, parameters={}, inputs=[], code_version="1"
    ) as writer:
        writer.write(quotes(5))
        (finding,) = folder_lake.verify()
    assert finding.verdict is Verdict.ORPHANED
    assert finding.reasons == (FOLDER.replace("dt=", ".staging-dt="),)


def test_the_plain_copy_of_an_unpartitioned_table_is_checked(lake: Lake) -> None:
    put(lake, quotes(5), PICKS, None, None)
    lake.file_system.put("selection/picks.parquet", b"edited")
    assert _verdicts(lake) == [(PICKS, "stale")]
    lake.file_system.delete("selection/picks.parquet")
    assert _verdicts(lake) == [(PICKS, "stale")]


def test_only_what_is_asked_for_is_verified(lake: Lake) -> None:
    for symbol in ("ESH4", "NQH4"):
        for dt in (DAY, NEXT_DAY):
            put(lake, quotes(5), symbol=symbol, dt=dt)

    def keys(findings: list[Finding]) -> list[tuple[object, object]]:
        return [(finding.key.symbol, finding.key.dt) for finding in findings]

    assert keys(list(lake.verify(QUOTES, dt=DAY))) == [("ESH4", DAY), ("NQH4", DAY)]
    assert keys(list(lake.verify(QUOTES, "NQH4"))) == [("NQH4", DAY), ("NQH4", NEXT_DAY)]
    assert list(lake.verify(DERIVED)) == []
    (nothing,) = lake.verify(DERIVED, dt=DAY)
    assert nothing.verdict is Verdict.MISSING
