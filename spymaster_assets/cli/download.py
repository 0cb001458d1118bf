"""`spymaster download`: futures, equities and their expiring options from the vendor."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.products import Market
    from spymaster_resources.vendor.run import Outcome
    from spymaster_resources.vendor.wishes import Wishes

FAILED = 1
WAITING = 3
"""Exit code of `poll` while something is still on its way."""

app = typer.Typer(
    help="Buy and fetch raw files of the vendor. The key comes from DATABENTO_API_KEY.",
    no_args_is_help=True,
)


class Action(StrEnum):
    """What is done of a download."""

    SUBMIT = "submit"
    POLL = "poll"
    DAEMON = "daemon"


HELP = {
    Action.SUBMIT: "Buy what is not bought yet and return; options need their definitions here.",
    Action.POLL: "Fetch what is ready, buy nothing. Exit code 3 while something is on its way.",
    Action.DAEMON: "Buy and fetch until everything is here or has definitely failed.",
}
StartOption = Annotated[str, typer.Option(help="First date, YYYY-MM-DD.")]
EndOption = Annotated[str, typer.Option(help="Last date, YYYY-MM-DD; default: the first.")]
PauseOption = Annotated[float, typer.Option(min=0, help="Seconds between two submissions.")]
PollOption = Annotated[float, typer.Option(min=0.01, help="Seconds between two polls.")]
LogOption = Annotated[Path | None, typer.Option(help="Also write what happens into this file.")]
MaxCostOption = Annotated[
    float | None, typer.Option(min=0, help="Refuse to spend more in this run, US dollars.")
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show cost and size, buy nothing.")]
SettleOption = Annotated[
    float,
    typer.Option(
        min=0, help="Seconds until a job whose submission was not answered must be listed."
    ),
]
GiveUpOption = Annotated[
    float, typer.Option(min=0, help="Hours after which an unfinished job is given up for this run.")
]
GatewayOption = Annotated[
    str | None,
    typer.Option(
        envvar="SPYMASTER_VENDOR_GATEWAY", help="Another gateway, as `spymaster vendor serve`."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")]


@dataclass(frozen=True)
class Options:
    """The options that both markets share, and what is chosen of each."""

    start: str
    end: str
    symbols: str
    underlying_schemas: str
    options_schemas: str
    pause_seconds: float
    poll_interval: float
    log_file: Path | None
    max_cost: float | None
    dry_run: bool
    settle_seconds: float
    give_up_hours: float
    gateway: str | None
    as_json: bool
    sundays: bool = False


def _futures_command(action: Action) -> None:
    @futures.command(action.value, help=f"{HELP[action]}\n\n{_example('futures', action)}")
    def command(
        start: StartOption,
        end: EndOption = "",
        symbols: Annotated[
            str, typer.Option(help="Roots (ES), parents (ES.FUT) or outrights (ESM4), by commas.")
        ] = "ES",
        include_futures: Annotated[
            bool, typer.Option(help="The futures themselves, not only their options.")
        ] = True,
        options_schemas: Annotated[
            str, typer.Option(help="Of the options: mbo, statistics, or none.")
        ] = "mbo,statistics",
        sundays: Annotated[
            bool, typer.Option(help="Also the Sundays of the range: Monday's first hours.")
        ] = False,
        pause_seconds: PauseOption = 1.0,
        poll_interval: PollOption = 30.0,
        log_file: LogOption = None,
        max_cost: MaxCostOption = None,
        dry_run: DryOption = False,
        settle_seconds: SettleOption = 30.0,
        give_up_hours: GiveUpOption = 24.0,
        gateway: GatewayOption = None,
        as_json: JsonOption = False,
    ) -> None:
        options = Options(
            start=start,
            end=end or start,
            symbols=symbols,
            underlying_schemas="mbo" if include_futures else "none",
            options_schemas=options_schemas,
            pause_seconds=pause_seconds,
            poll_interval=poll_interval,
            log_file=log_file,
            max_cost=max_cost,
            dry_run=dry_run,
            settle_seconds=settle_seconds,
            give_up_hours=give_up_hours,
            gateway=gateway,
            as_json=as_json,
            sundays=sundays,
        )
        download("futures", action, options)


def _equities_command(action: Action) -> None:
    @equities.command(action.value, help=f"{HELP[action]}\n\n{_example('equities', action)}")
    def command(
        start: StartOption,
        end: EndOption = "",
        symbols: Annotated[str, typer.Option(help="Tickers, by commas.")] = "QQQ",
        equity_schemas: Annotated[
            str, typer.Option(help="Of the shares themselves: mbo, or none.")
        ] = "mbo",
        options_schemas: Annotated[
            str, typer.Option(help="Of the options: cmbp-1, statistics, or none.")
        ] = "cmbp-1,statistics",
        pause_seconds: PauseOption = 1.0,
        poll_interval: PollOption = 30.0,
        log_file: LogOption = None,
        max_cost: MaxCostOption = None,
        dry_run: DryOption = False,
        settle_seconds: SettleOption = 30.0,
        give_up_hours: GiveUpOption = 24.0,
        gateway: GatewayOption = None,
        as_json: JsonOption = False,
    ) -> None:
        options = Options(
            start=start,
            end=end or start,
            symbols=symbols,
            underlying_schemas=equity_schemas,
            options_schemas=options_schemas,
            pause_seconds=pause_seconds,
            poll_interval=poll_interval,
            log_file=log_file,
            max_cost=max_cost,
            dry_run=dry_run,
            settle_seconds=settle_seconds,
            give_up_hours=give_up_hours,
            gateway=gateway,
            as_json=as_json,
        )
        download("equities", action, options)


def _example(market: str, action: Action) -> str:
    dates = "--start 2024-05-06 --end 2024-05-10"
    money = "" if action is Action.POLL else " --max-cost 20"
    return f"Example: spymaster download {market} {action} {dates}{money}"


futures = typer.Typer(help="Futures and the options on them that expire.", no_args_is_help=True)
equities = typer.Typer(help="Shares and the options on them that expire.", no_args_is_help=True)
app.add_typer(futures, name="futures")
app.add_typer(equities, name="equities")
for _action in Action:
    _futures_command(_action)
    _equities_command(_action)


def download(market_name: str, action: Action, options: Options) -> None:
    """Do one action of a download and exit with its honest code."""
    from spymaster_assets.cli.download_display import Display
    from spymaster_assets.downloads import buy
    from spymaster_resources.settings import Settings
    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.download import Parts, Place, polled
    from spymaster_resources.vendor.estimate import Budget
    from spymaster_resources.vendor.jobs import Hooks
    from spymaster_resources.vendor.products import MARKETS
    from spymaster_resources.vendor.run import Pace

    market, settings = MARKETS[market_name], Settings.from_environment()
    wishes = _wishes(market, options, settings.calendar)
    vendor = Vendor.from_environment(options.gateway)
    with _logging_to(options.log_file, vendor), Display() as display:
        parts = Parts(
            budget=Budget(options.max_cost),
            pace=Pace(options.pause_seconds, options.poll_interval, options.give_up_hours * 3600),
            hooks=Hooks(say=display.say, bytes=display.bytes),
            settle_s=options.settle_seconds,
            told=display.jobs,
        )
        place = Place(settings.lake)
        if action is Action.POLL:
            outcome = polled(wishes, vendor, place, parts)
        else:
            settle = action is Action.DAEMON
            found = buy(
                wishes, vendor, place, parts, display.estimate, settle=settle, dry=options.dry_run
            )
            if found is None:
                return
            outcome = found
    _report(outcome, options)
    if outcome.failed:
        raise typer.Exit(FAILED)
    if outcome.waiting and action is not Action.SUBMIT:
        raise typer.Exit(WAITING)


def _wishes(market: Market, options: Options, calendar: str | None) -> Wishes:
    from datetime import UTC, datetime

    from spymaster_assets.downloads import Order
    from spymaster_resources.trading_calendar import parse_date

    order = Order(
        market,
        parse_date(options.start),
        parse_date(options.end),
        options.symbols,
        options.underlying_schemas,
        options.options_schemas,
        options.sundays,
    )
    return order.wishes(calendar=calendar, today=datetime.now(tz=UTC).date())


@contextmanager
def _logging_to(path: Path | None, vendor: Vendor) -> Iterator[None]:
    """Let everything that is said go into a file too, without the key."""
    if path is None:
        yield
        return

    class WithoutKey(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return vendor.secret.redact(super().format(record))

    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(WithoutKey("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("spymaster_resources.vendor")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def _report(outcome: Outcome, options: Options) -> None:
    if options.as_json:
        document = {
            "arrived": outcome.arrived,
            "failed": outcome.failed,
            "waiting": outcome.waiting,
            "nothing_expires": [f"{root} {dt}" for root, dt in outcome.nothing_expires],
            "spent_usd": round(outcome.spent_usd, 6),
        }
        typer.echo(json.dumps(document, indent=2))
        return
    for root, dt in outcome.nothing_expires:
        typer.echo(f"{root} {dt}: nothing expires that day")
    for key, reason in outcome.failed.items():
        typer.secho(f"{key}: {reason}", fg=typer.colors.RED, err=True)
    typer.echo(
        f"{len(outcome.arrived)} arrived, {len(outcome.failed)} failed, "
        f"{len(outcome.waiting)} on their way; ${outcome.spent_usd:.4f} spent in this run"
    )
