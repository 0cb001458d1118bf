"""One run of a download: from wishes to files, in steps that a kill may fall between.

Underlyings and definitions are bought first. Once the definitions of a day are here they say which
options expire; those are estimated and bought then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from contracts.errors import ConfigurationError, RawFileError, VendorFileError, VendorRefusedError
from spymaster_resources.vendor.client import Vendor
from spymaster_resources.vendor.estimate import Budget, Estimate, estimate
from spymaster_resources.vendor.expiring import expiring_options
from spymaster_resources.vendor.jobs import AT_VENDOR, Desk, Hooks
from spymaster_resources.vendor.landing import RawStore
from spymaster_resources.vendor.products import DEFINITION
from spymaster_resources.vendor.requests import (
    PARENT,
    Request,
    option_requests,
    requests_of_day,
)
from spymaster_resources.vendor.tracker import State, Tracker
from spymaster_resources.vendor.wishes import Wishes

GIVE_UP_S: Final = 86_400.0
"""A job that is not done so long after the run (or it) began is given up for this run."""


@dataclass(frozen=True)
class Pace:
    """Pauses of a run, seconds."""

    pause_s: float = 1.0
    """Between two submissions."""
    poll_s: float = 30.0
    give_up_s: float = GIVE_UP_S


@dataclass
class Outcome:
    """What came of everything that was asked for, by key."""

    arrived: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    nothing_expires: list[tuple[str, date]] = field(default_factory=list)
    spent_usd: float = 0.0
    n_files: int = 0
    """Data files of what arrived, in this run or before."""
    n_bytes: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether everything arrived."""
        return not self.failed and not self.waiting


class DownloadRun:
    """The work of `spymaster download`, without a terminal.

    `plan`, then `estimates`, then `submit`, and `follow` until `outcome` has nothing waiting.
    `told` is called after each step with the numbers of arrived and of all known requests.
    """

    def __init__(
        self,
        wishes: Wishes,
        vendor: Vendor,
        tracker: Tracker,
        raw: RawStore,
        desk: Desk,
        budget: Budget,
        *,
        pace: Pace | None = None,
        hooks: Hooks | None = None,
        told: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        self.wishes: Final = wishes
        self.requests: dict[str, Request] = {}
        """Everything that is known to be wanted, by key."""
        self._vendor = vendor
        self._tracker = tracker
        self._raw = raw
        self._desk = desk
        self._budget = budget
        self._pace = pace or Pace()
        self._hooks = hooks or Hooks()
        self._told = told
        self._estimated: dict[str, float] = {}
        self._undecided: set[tuple[str, date]] = set()
        self._nothing_expires: list[tuple[str, date]] = []
        self._started_s = self._hooks.now_s()

    def plan(self) -> list[Request]:
        """Return what has to be bought as far as is known now, checked by the vendor.

        Heals and takes over what was bought before. Raises ConfigurationError for a schema that
        is not sold, a date without history, or a symbol that is unknown on every date.
        """
        self._desk.heal()
        self._require_history()
        wanted = [*self.wishes.underlying_requests(), *self.wishes.definition_requests()]
        for request in self._known_at_vendor(wanted):
            self.requests[request.key] = request
            self._find(request)
        sessions = self.wishes.sessions if self.wishes.option_schemas else []
        roots = [underlying.root for underlying in self.wishes.underlyings]
        planned = {(r.root, r.dt) for r in self.requests.values() if r.schema == DEFINITION}
        for dt in sessions:
            for root in roots:
                if (root, dt) in planned:
                    self._undecided.add((root, dt))
                else:
                    self._say_nothing_expires(root, dt, "no option family is listed")
        self._decide_options()
        return self._to_buy()

    def estimates(self, tell: Callable[[], None] = lambda: None) -> list[Estimate]:
        """Return the estimates of what is to be bought, and bounds for options not known yet."""
        found = estimate(self._vendor, self._to_buy(), tell=tell)
        self._estimated |= {row.request.key: row.usd for row in found}
        bounds = estimate(self._vendor, self._bounds(), is_bound=True, tell=tell)
        return [*found, *bounds]

    def submit(self) -> None:
        """Buy what is known to be wanted and is not bought yet."""
        to_buy = self._to_buy()
        for place, request in enumerate(to_buy):
            if place:
                self._vendor.patience.wait(self._pace.pause_s)
            try:
                self._desk.submit(request, self._price(request))
            except VendorRefusedError as error:
                if error.is_key_refused:
                    raise
                self._desk.refuse(request, str(error))
            self._tell()

    def follow(self, *, buying: bool = True) -> None:
        """Do everything that can be done now: states, downloads, options, submissions."""
        self._desk.poll(self.requests)
        for key in self._desk.ready(self.requests):
            self._desk.download(key)
            self._tell()
        self._decide_options()
        if buying:
            self.submit()
        self._give_up_late_jobs()
        self._tell()

    def until_settled(self) -> Outcome:
        """Follow until everything has arrived or has definitely failed."""
        self.follow()
        while (outcome := self.outcome()).waiting:
            self._vendor.patience.wait(self._pace.poll_s)
            self.follow()
        return outcome

    def outcome(self) -> Outcome:
        """Return what came of everything so far."""
        found = Outcome(
            nothing_expires=sorted(self._nothing_expires), spent_usd=self._budget.spent_usd
        )
        for key in self.requests:
            record = self._tracker.get(key)
            if key in self._desk.failed:
                found.failed[key] = self._desk.failed[key]
            elif record is not None and record.state is State.DOWNLOADED:
                found.arrived.append(key)
                found.n_files += len(record.files)
                found.n_bytes += sum(int(file["size"]) for file in record.files)
            else:
                found.waiting.append(key)
        return found

    def _find(self, request: Request) -> None:
        """Look whether a request is bought or here already; what stands in its way is failure."""
        try:
            self._desk.find(request)
        except VendorFileError as error:
            self._desk.give_up(request.key, str(error))

    def _to_buy(self) -> list[Request]:
        return [
            request
            for key, request in self.requests.items()
            if key not in self._desk.failed and not self._desk.is_bought(key)
        ]

    def _price(self, request: Request) -> float:
        if request.key not in self._estimated:
            self._estimated |= {
                row.request.key: row.usd for row in estimate(self._vendor, [request])
            }
        return self._estimated[request.key]

    def _require_history(self) -> None:
        """Ask the vendor whether the datasets have the schemas and the dates."""
        market, days = self.wishes.market, [*self.wishes.sessions, *self.wishes.sundays]
        wanted: dict[str, set[str]] = {}
        if self.wishes.underlying_schemas:
            wanted.setdefault(market.underlying_dataset, set()).update(
                self.wishes.underlying_schemas
            )
        if self.wishes.option_schemas:
            wanted.setdefault(market.option_dataset, set()).update(
                {DEFINITION, *self.wishes.option_schemas}
            )
        for dataset, schemas in wanted.items():
            absent = schemas - set(self._vendor.schemas(dataset))
            if absent:
                raise ConfigurationError(
                    f"{dataset} is not sold in schema {', '.join(sorted(absent))}"
                )
            start, end = self._vendor.available(dataset)
            if min(days).isoformat() < start[:10] or max(days).isoformat() >= end[:10]:
                raise ConfigurationError(
                    f"{dataset} has whole days from {start[:10]} until before {end[:10]}; "
                    f"{min(days)} to {max(days)} were asked for"
                )

    def _known_at_vendor(self, wanted: Iterable[Request]) -> Iterator[Request]:
        """Yield the requests, cut to the symbols that the vendor knows on their day.

        What is bought already is not asked about. A Sunday and a family that the vendor does not
        list are left out; any other request without a known symbol has failed. Raises
        ConfigurationError for a symbol that is unknown on every date.
        """
        requests = list(wanted)
        unknown = {
            request.key: self._vendor.unknown_symbols(request)
            for request in requests
            if not self._desk.is_bought(request.key)
        }
        on_dates: dict[str, list[bool]] = {}
        for request in requests:
            for name in request.symbols:
                on_dates.setdefault(name, []).append(name not in unknown.get(request.key, ()))
        families = self.wishes.market.expires_by_family
        for name, known in on_dates.items():
            if not any(known) and not (families and name.endswith(".OPT")):
                raise ConfigurationError(
                    f"the vendor knows no {name} from {self.wishes.start} to {self.wishes.end}; "
                    "nothing was bought"
                )
        for request in requests:
            missing = unknown.get(request.key, ())
            left = tuple(name for name in request.symbols if name not in missing)
            if left:
                yield replace(request, symbols=left)
            elif not (families and request.schema == DEFINITION):
                self._without_symbols(request)

    def _without_symbols(self, request: Request) -> None:
        reason = f"the vendor knows no {', '.join(request.symbols[:3])} on {request.dt}"
        if request.dt in self.wishes.sundays:
            self._hooks.say(f"{request.key}: {reason}")
        else:
            self.requests[request.key] = request
            self._desk.refuse(request, reason)

    def _decide_options(self) -> None:
        """Add the option requests of the days whose definitions are here."""
        for root, dt in sorted(self._undecided):
            keys = [
                key
                for key, request in self.requests.items()
                if (request.schema, request.root, request.dt) == (DEFINITION, root, dt)
            ]
            if any(key in self._desk.failed for key in keys):
                self._undecided.discard((root, dt))
                continue
            records = [self._tracker.get(key) for key in keys]
            if all(record and record.state is State.DOWNLOADED for record in records):
                self._undecided.discard((root, dt))
                self._add_options(root, dt, keys)

    def _add_options(self, root: str, dt: date, definitions: list[str]) -> None:
        market = self.wishes.market
        symbols: set[str] = set()
        for key in definitions:
            record = self._tracker.get(key)
            try:
                for file in self._raw.data_files(record) if record else ():
                    found = expiring_options(file, market, root, dt)
                    symbols.update(found.symbols)
                    self._hooks.say(
                        f"{root} {dt}: {len(found.symbols)} options expire, "
                        f"{found.other_dates} on another date, "
                        f"{found.other_underlyings} of another underlying"
                    )
            except RawFileError as error:
                self._desk.give_up(key, str(error))
                return
        if not symbols:
            self._say_nothing_expires(root, dt, "the definitions name no option of that date")
        for schema in self.wishes.option_schemas if symbols else ():
            for request in option_requests(market, root, schema, dt, symbols):
                self.requests[request.key] = request
                self._find(request)

    def _bounds(self) -> list[Request]:
        """Return requests for all instruments of the families whose options are not known yet."""
        market = self.wishes.market
        return [
            row
            for root, dt in sorted(self._undecided)
            for schema in self.wishes.option_schemas
            for row in requests_of_day(
                market.option_product,
                market.option_dataset,
                schema,
                root,
                dt,
                PARENT,
                self._families_asked(root, dt),
            )
        ]

    def _families_asked(self, root: str, dt: date) -> list[str]:
        return [
            name
            for request in self.requests.values()
            if (request.schema, request.root, request.dt) == (DEFINITION, root, dt)
            for name in request.symbols
        ]

    def _give_up_late_jobs(self) -> None:
        now = self._hooks.now_s()
        for key in self.requests:
            record = self._tracker.get(key)
            if record is None or record.state not in AT_VENDOR or key in self._desk.failed:
                continue
            since = max(self._started_s, record.submitted_at or 0.0)
            if now - since > self._pace.give_up_s:
                self._desk.give_up(
                    key,
                    f"job {record.job_id} is still {record.state} after "
                    f"{self._pace.give_up_s / 3600:.3g} h; start again later to go on",
                )

    def _say_nothing_expires(self, root: str, dt: date, reason: str) -> None:
        self._nothing_expires.append((root, dt))
        self._hooks.say(f"{root} {dt}: nothing expires that day, {reason}")

    def _tell(self) -> None:
        outcome = self.outcome()
        self._told(len(outcome.arrived) + len(outcome.failed), len(self.requests))
