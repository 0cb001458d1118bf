"""The front month follows the volume of the session before, and nothing later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import ConfigurationError
from contracts.registry import dataset
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import adopt_raw_file, raw_folder
from spymaster_assets.stages.selection import build_selection
from spymaster_resources.lake import Lake, PartitionWriter
from spymaster_resources.selection_map import (
    DATASET,
    OVERRIDES,
    read_selection,
    resolve_symbol,
    write_override,
)
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.futures import simulate_day
from spymaster_resources.simulator.quarterlies import Roll
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns
from tests.spymaster_assets.conftest import MONDAY, TUESDAY

BRONZE = "bronze.future_mbo.mbo"
MON, TUE, WED, THU = (date(2026, 3, day) for day in (9, 10, 11, 12))


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    return StageContext.from_settings(Settings(lake=str(tmp_path)), "ES", "future_mbo")


def put_day(lake: Lake, dt: date, volume: Mapping[str, int], clock: str = "06:00") -> None:
    """Publish bronze with one trade of the given size for each outright."""
    at = utc_ns(dt, time.fromisoformat(clock))
    for symbol, size in volume.items():
        actions = ["A", "T"] if size else ["A"]
        n = len(actions)
        columns = {
            "feed_seq": np.arange(n),
            "ts_recv": [at] * n,
            "ts_event": [at] * n,
            "action": pa.array(actions).dictionary_encode(),
            "side": pa.array(["B"] * n).dictionary_encode(),
            "symbol": pa.array([symbol] * n).dictionary_encode(),
            "price": [SECOND_NS] * n,
            "size": [1, size][:n],
            "rtype": [160] * n,
        }
        schema = dataset(BRONZE).schema
        arrays = [
            columns[f.name]
            if isinstance(columns.get(f.name), pa.Array)
            else pa.array(columns.get(f.name, [0] * n), f.type)
            for f in schema
        ]
        with lake.writer(BRONZE, symbol, dt, parameters={}, inputs=[], code_version="1") as writer:
            writer.write(pa.table(arrays, schema=schema))
            writer.publish()


def chosen(ctx: StageContext) -> dict[date, tuple[str, str]]:
    rows = read_selection(ctx.lake, "ES")
    return {dt: (row.selected_symbol, row.reason) for dt, row in rows.items()}


def test_first_date_takes_the_nearest_expiry_and_says_so(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESM6": 900, "ESH6": 10})
    build_selection(ctx, [MON])
    (row,) = read_selection(ctx.lake, "ES").values()
    assert (row.selected_symbol, row.reason) == ("ESH6", "first_date")
    assert row.selected_exp_date == date(2026, 3, 20)
    assert row.prev_trading_date is None
    assert row.prev_volume_selected is None
    assert row.roll_flag is False


def test_contract_with_the_largest_volume_of_the_session_before_wins(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100, "ESM6": 300, "ESU6": 7})
    put_day(ctx.lake, TUE, {"ESH6": 999, "ESM6": 1})
    build_selection(ctx, [TUE])
    (row,) = read_selection(ctx.lake, "ES").values()
    assert (row.selected_symbol, row.reason) == ("ESM6", "volume")
    assert (row.prev_trading_date, row.prev_volume_selected, row.prev_volume_rank2) == (
        MON,
        300,
        100,
    )


def test_a_later_session_changes_nothing(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100, "ESM6": 30})
    put_day(ctx.lake, TUE, {"ESH6": 10, "ESM6": 20})
    build_selection(ctx, [TUE])
    before = chosen(ctx)
    put_day(ctx.lake, WED, {"ESH6": 1, "ESM6": 5_000})
    build_selection(ctx, [TUE])
    assert chosen(ctx) == before


def test_sunday_evening_file_is_no_trading_date(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100, "ESM6": 30})
    put_day(ctx.lake, TUE, {"ESH6": 1, "ESM6": 90}, clock="18:30")
    put_day(ctx.lake, WED, {"ESH6": 10, "ESM6": 20})
    summary = build_selection(ctx, [TUE, WED])
    assert list(summary.skipped) == [TUE]
    assert "no premarket trade" in summary.skipped[TUE]
    assert read_selection(ctx.lake, "ES")[WED].prev_trading_date == MON


def test_ties_go_to_the_nearest_expiry(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESU6": 50, "ESM6": 50})
    put_day(ctx.lake, TUE, {"ESM6": 1})
    build_selection(ctx, [TUE])
    assert chosen(ctx)[TUE] == ("ESM6", "volume")


def test_once_rolled_there_is_no_way_back(ctx: StageContext) -> None:
    for dt, h6, m6 in ((MON, 90, 100), (TUE, 100, 90), (WED, 80, 100), (THU, 1, 1)):
        put_day(ctx.lake, dt, {"ESH6": h6, "ESM6": m6})
    build_selection(ctx, [TUE, WED, THU])
    assert chosen(ctx) == {
        TUE: ("ESM6", "volume"),
        WED: ("ESM6", "hysteresis"),
        THU: ("ESM6", "volume"),
    }


def test_roll_is_flagged_on_the_date_of_the_change(ctx: StageContext) -> None:
    for dt, h6, m6 in ((MON, 100, 1), (TUE, 100, 200), (WED, 1, 300), (THU, 1, 1)):
        put_day(ctx.lake, dt, {"ESH6": h6, "ESM6": m6})
    build_selection(ctx, [TUE, WED, THU])
    rows = read_selection(ctx.lake, "ES")
    assert [rows[dt].roll_flag for dt in (TUE, WED, THU)] == [False, True, False]


def test_expired_contract_is_no_candidate(ctx: StageContext) -> None:
    put_day(ctx.lake, date(2026, 3, 20), {"ESH6": 900, "ESM6": 10})
    put_day(ctx.lake, date(2026, 3, 23), {"ESM6": 10})
    build_selection(ctx, [date(2026, 3, 20), date(2026, 3, 23)])
    assert {s for s, _ in chosen(ctx).values()} == {"ESM6"}


def test_override_wins_and_is_marked(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100, "ESM6": 1})
    put_day(ctx.lake, TUE, {"ESH6": 100, "ESM6": 1}, clock="18:30")
    write_override(ctx.lake, "ES", TUE, "ESM6")
    build_selection(ctx, [TUE])
    assert chosen(ctx)[TUE] == ("ESM6", "override")


def test_override_of_another_root_is_refused(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100})
    write_override(ctx.lake, "ES", MON, "NQH6")
    with pytest.raises(ConfigurationError, match="expected an outright of ES"):
        build_selection(ctx, [MON])


def test_malformed_overrides_are_named(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100})
    ctx.lake.put_document(OVERRIDES, b'{"ES": {"next week": "ESH6"}}')
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        build_selection(ctx, [MON])


def test_building_one_date_never_drops_others(ctx: StageContext) -> None:
    for dt in (MON, TUE, WED):
        put_day(ctx.lake, dt, {"ESH6": 100, "ESM6": 1})
    build_selection(ctx, [TUE, WED])
    build_selection(ctx, [MON])
    assert sorted(chosen(ctx)) == [MON, TUE, WED]


def test_date_without_bronze_is_skipped_with_the_reason(ctx: StageContext) -> None:
    assert build_selection(ctx, [MON]).skipped == {MON: "no bronze of ES on 2026-03-09"}


def test_outright_that_a_replaced_file_no_longer_holds_is_no_candidate(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESM6": 10})
    schema = dataset(BRONZE).schema
    with ctx.lake.writer(BRONZE, "ESH6", MON, parameters={}, inputs=[], code_version="1") as empty:
        empty.write(schema.empty_table())
        empty.publish()
    build_selection(ctx, [MON])
    assert chosen(ctx)[MON] == ("ESM6", "first_date")


def test_recorded_inputs_are_those_of_every_row_of_the_map(ctx: StageContext) -> None:
    for dt in (MON, TUE, WED):
        put_day(ctx.lake, dt, {"ESH6": 100})
    build_selection(ctx, [MON, TUE])
    build_selection(ctx, [WED])
    build_selection(ctx, [MON])
    manifest = ctx.lake.manifest(DATASET, None, None)
    assert manifest is not None
    assert manifest.inputs == tuple(ctx.lake.input(BRONZE, "ESH6", dt) for dt in (MON, TUE))


def test_writer_that_is_overtaken_keeps_what_the_other_wrote(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dt in (MON, TUE):
        put_day(ctx.lake, dt, {"ESH6": 100})
    other = StageContext.from_settings(Settings(lake=ctx.lake.root), "ES", "future_mbo")
    writer = ctx.lake.writer
    overtaken: list[object] = []

    def slow_writer(*args: Any, **options: Any) -> PartitionWriter:
        opened = writer(*args, **options)
        if not overtaken:
            overtaken.append(build_selection(other, [MON]))
        return opened

    monkeypatch.setattr(ctx.lake, "writer", slow_writer)
    build_selection(ctx, [TUE])
    assert sorted(chosen(ctx)) == [MON, TUE]


@pytest.mark.parametrize("first", [MON, TUE, WED])
def test_choice_does_not_depend_on_which_date_was_chosen_first(
    ctx: StageContext, first: date
) -> None:
    for dt, h6, m6 in ((MON, 90, 100), (TUE, 100, 90), (WED, 80, 100), (THU, 1, 1)):
        put_day(ctx.lake, dt, {"ESH6": h6, "ESM6": m6})
    build_selection(ctx, [TUE])
    build_selection(ctx, [first])
    build_selection(ctx, [THU])
    build_selection(ctx, [WED])
    assert chosen(ctx)[WED] == ("ESM6", "hysteresis")
    assert chosen(ctx)[THU] == ("ESM6", "volume")


def test_session_before_that_is_raw_still_decides_as_its_bronze_will(
    tmp_path: Path, tiny_days: dict[date, Path]
) -> None:
    """Two dates of a backfill run side by side: the later may come first."""
    choices = []
    for built in ([TUESDAY], [MONDAY, TUESDAY]):
        settings = Settings(lake=str(tmp_path / str(len(built))))
        ctx = StageContext.from_settings(settings, "ES", "future_mbo")
        for path in tiny_days.values():
            adopt_raw_file(ctx.lake, path)
        for dt in built:
            build_bronze(ctx, dt)
        (row,) = build_selection(ctx, [TUESDAY]).rows
        choices.append(row)
    assert choices[0] == choices[1]
    assert choices[0].prev_trading_date == MONDAY
    assert choices[0].reason == "volume"


def test_session_before_whose_raw_file_cannot_be_read_is_left_out(ctx: StageContext) -> None:
    put_day(ctx.lake, TUE, {"ESH6": 100})
    folder = Path(ctx.lake.root, raw_folder("future_mbo", "ES"))
    folder.mkdir(parents=True)
    (folder / "glbx-mdp3-20260309.mbo.dbn.zst").write_bytes(b"no market data")
    build_selection(ctx, [TUE])
    assert chosen(ctx)[TUE] == ("ESH6", "first_date")


def test_root_resolves_by_the_map_and_a_contract_stands_for_itself(ctx: StageContext) -> None:
    put_day(ctx.lake, MON, {"ESH6": 100})
    build_selection(ctx, [MON])
    assert resolve_symbol(ctx.lake, "ES", MON) == "ESH6"
    assert resolve_symbol(ctx.lake, "ES", TUE) is None
    assert resolve_symbol(ctx.lake, "ESZ6", TUE) == "ESZ6"


def test_same_input_gives_the_same_bytes(ctx: StageContext) -> None:
    for dt in (MON, TUE):
        put_day(ctx.lake, dt, {"ESH6": 100, "ESM6": 1})
    build_selection(ctx, [MON, TUE])
    first = Path(ctx.lake.root, "selection/mbo_contract_day_selection.parquet").read_bytes()
    build_selection(ctx, [TUE])
    build_selection(ctx, [MON])
    assert Path(ctx.lake.root, "selection/mbo_contract_day_selection.parquet").read_bytes() == first


@pytest.mark.slow
def test_volumes_that_cross_to_and_fro_roll_once(ctx: StageContext, tmp_path: Path) -> None:
    sessions = [date(2026, 3, day) for day in (9, 10, 11, 12, 13, 16)]
    folder = Path(ctx.lake.root, raw_folder("future_mbo", "ES"))
    for dt in sessions:
        simulate_day(
            ctx.instrument, dt, SIZES["tiny"], folder, seed=4, with_truth=False, roll=Roll.CROSSING
        )
        build_bronze(ctx, dt)
    build_selection(ctx, sessions)
    rows = read_selection(ctx.lake, "ES")
    busier_before = [
        (rows[dt].prev_volume_selected or 0) > (rows[dt].prev_volume_rank2 or 0)
        for dt in sessions[1:]
    ]
    assert False in busier_before, "volume went back, the selection did not"
    assert [rows[dt].roll_flag for dt in sessions].count(True) == 1
    symbols = [rows[dt].selected_symbol for dt in sessions]
    assert symbols == sorted(symbols)
    assert set(symbols) == {"ESH6", "ESM6"}
    assert "hysteresis" in {rows[dt].reason for dt in sessions}
