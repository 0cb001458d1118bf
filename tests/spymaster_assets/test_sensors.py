"""The sensor on the raw folder asks once for each complete new file, and for nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spymaster_assets.assets.raw import raw_products
from spymaster_assets.pipeline import Layer
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
        (product,) = (p for p in raw_products(settings) if p.product_type == product_type)
        self.folders = {
            schema: Path(settings.lake, raw_folder(product_type, product.root, schema))
            for schema in product.schemas
        }
        for folder in self.folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        self.folder = self.folders[product.schemas[0]]
        self._sensor = raw_file_sensor(settings, product)
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
        "1 raw files, 0 not yet seen twice unchanged; no day in the name of notes.txt; "
        "2026-01-06 is claimed by a-20260106.mbo.dbn, b-20260106.mbo.dbn"
    )


@pytest.mark.parametrize(
    ("product_type", "dataset", "tables"),
    [
        (
            "future_option_mbo",
            "glbx-mdp3",
            {
                "mbo": "market_by_order_dbn",
                "definition": "definition",
                "statistics": "statistics",
            },
        ),
        ("equity_mbo", "xnas-itch", {"mbo": "market_by_order_dbn"}),
        (
            "equity_option_cmbp_1",
            "opra-pillar",
            {"cmbp-1": "cmbp_1", "definition": "definition", "statistics": "statistics"},
        ),
    ],
)
def test_files_of_other_products_are_told_and_nothing_is_requested(
    settings: Settings, product_type: str, dataset: str, tables: dict[str, str]
) -> None:
    ticks = Ticks(settings, product_type)
    for schema in tables:
        name = f"{dataset}-20260105.{schema}.dbn.zst"
        (ticks.folders[schema] / name).write_bytes(b"day")
        (ticks.folders[schema] / name.replace(".dbn.zst", ".manifest.json")).write_bytes(b"{}")
    assert ticks.tick().asset_events == []
    result = ticks.tick()
    assert not result.run_requests
    found = {(event.asset_key.path[-1], event.partition) for event in result.asset_events}
    assert found == {(table, "2026-01-05") for table in tables.values()}
    assert {event.asset_key.path[1] for event in result.asset_events} == {product_type}
    assert ticks.tick().asset_events == []


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
