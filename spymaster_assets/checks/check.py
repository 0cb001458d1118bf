"""One check of a table: what it expects, and running it over Parquet files with DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from contracts.errors import DataQualityError
from spymaster_resources.lake import StagedPartition

if TYPE_CHECKING:
    import duckdb

MAX_OFFENDERS: Final = 20
"""Offending rows kept for the metadata of a failed check."""

Numbers = Mapping[str, int | float]


@dataclass(frozen=True)
class Finding:
    """What a check found: how many rows offend, up to MAX_OFFENDERS of them, numbers to plot."""

    offending: int
    detail: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A rule that every partition of a dataset must keep."""

    name: str
    dataset: str
    expectation: str
    """The rule in plain words, shown before the first run."""
    find: Callable[[duckdb.DuckDBPyConnection, StagedPartition], Finding]
    blocking: bool = True


@dataclass(frozen=True)
class Outcome:
    """A check that ran on one partition."""

    check: Check
    finding: Finding

    @property
    def passed(self) -> bool:
        """Return whether no row offends."""
        return self.finding.offending == 0

    @property
    def sentence(self) -> str:
        """Return what was expected and what was found, in one sentence."""
        if self.passed:
            return f"{self.check.expectation}: holds"
        detail = f" ({self.finding.detail})" if self.finding.detail else ""
        return (
            f"expected: {self.check.expectation}; found {self.finding.offending} breaches{detail}"
        )


def sql_check(
    name: str, dataset: str, expectation: str, offending_sql: str, *, blocking: bool = True
) -> Check:
    """Return a check whose SQL selects the offending rows; `{table}` stands for the partition."""

    def find(connection: duckdb.DuckDBPyConnection, staged: StagedPartition) -> Finding:
        query = offending_sql.format(table=relation(staged))
        offending = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0]  # noqa: S608
        rows = query_rows(connection, f"{query} LIMIT {MAX_OFFENDERS}") if offending else []
        return Finding(offending=offending, rows=rows)

    return Check(name, dataset, expectation, find, blocking)


def relation(staged: StagedPartition) -> str:
    """Return the SQL expression that scans the files of a staged partition in row order."""
    files = ", ".join("'" + file.replace("'", "''") + "'" for file in staged.files)
    return f"read_parquet([{files}], file_row_number = true, hive_partitioning = false)"


def query_rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run_checks(checks: Sequence[Check], staged: StagedPartition) -> list[Outcome]:
    """Run every check of the partition's dataset and return the outcomes in order."""
    import duckdb  # only where checks run: the graph loads without it

    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET preserve_insertion_order = true")
        return [
            Outcome(check, check.find(connection, staged))
            for check in checks
            if check.dataset == staged.dataset
        ]


def require_blocking(outcomes: Sequence[Outcome]) -> None:
    """Raise DataQualityError that names every blocking check that is red."""
    red = [o for o in outcomes if o.check.blocking and not o.passed]
    if red:
        names = [f"{o.check.name}: {o.sentence}" for o in red]
        raise DataQualityError(red[0].check.dataset, names)
