"""The download job and its schedule, before the simulated vendor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from contracts.errors import ConfigurationError
from spymaster_assets import download_job as jobs
from spymaster_assets.download_job import Download, download_schedule, orders
from spymaster_assets.resources import Surroundings
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.market_files import SimulatedMarket
from spymaster_resources.gateway.server import SIMULATED_KEY, Gateway
from spymaster_resources.gateway.simulated import SimulatedArchive
from spymaster_resources.instruments import instrument
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.session import Scale
from tests.spymaster_assets.conftest import MONDAY

MARTIN_LUTHER_KING_DAY = date(2026, 1, 19)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what the exchange has simulated."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def gateway(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Return the vendor that the environment names, trackers in a new folder."""
    market = SimulatedMarket(instrument("ES", "future_mbo"), "QQQ", Scale.named("tiny"), seed=1)
    archive = SimulatedArchive(made, market.files(), last=date(2026, 1, 31))
    with Gateway(archive, times=JobTimes(0, 0)) as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
        monkeypatch.setenv("SPYMASTER_VENDOR_GATEWAY", running.url)
        monkeypatch.setenv("DATABENTO_API_KEY", SIMULATED_KEY)
        monkeypatch.setattr(jobs, "POLL_S", 0.02)
        monkeypatch.chdir(tmp_path)
        yield running


class Ran:
    """A run of the job, with everything that its events and its console show."""

    def __init__(
        self, settings: Settings, capfd: pytest.CaptureFixture[str], **config: Any
    ) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            result = jobs.download_job.execute_in_process(
                run_config={"ops": {jobs.OP_NAME: {"config": config}}},
                resources={"surroundings": Surroundings.from_settings(settings)},
                instance=instance,
                raise_on_error=False,
            )
            run = instance.get_run_by_id(result.run_id)
        self.succeeded = result.success
        self.shown = "\n".join([*capfd.readouterr(), *map(str, result.all_events), str(run)])
        self.metadata = {
            name: value.value
            for event in result.all_events
            if event.event_type_value == "STEP_OUTPUT"
            for name, value in event.step_output_data.metadata.items()
        }
        failures = [e.step_failure_data.user_failure_data for e in result.get_step_failure_events()]
        self.failure = str(failures[0].description) if failures and failures[0] else ""


def test_a_session_of_all_products_arrives_with_its_price(
    settings: Settings, gateway: Gateway, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(settings, capfd, start="2026-01-05", max_cost=1.0)
    assert ran.succeeded, ran.failure
    files = sorted(Path(settings.lake).rglob("*.dbn.zst"))
    assert len(files) == 8
    assert ran.metadata["files"] == 8
    assert ran.metadata["bytes"] == sum(path.stat().st_size for path in files)
    bought = sum(row.cost_usd for row in gateway.purchases)
    assert ran.metadata["cost_usd"] == pytest.approx(bought, abs=1e-6)
    assert bought > 0
    assert "2026-01-05|future_option_mbo: job " in ran.shown
    assert SIMULATED_KEY not in ran.shown
    again = Ran(settings, capfd, start="2026-01-05")
    assert again.succeeded, again.failure
    assert again.metadata == ran.metadata | {"cost_usd": 0.0}
    assert len(gateway.purchases) == 8


def test_nothing_is_bought_above_the_limit(
    settings: Settings, gateway: Gateway, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(settings, capfd, start="2026-01-05", equities="none")
    assert not ran.succeeded
    assert "ConfigurationError: the requests cost $" in ran.failure
    assert gateway.purchases == ()


def test_a_wrong_key_is_refused_and_not_shown(
    settings: Settings,
    gateway: Gateway,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "db-" + "x" * 29
    monkeypatch.setenv("DATABENTO_API_KEY", secret)
    ran = Ran(settings, capfd, start="2026-01-05", max_cost=1.0)
    assert not ran.succeeded
    assert "check the key in DATABENTO_API_KEY" in ran.failure
    assert secret not in ran.shown
    monkeypatch.delenv("DATABENTO_API_KEY")
    assert "DATABENTO_API_KEY is not set" in Ran(settings, capfd, start="2026-01-05").failure
    assert gateway.purchases == ()


def test_a_holiday_of_one_market_leaves_the_other(
    settings: Settings, gateway: Gateway, capfd: pytest.CaptureFixture[str]
) -> None:
    day = MARTIN_LUTHER_KING_DAY.isoformat()
    ran = Ran(settings, capfd, start=day, options_schemas="none", max_cost=1.0)
    assert ran.succeeded, ran.failure
    assert {row.query.dataset for row in gateway.purchases} == {"GLBX.MDP3"}
    assert f"equities: no session from {day} to {day}" in ran.shown
    assert ran.metadata["files"] == 1


def test_orders_take_what_each_market_is_sold_in() -> None:
    found = [
        (order.market.name, order.symbols, order.underlying_schemas, order.options_schemas)
        for order in orders(Download(start="2026-01-05", include_futures=False))
    ]
    assert found == [
        ("futures", "ES", "none", "mbo,statistics"),
        ("equities", "QQQ", "mbo", "cmbp-1,statistics"),
    ]
    (only,) = orders(
        Download(start="2026-01-05", end="2026-01-06", equity_schemas="none", options_schemas="mbo")
    )
    assert (only.market.name, only.end) == ("futures", date(2026, 1, 6))
    with pytest.raises(ConfigurationError, match="options_schemas: expected none or some of mbo"):
        list(orders(Download(start="2026-01-05", options_schemas="tbbo")))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 6, 10, 30, tzinfo=UTC), MONDAY),
        (datetime(2026, 1, 5, 10, 30, tzinfo=UTC), date(2026, 1, 2)),
        (datetime(2026, 1, 20, 10, 30, tzinfo=UTC), MARTIN_LUTHER_KING_DAY),
        (datetime(2026, 4, 5, 10, 30, tzinfo=UTC), date(2026, 4, 2)),  # after Good Friday
    ],
)
def test_schedule_asks_for_the_last_closed_session(moment: datetime, expected: date) -> None:
    settings = Settings(roots=("ES", "NQ"), tickers=(), max_cost=12.5)
    context = dg.build_schedule_context(scheduled_execution_time=moment)
    request = download_schedule(settings)(context)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == f"download:{expected}"
    config = Download(**request.run_config["ops"]["download"]["config"])
    assert (config.start, config.end) == (expected.isoformat(), "")
    assert (config.futures, config.equities, config.max_cost) == ("ES,NQ", "none", 12.5)
