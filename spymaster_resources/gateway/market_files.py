"""The files of one simulated market: every product and schema of a root and of its ticker."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spymaster_resources.gateway.simulated import SimulatedFile
from spymaster_resources.instruments import Instrument
from spymaster_resources.simulator.day_files import GLBX, OPRA, XNAS
from spymaster_resources.trading_calendar import TradingCalendar
from spymaster_resources.vendor.families import FAMILIES, all_families

# The market's kernels take their time to load: what needs them is imported at the first file.
if TYPE_CHECKING:
    from spymaster_resources.simulator.path import PricePath
    from spymaster_resources.simulator.session import Scale

PATHS_KEPT: Final = 4
MBO: Final = "mbo"
CMBP_1: Final = "cmbp-1"
_REFERENCE: Final = ("definition", "statistics")
_EQUITY_CALENDAR: Final = "XNYS"

Write = Callable[[str, date, Path], object]
Tell = Callable[[str, int], None]
"""Told file name and the records written so far."""


class SimulatedMarket:
    """One coherent market: all products of a date follow the same path of the future.

    root: the future's row of the catalogue. ticker: the equity that follows it, if any. Writers may
    run in several threads. A path is made once for the products that need it, and remembered for
    the latest dates.
    """

    def __init__(
        self,
        root: Instrument,
        ticker: str | None,
        scale: Scale,
        *,
        seed: int,
        tell: Tell = lambda _name, _records: None,
    ) -> None:
        self._root = root
        self._ticker = ticker or ""
        self._scale = scale
        self._seed = seed
        self._tell = tell
        self._future_paths = _Paths()
        self._equity_paths = _Paths()

    def files(self) -> list[SimulatedFile]:
        """Return the files that the market can write.

        Options of a future are among them where its families are known.
        """
        root, ticker = self._root.root, self._ticker
        cme, nyse = TradingCalendar(self._root.calendar), TradingCalendar(_EQUITY_CALENDAR)

        def files(
            dataset: str, name: str, calendar: TradingCalendar, write: Write,
            schemas: tuple[str, ...], products: frozenset[str] | None = None,
        ) -> list[SimulatedFile]:  # fmt: skip
            return [
                SimulatedFile(
                    dataset, schema, name, products or frozenset({name}), calendar,
                    partial(write, schema),
                )
                for schema in schemas
            ]  # fmt: skip

        found = files(GLBX, f"{root}.FUT", cme, self._write_future, (MBO, *_REFERENCE))
        if root in FAMILIES:
            parents = frozenset(f"{family}.OPT" for family in all_families(root))
            write = self._write_future_options
            found += files(GLBX, f"{root}.OPT", cme, write, (MBO, *_REFERENCE), parents)
        if ticker:
            write = self._write_equity_options
            found += files(XNAS, ticker, nyse, self._write_equity, (MBO, "definition"))
            found += files(OPRA, f"{ticker}.OPT", nyse, write, (CMBP_1, *_REFERENCE))
        return found

    def _write_future(self, schema: str, day: date, folder: Path) -> None:
        from spymaster_resources.simulator.futures import simulate_day
        from spymaster_resources.simulator.reference import write_futures_reference

        name = f"{self._root.root} {day}"
        if schema != MBO:
            write_futures_reference(self._root, day, folder, seed=self._seed, schemas=[schema])
            return

        def made() -> PricePath:
            return simulate_day(
                self._root, day, self._scale.future, folder,
                seed=self._seed, with_truth=False, progress=self._teller(name),
            ).prices  # fmt: skip

        self._future_paths.make(day, made)

    def _write_future_options(self, schema: str, day: date, folder: Path) -> None:
        from spymaster_resources.simulator.future_options import simulate_future_options_day
        from spymaster_resources.simulator.reference import write_future_options_reference

        size = self._scale.future_option
        if schema == MBO:
            simulate_future_options_day(
                self._root, day, size, folder, self._future_path(day),
                seed=self._seed, with_truth=False,
                progress=self._teller(f"{self._root.root} options {day}"),
            )  # fmt: skip
        else:
            write_future_options_reference(
                self._root, day, folder,
                seed=self._seed, half_width=size.half_width, schemas=[schema],
            )  # fmt: skip

    def _write_equity(self, schema: str, day: date, folder: Path) -> None:
        from spymaster_resources.simulator.equities import simulate_equity_day
        from spymaster_resources.simulator.reference import write_equity_reference

        if schema != MBO:
            write_equity_reference(self._ticker, day, folder)
            return

        def made() -> PricePath:
            return simulate_equity_day(
                self._ticker, day, self._scale.equity, folder, self._future_path(day),
                seed=self._seed, with_truth=False, progress=self._teller(f"{self._ticker} {day}"),
            ).prices  # fmt: skip

        self._equity_paths.make(day, made)

    def _write_equity_options(self, schema: str, day: date, folder: Path) -> None:
        from spymaster_resources.simulator.equity_options import simulate_equity_options_day
        from spymaster_resources.simulator.reference import write_equity_options_reference

        size = self._scale.equity_option
        if schema == CMBP_1:
            simulate_equity_options_day(
                self._ticker, day, size, folder, self._equity_path(day),
                seed=self._seed, with_truth=False,
                progress=self._teller(f"{self._ticker} options {day}"),
            )  # fmt: skip
        else:
            write_equity_options_reference(
                self._ticker, day, folder,
                seed=self._seed, half_width=size.half_width, schemas=[schema],
            )  # fmt: skip

    def _future_path(self, day: date) -> PricePath:
        from spymaster_resources.simulator.futures import future_prices

        return self._future_paths.of(
            day, lambda: future_prices(self._root, day, self._scale.future, seed=self._seed)
        )

    def _equity_path(self, day: date) -> PricePath:
        from spymaster_resources.simulator.equities import equity_prices

        return self._equity_paths.of(
            day,
            lambda: equity_prices(day, self._scale.equity, self._future_path(day), seed=self._seed),
        )

    def _teller(self, name: str) -> Callable[[int], None]:
        return lambda records: self._tell(name, records)


class _Paths:
    """The paths of the latest dates; two threads that need one date wait for one another."""

    def __init__(self) -> None:
        self._kept: OrderedDict[date, PricePath] = OrderedDict()
        self._locks: defaultdict[date, threading.Lock] = defaultdict(threading.Lock)

    def of(self, day: date, make: Callable[[], PricePath]) -> PricePath:
        """Return the path of a date, made now if it is not kept."""
        with self._locks[day]:
            path = self._kept.get(day)
            return self._keep(day, make()) if path is None else path

    def make(self, day: date, make: Callable[[], PricePath]) -> None:
        """Make the path of a date, kept or not: a file comes along with it."""
        with self._locks[day]:
            self._keep(day, make())

    def _keep(self, day: date, path: PricePath) -> PricePath:
        self._kept[day] = path
        while len(self._kept) > PATHS_KEPT:
            self._kept.popitem(last=False)
        return path
