"""Definition and statistics files of a date: what a venue says of its instruments, no market.

Each function writes both files, or those of `schemas`, into a folder and returns their paths. They
depend on date and seed alone, as the market's listings do, so files made apart agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from book_engines.kernel import kernel
from spymaster_resources.instruments import FUTURE_OPTION, PRICE_SCALE, Instrument
from spymaster_resources.instruments import instrument as catalogue_row
from spymaster_resources.simulator.black import premium
from spymaster_resources.simulator.chains import (
    Option,
    equity_definitions,
    equity_price,
    future_definitions,
)
from spymaster_resources.simulator.day_files import GLBX, OPRA, XNAS, Named, day_writer
from spymaster_resources.simulator.definitions import (
    Records,
    equity_definition,
    equity_option_definitions,
    future_option_definitions,
    futures_definitions,
)
from spymaster_resources.simulator.quarterlies import (
    calendar_spread,
    carry_between,
    nearest_quarterlies,
    reference_price,
)
from spymaster_resources.simulator.statistics import (
    glbx_statistics,
    opra_statistics,
    popularity,
)

REFERENCE_SCHEMAS: Final = ("definition", "statistics")
OPTION_TICK_INT: Final = catalogue_row("ES", FUTURE_OPTION).tick_int
EQUITY_ID: Final = 13_340
_SETTLED_YEARS: Final = 1 / 365
_SPREAD_OF_EXPIRIES: Final = (1.0, 0.05)


@kernel
def _premium(is_call: bool, forward: float, strike: float, years: float) -> float:
    return float(premium(is_call, forward, strike, years))


def write_futures_reference(
    instrument: Instrument,
    dt: date,
    folder: Path,
    *,
    seed: int,
    version: int = 3,
    schemas: Sequence[str] = REFERENCE_SCHEMAS,
) -> list[Path]:
    """Write the files of both expiries of a root; definitions name their calendar spread too."""
    pair = nearest_quarterlies(instrument, dt)
    price = reference_price(dt, seed)
    settlements = [
        round(dollars * PRICE_SCALE / instrument.tick_int) * instrument.tick_int
        for dollars in (price, price + carry_between(pair, price))
    ]
    ids = [row.instrument_id for row in pair]
    tables = {
        "definition": futures_definitions(instrument, pair, dt, price, version),
        "statistics": glbx_statistics(
            ids, settlements, [50.0 * share for share in _SPREAD_OF_EXPIRIES], dt, seed, version
        ),
    }
    outrights = [Named(row.symbol, row.instrument_id) for row in pair]
    paths = []
    for schema in schemas:
        listed = [*outrights, calendar_spread(pair)] if schema == "definition" else outrights
        parents = [f"{instrument.root}.FUT"]
        paths += _write(folder, GLBX, dt, tables, [schema], listed, parents, version)
    return paths


def write_future_options_reference(
    instrument: Instrument,
    dt: date,
    folder: Path,
    *,
    seed: int,
    half_width: int,
    version: int = 3,
    schemas: Sequence[str] = REFERENCE_SCHEMAS,
) -> list[Path]:
    """Write the files of the options that the parents of the day's families name.

    half_width: strikes on either side of the future's price.
    """
    price = reference_price(dt, seed)
    options = future_definitions(instrument, dt, price, half_width)
    tables = {
        "definition": future_option_definitions(instrument, options, dt, version),
        "statistics": glbx_statistics(
            [option.instrument_id for option in options],
            [_settlement(option, price) for option in options],
            [0.1 * popularity(option, price) for option in options],
            dt,
            seed,
            version,
        ),
    }
    parents = dict.fromkeys(f"{option.asset}.OPT" for option in options)
    return _write(folder, GLBX, dt, tables, schemas, _named(options), parents, version)


def write_equity_reference(
    root: str,
    dt: date,
    folder: Path,
    *,
    version: int = 3,
) -> list[Path]:
    """Write the definition file of a ticker; its venue publishes no statistics."""
    tables = {"definition": equity_definition(root, EQUITY_ID, dt, version)}
    listed = [Named(root, EQUITY_ID)]
    return _write(folder, XNAS, dt, tables, ("definition",), listed, (), version)


def write_equity_options_reference(
    root: str,
    dt: date,
    folder: Path,
    *,
    seed: int,
    half_width: int,
    version: int = 3,
    schemas: Sequence[str] = REFERENCE_SCHEMAS,
) -> list[Path]:
    """Write the files of the options on a ticker, as its parent names them."""
    price = equity_price(dt, seed)
    options = equity_definitions(root, dt, price, half_width)
    tables = {
        "definition": equity_option_definitions(options, dt, version),
        "statistics": opra_statistics(options, price, dt, seed, version),
    }
    return _write(folder, OPRA, dt, tables, schemas, _named(options), [f"{root}.OPT"], version)


def _settlement(option: Option, price: float) -> int:
    """Return yesterday's settlement: the premium with a day to go, at least one tick."""
    dollars = _premium(option.is_call, price, option.strike_int / PRICE_SCALE, _SETTLED_YEARS)
    return max(1, round(dollars * PRICE_SCALE / OPTION_TICK_INT)) * OPTION_TICK_INT


def _named(options: Iterable[Option]) -> list[Named]:
    return [Named(option.symbol, option.instrument_id) for option in options]


def _write(
    folder: Path,
    dataset: str,
    dt: date,
    tables: dict[str, Records],
    schemas: Sequence[str],
    listed: Iterable[Named],
    parents: Iterable[str],
    version: int,
) -> list[Path]:
    paths = []
    listed, parents = list(listed), list(parents)
    for schema in schemas:
        with day_writer(
            folder, dataset, schema, dt, listed, parents=parents, version=version
        ) as writer:
            writer.write(tables[schema])
        paths.append(writer.path)
    return paths
