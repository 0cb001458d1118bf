"""A day through the graph: what is materialised, what a red check stops, when a date is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest

from spymaster_assets.assets.keys import session_keys, table_key
from spymaster_assets.assets.product import product_assets
from spymaster_assets.checks import tables
from spymaster_assets.checks.check import Check, sql_check
from spymaster_assets.checks.tables import all_checks
from spymaster_assets.pipeline import SELECTION
from spymaster_assets.products import PIPELINES
from spymaster_assets.resources import Surroundings
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.conftest import MONDAY, TINY

FUTURE = PIPELINES["future_mbo"]
((MBO,), (SNAPSHOT, DEPTH), (SURFACE,), (FORECAST,)) = (s.datasets for s in FUTURE.stages)
WINDOWS = TINY.session.window_ends_ns(MONDAY).n_windows


def asset(dataset: str) -> dg.AssetKey:
    return table_key(dataset, "ES")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as passing:
        yield passing


def materialise(
    settings: Settings,
    instance: dg.DagsterInstance,
    *assets: dg.AssetKey,
    dt: date = MONDAY,
    contract: str = "",
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        product_assets(settings, settings.instrument("ES", "future_mbo")),
        selection=dg.AssetSelection.assets(*(assets or session_keys(FUTURE, "ES"))),
        partition_key=dt.isoformat(),
        resources={"surroundings": Surroundings.from_settings(settings, contract=contract)},
        instance=instance,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, dict[str, Any]]:
    return {
        event.materialization.asset_key: {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
    }


def test_day_becomes_every_table_with_the_numbers_a_person_asks_for(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    result = materialise(settings, instance)
    assert result.success
    found = metadata_of(result)
    assert set(found) == set(session_keys(FUTURE, "ES"))
    chosen = found[asset(SELECTION)]
    assert (chosen["selected_symbol"], chosen["reason"]) == ("ESH6", "first_date")
    for dataset in (MBO, SNAPSHOT, DEPTH, SURFACE, FORECAST):
        manifest = lake.manifest(dataset, "ESH6", MONDAY)
        assert manifest is not None
        assert found[asset(dataset)]["manifest_sha256"] == manifest.sha256
        assert found[asset(dataset)]["dagster/uri"] == lake.files(dataset, "ESH6", MONDAY)[0]
    assert found[asset(MBO)]["symbols"] == "ESH6, ESM6"
    both = [lake.manifest(MBO, symbol, MONDAY) for symbol in ("ESH6", "ESM6")]
    assert found[asset(MBO)]["dagster/row_count"] == sum(m.row_count for m in both if m)
    assert found[asset(MBO)]["action_T"] > 0
    assert found[asset(SNAPSHOT)]["dagster/row_count"] == WINDOWS
    assert found[asset(SNAPSHOT)]["session"].startswith("![mid price")
    assert found[asset(SURFACE)]["session"].startswith("![liquidity velocity")
    assert found[asset(SURFACE)]["dagster/row_count"] == WINDOWS * 401 * 2
    assert found[asset(SURFACE)]["valid_share"] > 0.9
    assert found[asset(FORECAST)]["dagster/row_count"] == WINDOWS * 31


def test_every_declared_check_reports_green_for_its_partition(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    result = materialise(settings, instance)
    evaluations = result.get_asset_check_evaluations()
    assert {(e.asset_key, e.check_name) for e in evaluations} == {
        (asset(check.dataset), check.name)
        for check in all_checks()
        if check.dataset in (MBO, SELECTION, SNAPSHOT, DEPTH, SURFACE, FORECAST)
    }
    assert all(e.passed for e in evaluations)
    assert {e.partition for e in evaluations} == {MONDAY.isoformat()}


def broken_identity(rows: int) -> Check:
    offending = f"SELECT * FROM {{table}} WHERE file_row_number < {rows}"
    return sql_check("identity", DEPTH, "nothing", offending)


def test_red_check_is_recorded_and_nothing_is_published_or_run_behind_it(
    settings: Settings,
    lake: Lake,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [c for c in all_checks() if (c.dataset, c.name) != (DEPTH, "identity")]
    monkeypatch.setattr(tables, "all_checks", lambda: (*others, broken_identity(3)))
    result = materialise(settings, instance)
    assert not result.success
    red = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert [(e.asset_key, e.check_name) for e in red] == [(asset(DEPTH), "identity")]
    assert red[0].severity is dg.AssetCheckSeverity.ERROR
    offenders = red[0].metadata["offenders"]
    assert isinstance(offenders, dg.TableMetadataValue)
    assert len(offenders.records) == red[0].metadata["offending_rows"].value == 3
    green = {
        e.check_name for e in result.get_asset_check_evaluations() if e.asset_key == asset(DEPTH)
    }
    assert green == {check.name for check in all_checks() if check.dataset == DEPTH}
    assert set(metadata_of(result)) == {asset(MBO), asset(SELECTION)}
    assert [lake.manifest(d, "ESH6", MONDAY) for d in (SNAPSHOT, DEPTH, SURFACE, FORECAST)] == (
        [None] * 4
    )
    failed = [e for e in result.all_events if e.is_step_failure]
    assert [e.step_key for e in failed] == ["silver_future_mbo_ES"]
    data = failed[0].step_failure_data
    assert "identity" in str(data.user_failure_data and data.user_failure_data.description)
    assert not [e for e in result.all_events if e.is_step_up_for_retry]
    monkeypatch.undo()
    assert materialise(settings, instance).success


def test_warning_check_is_red_and_the_table_is_published(
    settings: Settings,
    lake: Lake,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [c for c in all_checks() if (c.dataset, c.name) != (MBO, "sorted_unique_key")]
    warning = sql_check(
        "sorted_unique_key",
        MBO,
        "nothing",
        "SELECT * FROM {table} WHERE file_row_number = 0",
        blocking=False,
    )
    monkeypatch.setattr(tables, "all_checks", lambda: (*others, warning))
    result = materialise(settings, instance, asset(MBO))
    assert result.success
    (red,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert red.severity is dg.AssetCheckSeverity.WARN
    assert red.metadata["offending_rows"].value == 2  # one of each outright
    assert lake.manifest(MBO, "ESH6", MONDAY) is not None


def test_date_without_a_selection_is_skipped_with_a_message(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    assert materialise(settings, instance, asset(MBO)).success
    result = materialise(
        settings, instance, asset(SNAPSHOT), asset(DEPTH), asset(SURFACE), asset(FORECAST)
    )
    assert result.success
    assert metadata_of(result) == {}
    said = [
        e.user_message for e in instance.all_logs(result.run_id) if "skipped: " in e.user_message
    ]
    assert said
    assert set(said) == {f"skipped: the selection map has no contract of ES on {MONDAY}"}


def test_contract_needs_no_selection(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    assert materialise(settings, instance, asset(MBO)).success
    result = materialise(settings, instance, asset(SNAPSHOT), asset(DEPTH), contract="ESM6")
    assert result.success
    assert lake.manifest(SNAPSHOT, "ESM6", MONDAY) is not None
    assert lake.manifest(SNAPSHOT, "ESH6", MONDAY) is None


def test_one_of_both_silver_tables_can_be_asked_for(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    assert materialise(settings, instance, asset(MBO), asset(SELECTION)).success
    result = materialise(settings, instance, asset(DEPTH))
    assert result.success
    assert set(metadata_of(result)) == {asset(DEPTH)}
    assert {e.asset_key for e in result.get_asset_check_evaluations()} == {asset(DEPTH)}


def test_missing_raw_file_fails_with_the_place_to_put_it(
    settings: Settings, lake: Lake, instance: dg.DagsterInstance
) -> None:
    result = materialise(settings, instance, asset(MBO), dt=date(2026, 1, 7))
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    user = failure.step_failure_data.user_failure_data
    assert user is not None
    assert "PartitionMissingError" in str(user.description)
    assert "expected a file …-20260107.mbo.dbn" in str(user.description)
