"""One coherent market of all four products on a date: everything follows the future's path."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from spymaster_resources.instruments import Instrument
from spymaster_resources.simulator.day_files import GLBX, OPRA, XNAS
from spymaster_resources.simulator.equities import equity_prices, simulate_equity_day
from spymaster_resources.simulator.equity_options import simulate_equity_options_day
from spymaster_resources.simulator.future_options import simulate_future_options_day
from spymaster_resources.simulator.futures import future_prices, simulate_day
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.reference import (
    write_equity_options_reference,
    write_equity_reference,
    write_future_options_reference,
    write_futures_reference,
)
from spymaster_resources.simulator.sizes import (
    EQUITY_OPTION_SIZES,
    EQUITY_SIZES,
    FUTURE_OPTION_SIZES,
    SIZES,
    Size,
)

FUTURE, FUTURE_OPTION, EQUITY, EQUITY_OPTION = (
    "future_mbo", "future_option_mbo", "equity_mbo", "equity_option_cmbp_1",
)  # fmt: skip
PRODUCTS: Final = (FUTURE, FUTURE_OPTION, EQUITY, EQUITY_OPTION)
_DATASETS: Final = {FUTURE: GLBX, FUTURE_OPTION: GLBX, EQUITY: XNAS, EQUITY_OPTION: OPRA}

Tell = Callable[[str, int], None]


@dataclass(frozen=True)
class Scale:
    """How much of each product a session holds."""

    future: Size
    future_option: Size
    equity: Size
    equity_option: Size

    @classmethod
    def named(cls, name: str) -> Scale:
        """Return the sizes of a name: tiny, demo or full."""
        return cls(
            SIZES[name], FUTURE_OPTION_SIZES[name], EQUITY_SIZES[name], EQUITY_OPTION_SIZES[name]
        )


@dataclass(frozen=True)
class ProductDay:
    """What was written of one product for one date."""

    product_type: str
    dt: date
    path: Path
    symbols: tuple[str, ...]
    records: int
    windows: int
    reference: tuple[Path, ...]
    """Definition and statistics files."""


class Session:
    """A date of the market; the same arguments give the same bytes, product by product.

    root: the future's row of the catalogue. ticker: the equity that follows it.
    """

    def __init__(
        self,
        root: Instrument,
        ticker: str,
        dt: date,
        scale: Scale,
        *,
        seed: int,
        dbn_version: int = 3,
        with_truth: bool = True,
        tell: Tell | None = None,
    ) -> None:
        self.root = root
        self.ticker = ticker
        self.dt = dt
        self.scale = scale
        self.seed = seed
        self.dbn_version = dbn_version
        self.with_truth = with_truth
        self._tell = tell

    def write(
        self, products: Collection[str], folder_of: Callable[[str, str], Path]
    ) -> list[ProductDay]:
        """Write the files of some products; two markets run at a time.

        folder_of: the folder of a product's files of a schema. Raises ConfigurationError where the
        date has no session, and OSError where the disk refuses.
        """
        days: list[Future[ProductDay]] = []
        with ThreadPoolExecutor(2) as pool:
            if FUTURE in products:
                day, path = self._future(folder_of)
                days.append(pool.submit(lambda: day))
            else:
                path = future_prices(self.root, self.dt, self.scale.future, seed=self.seed)
            if FUTURE_OPTION in products:
                days.append(pool.submit(self._future_options, folder_of, path))
            if EQUITY in products:
                equity, ticker_path = self._equity(folder_of, path)
                days.append(pool.submit(lambda: equity))
            elif EQUITY_OPTION in products:
                ticker_path = equity_prices(self.dt, self.scale.equity, path, seed=self.seed)
            if EQUITY_OPTION in products:
                days.append(pool.submit(self._equity_options, folder_of, ticker_path))
            return [day.result() for day in days]

    def _future(self, folder_of: Callable[[str, str], Path]) -> tuple[ProductDay, PricePath]:
        day = simulate_day(
            self.root,
            self.dt,
            self.scale.future,
            folder_of(FUTURE, "mbo"),
            seed=self.seed,
            dbn_version=self.dbn_version,
            with_truth=self.with_truth,
            progress=self._teller(FUTURE),
        )
        paths: list[Path] = []
        for schema in ("definition", "statistics"):
            paths += write_futures_reference(
                self.root, self.dt, folder_of(FUTURE, schema), seed=self.seed,
                version=self.dbn_version, schemas=[schema],
            )  # fmt: skip
        made = ProductDay(
            FUTURE, self.dt, day.path, day.symbols, day.records, day.windows, tuple(paths)
        )
        return made, day.prices

    def _future_options(self, folder_of: Callable[[str, str], Path], path: PricePath) -> ProductDay:
        day = simulate_future_options_day(
            self.root,
            self.dt,
            self.scale.future_option,
            folder_of(FUTURE_OPTION, "mbo"),
            path,
            seed=self.seed,
            dbn_version=self.dbn_version,
            with_truth=self.with_truth,
            progress=self._teller(FUTURE_OPTION),
        )
        paths: list[Path] = []
        for schema in ("definition", "statistics"):
            paths += write_future_options_reference(
                self.root, self.dt, folder_of(FUTURE_OPTION, schema), seed=self.seed,
                half_width=self.scale.future_option.half_width, version=self.dbn_version,
                schemas=[schema],
            )  # fmt: skip
        return ProductDay(
            FUTURE_OPTION, self.dt, day.path, day.symbols, day.records, day.windows, tuple(paths)
        )

    def _equity(
        self, folder_of: Callable[[str, str], Path], path: PricePath
    ) -> tuple[ProductDay, PricePath]:
        day = simulate_equity_day(
            self.ticker,
            self.dt,
            self.scale.equity,
            folder_of(EQUITY, "mbo"),
            path,
            seed=self.seed,
            dbn_version=self.dbn_version,
            with_truth=self.with_truth,
            progress=self._teller(EQUITY),
        )
        paths = write_equity_reference(
            self.ticker, self.dt, folder_of(EQUITY, "definition"), version=self.dbn_version
        )
        made = ProductDay(
            EQUITY, self.dt, day.path, (day.symbol,), day.records, day.windows, tuple(paths)
        )
        return made, day.prices

    def _equity_options(self, folder_of: Callable[[str, str], Path], path: PricePath) -> ProductDay:
        day = simulate_equity_options_day(
            self.ticker,
            self.dt,
            self.scale.equity_option,
            folder_of(EQUITY_OPTION, "cmbp-1"),
            path,
            seed=self.seed,
            dbn_version=self.dbn_version,
            with_truth=self.with_truth,
            progress=self._teller(EQUITY_OPTION),
        )
        paths: list[Path] = []
        for schema in ("definition", "statistics"):
            paths += write_equity_options_reference(
                self.ticker, self.dt, folder_of(EQUITY_OPTION, schema), seed=self.seed,
                half_width=self.scale.equity_option.half_width, version=self.dbn_version,
                schemas=[schema],
            )  # fmt: skip
        return ProductDay(
            EQUITY_OPTION, self.dt, day.path, day.symbols, day.records, day.windows, tuple(paths)
        )

    def _teller(self, product: str) -> Callable[[int], None] | None:
        tell = self._tell
        return None if tell is None else lambda records: tell(product, records)


def vendor_folders(folder: Path, root: str, ticker: str) -> Callable[[str, str], Path]:
    """Return where files lie as a vendor's archive: dataset, schema, then what can be asked for."""
    names = {
        FUTURE: f"{root}.FUT",
        FUTURE_OPTION: f"{root}.OPT",
        EQUITY: ticker,
        EQUITY_OPTION: f"{ticker}.OPT",
    }
    return lambda product, schema: folder / _DATASETS[product] / schema / names[product]
