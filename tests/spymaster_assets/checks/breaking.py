"""Good tables, and one thing in them broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spymaster_assets.checks.check import Outcome, run_checks
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.context import StageContext
from spymaster_resources.lake import Manifest, StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS, SessionWindow

Table: TypeAlias = pa.Table
Row: TypeAlias = Mapping[str, Any]
Break: TypeAlias = Callable[[Table], Table]


@dataclass(frozen=True)
class Mutation:
    """A breakage and the check that must name it."""

    dataset: str
    check: str
    breakage: Break = lambda table: table
    manifest: Callable[[Manifest], Manifest] = lambda manifest: manifest
    session: str = ""
    """Another session than the day was built for, for checks that ask the calendar."""

    def __str__(self) -> str:
        return f"{self.dataset}-{self.check}"


def put(column: str, value: Any, where: Callable[[Row], bool] | int = 0) -> Break:
    """Return what puts `value`, or what it makes of the row, into the first row chosen."""

    def broken(table: Table) -> Table:
        i = table.schema.get_field_index(column)
        field = table.schema.field(i)
        row = where if isinstance(where, int) else first(table, where)
        values = table[column].to_pylist()
        values[row] = value(_row(table, row)) if callable(value) else value
        array = (
            pa.array(values, pa.utf8()).dictionary_encode()
            if pa.types.is_dictionary(field.type)
            else pa.array(values, field.type)
        )
        return table.set_column(i, pa.field(column, field.type), array)

    return broken


def everywhere(column: str, change: Callable[[Any], Any]) -> Break:
    """Return what changes every value of a column, as NumPy array or list."""

    def broken(table: Table) -> Table:
        i = table.schema.get_field_index(column)
        values = change(np.array(table[column].to_pylist()))
        return table.set_column(
            i, table.schema.field(i), pa.array(values, table.schema.field(i).type)
        )

    return broken


def without(column: str) -> Break:
    return lambda table: table.drop_columns([column])


def retyped(column: str, to: pa.DataType) -> Break:
    return lambda table: table.set_column(
        table.schema.get_field_index(column), pa.field(column, to), table[column].cast(to)
    )


def dropped(where: Callable[[Row], bool] | int = 0) -> Break:
    """Return what leaves the first row chosen out."""

    def broken(table: Table) -> Table:
        row = where if isinstance(where, int) else first(table, where)
        return pa.concat_tables([table.slice(0, row), table.slice(row + 1)])

    return broken


def twice(row: int = 0) -> Break:
    """Return what repeats a row."""
    return lambda table: pa.concat_tables([table.slice(0, row + 1), table.slice(row)])


def swapped(row: int = 0) -> Break:
    """Return what swaps a row with the next."""
    return lambda table: table.take([*range(row), row + 1, row, *range(row + 2, len(table))])


def silent(seconds: int) -> Break:
    """Return what moves the events of the first half of a stream back in time."""

    def broken(table: Table) -> Table:
        place = table.schema.get_field_index("ts_event")
        times = table["ts_event"].to_pylist()
        moved = [ts - seconds * SECOND_NS * (n < len(times) // 2) for n, ts in enumerate(times)]
        return table.set_column(place, table.schema.field(place), pa.array(moved))

    return broken


def both(*breaks: Break) -> Break:
    def broken(table: Table) -> Table:
        for part in breaks:
            table = part(table)
        return table

    return broken


def counted(**counters: int) -> Callable[[Manifest], Manifest]:
    """Return what changes counters of a manifest."""
    return lambda manifest: replace(manifest, counters={**manifest.counters, **counters})


def first(table: Table, where: Callable[[Row], bool]) -> int:
    """Return the number of the first row that `where` accepts."""
    for start in range(0, len(table), 1000):
        for n, row in enumerate(table.slice(start, 1000).to_pylist()):
            if where(row):
                return start + n
    raise AssertionError("no row of the good table can be broken that way")


def _row(table: Table, row: int) -> Row:
    found: Row = table.slice(row, 1).to_pylist()[0]
    return found


def outcome_of(
    ctx: StageContext, mutation: Mutation, folder: Path, symbol: str | None, dt: date | None
) -> Outcome:
    """Return what the mutation's check says of the broken table."""
    manifest = ctx.lake.manifest(mutation.dataset, symbol, dt)
    assert manifest is not None
    table = mutation.breakage(ctx.lake.read(mutation.dataset, symbol, dt))
    file = folder / "part.parquet"
    pq.write_table(table, file, store_schema=True)
    broken = StagedPartition(
        mutation.dataset, symbol, dt, (str(file),), mutation.manifest(manifest)
    )
    check = next(c for c in checks_of(mutation.dataset) if c.name == mutation.check)
    if mutation.session:
        ctx = replace(ctx, session=SessionWindow.parse(mutation.session))
    (outcome,) = run_checks([check], broken, ctx=ctx)
    return outcome
