"""Downloads from Dagster: a job with a range of sessions, and a schedule for the last closed one.

The key comes from DATABENTO_API_KEY of the process that runs; no config ever holds it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from contracts.errors import SpymasterError
from spymaster_assets.downloads import Order, buy
from spymaster_assets.resources import Surroundings
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import TradingCalendar, parse_date
from spymaster_resources.vendor.products import EQUITIES, FUTURES
from spymaster_resources.vendor.wishes import Wishes

JOB_NAME = "download_sessions"
OP_NAME = "download"
NONE = "none"
POLL_S = 30.0
"""Between two looks at the vendor's jobs."""
EVERY_MORNING = "30 10 * * *"
"""UTC: the vendor has the day before by then. A session that was asked for is not asked again."""


class Download(dg.Config):
    """What a run downloads, lists by commas; what is in the raw folder is not bought again."""

    start: str
    end: str = ""
    """Last date, as start YYYY-MM-DD; empty for the first alone."""
    futures: str = "ES"
    """Roots; none for no future and no option on one."""
    equities: str = "QQQ"
    """Tickers; none for no share and no option on one."""
    include_futures: bool = True
    """The futures themselves, not only their options."""
    equity_schemas: str = "mbo"
    options_schemas: str = "mbo,cmbp-1,statistics"
    """Of both markets, or none; each market takes those that it is sold in."""
    max_cost: float = 0.0
    """US dollars that the run may spend; nothing is bought where the estimate is above."""


def orders(config: Download) -> Iterator[Order]:
    """Yield what a config asks for, market by market.

    Raises ConfigurationError for a date or a schema that is none.
    """
    start = parse_date(config.start)
    end = parse_date(config.end) if config.end else start
    known = tuple(dict.fromkeys((*FUTURES.option_schemas, *EQUITIES.option_schemas)))
    options = FUTURES.chosen_schemas(config.options_schemas, known, "options_schemas")
    for market, symbols, schemas in (
        (FUTURES, config.futures, "mbo" if config.include_futures else NONE),
        (EQUITIES, config.equities, config.equity_schemas),
    ):
        own = ",".join(name for name in options if name in market.option_schemas) or NONE
        if symbols != NONE and (schemas, own) != (NONE, NONE):
            yield Order(market, start, end, symbols, schemas, own)


@dg.op(name=OP_NAME)
def download(context: dg.OpExecutionContext, config: Download, surroundings: Surroundings) -> None:
    """Buy and fetch what the config asks for, until it is here or has definitely failed."""
    try:
        _download(context, config, surroundings.settings())
    except SpymasterError as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from None


@dg.job(name=JOB_NAME, description="Raw files of a range of sessions from the vendor.")
def download_job() -> None:
    download()


def download_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that downloads the last closed session of all roots and tickers.

    It is stopped until somebody starts it, and spends no more than SPYMASTER_MAX_COST a run.
    """

    @dg.schedule(
        name="download_last_session",
        job_name=JOB_NAME,
        cron_schedule=EVERY_MORNING,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="The last closed session of every root and ticker.",
    )
    def last_session(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(UTC).date()
        dt = last_closed_session(today)
        config = Download(
            start=dt.isoformat(),
            futures=",".join(settings.roots) or NONE,
            equities=",".join(settings.tickers) or NONE,
            max_cost=settings.max_cost,
        )
        ops = {OP_NAME: {"config": config.model_dump()}}
        return dg.RunRequest(run_key=f"download:{dt}", run_config={"ops": ops})

    return last_session


def last_closed_session(today: date) -> date:
    """Return the latest session of the futures whose UTC day is over."""
    calendar = TradingCalendar(FUTURES.calendar)
    day = today - timedelta(days=1)
    while not calendar.is_session(day):
        day -= timedelta(days=1)
    return day


def _download(context: dg.OpExecutionContext, config: Download, settings: Settings) -> None:
    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.download import Parts, Place
    from spymaster_resources.vendor.estimate import Budget, Estimate
    from spymaster_resources.vendor.jobs import Hooks
    from spymaster_resources.vendor.run import Pace

    today = datetime.now(tz=UTC).date()
    wishes = [found for order in orders(config) if (found := _wishes(context, order, today))]
    if not wishes:
        context.log.info("nothing to download")
        return
    vendor = Vendor.from_environment()
    budget = Budget(config.max_cost)
    files = size = 0
    failed: dict[str, str] = {}

    def say(text: str) -> None:
        context.log.info(vendor.secret.redact(text))

    def show(estimates: Sequence[Estimate]) -> None:
        for row in estimates:
            at_most = "at most " if row.is_bound else ""
            say(f"{row.request.key}: {at_most}${row.usd:.4f}, {row.billable_bytes:,} bytes")

    for wish in wishes:
        parts = Parts(budget=budget, pace=Pace(poll_s=POLL_S), hooks=Hooks(say=say))
        outcome = buy(wish, vendor, Place(settings.lake), parts, show)
        if outcome is not None:
            files, size = files + outcome.n_files, size + outcome.n_bytes
            failed |= outcome.failed
    metadata = {"files": files, "bytes": size, "cost_usd": round(budget.spent_usd, 6)}
    context.add_output_metadata(metadata)
    if failed:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        raise dg.Failure(
            f"{len(failed)} requests failed: {reasons}",
            metadata=metadata,
            allow_retries=False,
        )


def _wishes(context: dg.OpExecutionContext, order: Order, today: date) -> Wishes | None:
    """Return the wishes of an order, None where its market has no session in the range."""
    calendar = TradingCalendar(order.market.calendar)
    if not list(calendar.sessions(order.start, order.end)):
        context.log.info(
            f"{order.market.name}: no session from {order.start} to {order.end}, nothing to buy"
        )
        return None
    return order.wishes(calendar=None, today=today)
