"""Dates run through the graph in the terminal's process: what is built, kept, and what fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from spymaster_assets.pipeline import Layer
from spymaster_assets.runner import Request, Step, calibrate, run
from spymaster_assets.stages import versions
from spymaster_assets.stages.raw import adopt_raw_file, raw_folder
from spymaster_resources.lake import Lake
from spymaster_resources.selection_map import read_selection, write_override
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow
from tests.spymaster_assets.conftest import MONDAY, TUESDAY

WEDNESDAY = date(2026, 1, 7)
LAYERS = (Layer.BRONZE, Layer.SILVER, Layer.GOLD, Layer.FORECAST)
SURFACE = "gold.future_mbo.physics_surface_1s"


def run_all(
    settings: Settings, dates: Sequence[date] = (MONDAY, TUESDAY), **how: object
) -> list[Step]:
    request = replace(Request("ES", Layer.ALL, dates), **how)  # type: ignore[arg-type]
    reported: list[Step] = []
    steps = run(settings, request, reported.append)
    assert reported == steps
    return steps


def outcome(steps: Sequence[Step]) -> list[tuple[date, Layer, bool]]:
    assert [step.error for step in steps if step.error] == []
    return [(step.dt, step.layer, step.kept) for step in steps]


def manifests(lake: Lake) -> dict[object, str]:
    found = {key: lake.manifest(*key) for key in lake.partitions()}
    return {key: manifest.sha256 for key, manifest in found.items() if manifest}


def built(lake: Lake) -> dict[object, int]:
    """Return when each file of the lake was written, to see what a run has touched."""
    tables = [p for p in Path(lake.root).rglob("_MANIFEST.json") if "selection" not in str(p)]
    return {path: path.stat().st_mtime_ns for path in tables}


def test_bronze_of_all_dates_comes_before_any_silver(settings: Settings, lake: Lake) -> None:
    steps = outcome(run_all(settings, (TUESDAY, MONDAY)))
    assert steps == [
        (MONDAY, Layer.BRONZE, False),
        (TUESDAY, Layer.BRONZE, False),
        *((dt, layer, False) for dt in (MONDAY, TUESDAY) for layer in LAYERS[1:]),
    ]
    rows = read_selection(lake, "ES")
    assert rows[TUESDAY].prev_trading_date == MONDAY


def test_current_partitions_stay_untouched_and_overwrite_gives_the_same_bytes(
    settings: Settings, lake: Lake
) -> None:
    first = run_all(settings, (MONDAY,))
    before, files = manifests(lake), built(lake)
    again = run_all(settings, (MONDAY,))
    assert all(kept for *_, kept in outcome(again))
    assert [(s.dt, s.layer, s.rows) for s in again] == [(s.dt, s.layer, s.rows) for s in first]
    assert built(lake) == files
    assert not any(kept for *_, kept in outcome(run_all(settings, (MONDAY,), overwrite=True)))
    assert manifests(lake) == before


@pytest.mark.parametrize("layer", [layer.name for layer in LAYERS])
def test_a_newer_code_version_rebuilds_its_layer_and_what_is_behind_it(
    layer: str, settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spymaster_assets.stages import bronze, forecast, gold, silver

    modules = {"BRONZE": bronze, "SILVER": silver, "GOLD": gold, "FORECAST": forecast}
    run_all(settings, (MONDAY,))
    assert getattr(versions, layer) == modules[layer].CODE_VERSION
    monkeypatch.setattr(modules[layer], "CODE_VERSION", "newer")
    first = list(modules).index(layer)
    expected = [(MONDAY, each, place < first) for place, each in enumerate(LAYERS)]
    assert outcome(run_all(settings, (MONDAY,))) == expected


def test_a_fit_makes_forecasts_stale_and_nothing_else(settings: Settings, lake: Lake) -> None:
    run_all(settings)
    assert "1 training and 1 held-out sessions" in calibrate(settings, "ES")
    stale = [(dt, layer) for dt, layer, kept in outcome(run_all(settings)) if not kept]
    assert stale == [(MONDAY, Layer.FORECAST), (TUESDAY, Layer.FORECAST)]
    calibrate(settings, "ES")
    assert all(kept for *_, kept in outcome(run_all(settings)))


def test_another_session_window_is_built_anew_and_not_calibrated_by_this_one(
    settings: Settings, lake: Lake
) -> None:
    run_all(settings)
    calibrate(settings, "ES")
    run_all(settings)
    shorter = replace(settings, session=SessionWindow.parse("09:30:00-09:30:20"))
    steps = outcome(run_all(shorter, (MONDAY,)))
    assert [(layer, kept) for _, layer, kept in steps] == [
        (Layer.BRONZE, True),
        *((layer, False) for layer in LAYERS[1:]),
    ]
    forecasts = [
        lake.manifest("gold.future_mbo.forecast_1s", "ESH6", dt) for dt in (MONDAY, TUESDAY)
    ]
    fitted = [m.parameters["calibration_sha256"] is not None for m in forecasts if m]
    assert fitted == [False, True]
    assert "expected gold of at least 2 sessions 09:30-09:30:20" in calibrate(shorter, "ES")


def test_replaced_raw_file_rebuilds_its_day_only(
    settings: Settings, lake: Lake, tiny_days: dict[date, Path]
) -> None:
    run_all(settings, layer=Layer.BRONZE)
    folder = Path(lake.root, raw_folder("future_mbo", "ES"))
    (folder / tiny_days[MONDAY].name).unlink()
    with_other_seed(folder, MONDAY)
    steps = outcome(run_all(settings, layer=Layer.BRONZE))
    rebuilt = {dt for dt, _, kept in steps if not kept}
    assert rebuilt == {MONDAY}


def with_other_seed(folder: Path, dt: date) -> None:
    from spymaster_resources.instruments import instrument
    from spymaster_resources.simulator.futures import simulate_day
    from tests.spymaster_assets.conftest import TINY

    simulate_day(instrument("ES", "future_mbo"), dt, TINY, folder, seed=8, with_truth=False)


def test_date_that_fails_leaves_the_others(settings: Settings, lake: Lake) -> None:
    folder = Path(lake.root, raw_folder("future_mbo", "ES"))
    (folder / "glbx-mdp3-20260107.mbo.dbn.zst").write_bytes(b"no market data")
    steps = run_all(settings, (MONDAY, WEDNESDAY, TUESDAY))
    failed = [step for step in steps if step.error]
    assert [(step.dt, step.layer) for step in failed] == [(WEDNESDAY, Layer.BRONZE)]
    assert str(failed[0].error).startswith("BadMagicError: ")
    finished = {step.dt for step in steps if step.layer is Layer.FORECAST and not step.error}
    assert finished == {MONDAY, TUESDAY}


def test_date_without_a_contract_says_why(settings: Settings, tiny_days: dict[date, Path]) -> None:
    late = replace(settings, instruments=None)
    lake = Lake(late.lake)
    adopt_raw_file(lake, tiny_days[MONDAY])
    (step,) = run_all(settings, (MONDAY,), layer=Layer.GOLD)
    assert (step.dt, step.layer) == (MONDAY, Layer.SILVER)
    assert step.error == f"no contract of ES: no bronze of ES on {MONDAY}"


def test_full_contract_needs_no_selection(settings: Settings, lake: Lake) -> None:
    steps = run_all(settings, (MONDAY,), symbol="ESM6")
    assert [layer for _, layer, _ in outcome(steps)] == list(LAYERS)
    assert lake.manifest(SURFACE, "ESM6", MONDAY) is not None
    assert lake.manifest(SURFACE, "ESH6", MONDAY) is None
    assert read_selection(lake, "ES") == {}


def test_override_that_comes_later_builds_the_other_contract(
    settings: Settings, lake: Lake
) -> None:
    run_all(settings, (MONDAY,))
    write_override(lake, "ES", MONDAY, "ESM6")
    steps = outcome(run_all(settings, (MONDAY,)))
    assert [kept for *_, kept in steps] == [True, False, False, False]
    assert lake.manifest(SURFACE, "ESM6", MONDAY) is not None


@pytest.mark.slow
def test_two_workers_give_the_same_lake_as_one(
    settings: Settings, lake: Lake, tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    run_all(settings)
    side_by_side = replace(settings, lake=str(tmp_path / "workers"))
    other = Lake(side_by_side.lake)
    for path in tiny_days.values():
        adopt_raw_file(other, path)
    steps = run_all(side_by_side, workers=2)
    assert {(dt, layer) for dt, layer, _ in outcome(steps)} == {
        (dt, layer) for dt in (MONDAY, TUESDAY) for layer in LAYERS
    }
    assert manifests(other) == manifests(lake)
