"""The sensor on the raw folder asks once for each complete new file, and for nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spymaster_assets.assets.keys import session_keys
from spymaster_assets.assets.product import covered_rows
from spymaster_assets.assets.raw import raw_products
from spymaster_assets.pipeline import Layer
from spymaster_assets.products import PIPELINES
from spymaster_assets.resources import Surroundings
from spymaster_assets.runner import Request, run
from spymaster_assets.sensors import Watch, advance, raw_file_sensor
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.conftest import MONDAY, TUESDAY


class Ticks:
    """Evaluates the sensor tick by tick, the cursor handed on as the daemon does."""

    def __init__(self, settings: Settings, product_type: str = "future_mbo") -> None:
        (row,) = (r for r in covered_rows(settings) if r.product_type == product_type)
        self.folders = {
            (product.product_type, schema): Path(
                settings.lake, raw_folder(product.product_type, row.root, schema)
            )
            for product in raw_products(settings)
            if product.root == row.root
            for schema in product.schemas
        }
        for folder in self.folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        self.folder = self.folders[product_type, "mbo"]
        self._sensor = raw_file_sensor(settings, row)
        self._surroundings = Surroundings.from_settings(settings)
        self._cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        with dg.build_sensor_context(
            cursor=self._cursor, resources={"surroundings": self._surroundings}
        ) as context:
            result = self._sensor(context)
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        return result

    def requested(self) -> list[str]:
        """Return the partitions that one tick requests."""
        return [str(request.partition_key) for request in self.tick().run_requests or ()]

    def selected(self) -> list[list[str]]:
        """Return the assets that each request of one tick asks for."""
        return [
            ["/".join(key.path) for key in request.asset_selection or ()]
            for request in self.tick().run_requests or ()
        ]

    def put(self, dt: date, content: bytes = b"day") -> Path:
        path = self.folder / f"glbx-mdp3-{dt:%Y%m%d}.mbo.dbn.zst"
        path.write_bytes(content)
        return path


@pytest.fixture
def ticks(settings: Settings) -> Ticks:
    return Ticks(settings)


def test_file_is_asked_for_once_at_the_second_unchanged_tick(ticks: Ticks) -> None:
    ticks.put(MONDAY)
    assert [ticks.requested() for _ in range(4)] == [[], ["2026-01-05"], [], []]


def test_request_comes_with_the_raw_file_as_an_asset_event(ticks: Ticks) -> None:
    path = ticks.put(MONDAY, b"12345")
    path.with_suffix("").write_bytes(b"1234567")
    ticks.tick()
    (event,) = ticks.tick().asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert event.asset_key.path == ["raw", "future_mbo", "ES", "market_by_order_dbn"]
    assert event.partition == "2026-01-05"
    values = {name: value.value for name, value in event.metadata.items()}
    assert values == {
        "file": "glbx-mdp3-20260105.mbo.dbn.zst",
        "bytes": 5,
        "ignored": "glbx-mdp3-20260105.mbo.dbn",
    }


def test_growing_file_waits_until_it_has_grown(ticks: Ticks) -> None:
    path = ticks.put(MONDAY)
    requested = []
    for more in (b"x", b"y", b"z", b""):
        with path.open("ab") as file:
            file.write(more)
        requested.append(ticks.requested())
    assert requested == [[], [], [], ["2026-01-05"]]


def test_replaced_file_is_asked_for_again_under_another_run_key(ticks: Ticks) -> None:
    path = ticks.put(MONDAY)
    ticks.tick()
    first = ticks.tick().run_requests or []
    path.write_bytes(b"another")
    assert ticks.requested() == []
    second = ticks.tick().run_requests or []
    assert [r.partition_key for r in (*first, *second)] == ["2026-01-05"] * 2
    assert first[0].run_key != second[0].run_key


def test_run_key_is_the_same_for_the_same_file(settings: Settings) -> None:
    """A cursor that was lost must not build everything again: run keys deduplicate for ever."""
    keys = []
    Ticks(settings).put(MONDAY)
    for _ in range(2):
        ticks = Ticks(settings)
        ticks.tick()
        keys += [request.run_key for request in ticks.tick().run_requests or ()]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert str(keys[0]).startswith("2026-01-05:")


def test_deleted_file_is_forgotten(ticks: Ticks) -> None:
    path = ticks.put(MONDAY)
    ticks.tick()
    path.unlink()
    assert ticks.requested() == []
    ticks.put(MONDAY)
    assert [ticks.requested() for _ in range(2)] == [[], ["2026-01-05"]]


def test_sunday_file_stays_raw(ticks: Ticks) -> None:
    ticks.put(date(2026, 1, 4))
    ticks.put(MONDAY)
    ticks.tick()
    assert ticks.requested() == ["2026-01-05"]
    assert ticks.requested() == []


def test_day_that_is_built_from_this_file_is_not_asked_for(
    settings: Settings, lake: Lake, ticks: Ticks
) -> None:
    run(settings, Request("ES", Layer.BRONZE, [MONDAY]), lambda _: None)
    ticks.tick()
    assert ticks.requested() == [TUESDAY.isoformat()]
    path = next(ticks.folder.glob("*20260105*"))
    content = bytearray(path.read_bytes())
    path.unlink()  # a link to the simulated day
    path.write_bytes(content[::-1])
    ticks.tick()
    assert ticks.requested() == [MONDAY.isoformat()], "replaced by a file of the same size"


def test_names_that_are_no_day_and_disputed_days_are_told_and_stop_nothing(ticks: Ticks) -> None:
    ticks.put(MONDAY)
    (ticks.folder / "notes.txt").write_bytes(b"")
    for name in ("a-20260106.mbo.dbn", "b-20260106.mbo.dbn"):
        (ticks.folder / name).write_bytes(b"x")
    ticks.tick()
    assert ticks.requested() == ["2026-01-05"]
    reason = ticks.tick().skip_reason
    assert isinstance(reason, dg.SkipReason)
    assert reason.skip_message == (
        "1 raw files, 0 not yet seen twice unchanged or waiting for their underlying; "
        "no day in the name of notes.txt; "
        "2026-01-06 is claimed by a-20260106.mbo.dbn, b-20260106.mbo.dbn"
    )


OPTIONS = (
    "bronze/future_option_mbo/ES/mbo",
    "silver/future_option_mbo/ES/book_snapshot_1s",
    "silver/future_option_mbo/ES/depth_and_flow_1s",
    "gold/future_option_mbo/ES/physics_surface_1s",
    "gold/future_mbo/ES/forecast_1s",
)


def put_options(ticks: Ticks, *schemas: str) -> None:
    for schema in schemas:
        folder = ticks.folders["future_option_mbo", schema]
        (folder / f"glbx-mdp3-20260105.{schema}.dbn.zst").write_bytes(b"day")
        (folder / f"glbx-mdp3-20260105.{schema}.manifest.json").write_bytes(b"{}")


def test_future_and_options_that_are_complete_together_are_one_run(ticks: Ticks) -> None:
    ticks.put(MONDAY)
    put_options(ticks, "mbo", "definition", "statistics")
    ticks.tick()
    result = ticks.tick()
    (request,) = result.run_requests or ()
    asked = {"/".join(key.path) for key in request.asset_selection or ()}
    assert asked == {"/".join(key.path) for key in job_assets("ES")}
    assert len(result.asset_events) == 4


def job_assets(root: str) -> list[dg.AssetKey]:
    return [
        key
        for pipeline in PIPELINES.values()
        if root != "ES" or pipeline.is_of_contracts
        for key in session_keys(pipeline, root)
    ]


def test_options_wait_for_their_underlying_and_their_definitions(
    settings: Settings, lake: Lake, ticks: Ticks
) -> None:
    run(settings, Request("ES", Layer.BRONZE, [MONDAY, TUESDAY]), lambda _: None)
    put_options(ticks, "mbo")
    assert [ticks.selected() for _ in range(2)] == [[], []]
    run(settings, Request("ES", Layer.ALL, [MONDAY]), lambda _: None)
    assert ticks.selected() == [], "the definitions are missing"
    put_options(ticks, "definition")
    assert ticks.selected() == []
    (asked,) = ticks.selected()
    assert asked == ["bronze/future_option_mbo/ES/definition", *OPTIONS]
    assert [ticks.selected() for _ in range(2)] == [[], []]


def test_statistics_that_come_alone_are_all_that_is_made(ticks: Ticks) -> None:
    put_options(ticks, "statistics")
    asked = [ticks.selected() for _ in range(3)]
    assert asked == [[], [["bronze/future_option_mbo/ES/statistics"]], []]


def test_equity_and_its_options_are_watched_together(settings: Settings) -> None:
    ticks = Ticks(settings, "equity_mbo")
    for (_, schema), folder in ticks.folders.items():
        dataset = "xnas-itch" if folder == ticks.folder else "opra-pillar"
        (folder / f"{dataset}-20260105.{schema}.dbn.zst").write_bytes(b"day")
    ticks.tick()
    result = ticks.tick()
    (request,) = result.run_requests or ()
    asked = {"/".join(key.path) for key in request.asset_selection or ()}
    equity = [p for p in PIPELINES.values() if not p.is_of_contracts]
    assert asked == {"/".join(k.path) for p in equity for k in session_keys(p, "QQQ")}
    assert {"/".join(event.asset_key.path) for event in result.asset_events} == {
        "raw/equity_mbo/QQQ/market_by_order_dbn",
        "raw/equity_option_cmbp_1/QQQ/cmbp_1",
        "raw/equity_option_cmbp_1/QQQ/definition",
        "raw/equity_option_cmbp_1/QQQ/statistics",
    }


def test_a_folder_of_old_files_is_worked_off_newest_first(ticks: Ticks) -> None:
    sessions = [MONDAY + timedelta(days=n) for n in range(150)]
    for dt in sessions:
        ticks.put(dt)
    ticks.tick()
    requested = [ticks.requested() for _ in range(4)]
    assert [len(days) > 0 for days in requested] == [True, True, True, False]
    asked = [day for days in requested for day in days]
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] == "2026-01-05"
    assert {date.fromisoformat(day) for day in asked} <= set(sessions)


def test_watch_survives_the_cursor() -> None:
    watch = Watch({}, {})
    for states in (
        {"a": "1", "b": "1"},
        {"a": "1", "b": "2"},
        {"a": "9", "b": "2", "c": "1"},
        {"a": "9", "c": "1"},
    ):
        watch, _ = advance(watch, states)
        assert Watch.from_cursor(watch.to_cursor()) == watch
    assert Watch.from_cursor(None) == Watch({}, {})


def test_of_many_ready_files_the_first_are_ready_now() -> None:
    states = dict.fromkeys("abcde", "1")
    watch, _ = advance(Watch({}, {}), states)
    found = []
    for _ in range(4):
        watch, ready = advance(watch, states, most=2)
        found.append(ready)
    assert found == [["a", "b"], ["c", "d"], ["e"], []]
