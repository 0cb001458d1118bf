"""One check of a table: what it expects, and running it over Parquet files with DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from contracts.errors import DataQualityError
from spymaster_assets.checks.rows import Places, RowRule, filled
from spymaster_assets.checks.subject import Kept, Subject
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.lake import StagedPartition

if TYPE_CHECKING:
    from spymaster_assets.stages.context import StageContext

MAX_OFFENDERS: Final = 20
"""Offending rows kept for the metadata of a failed check."""

# The largest tables need no more; the rest of what a day may take is the decoder's and pyarrow's.
_MEMORY_LIMIT: Final = "512MB"

Numbers = Mapping[str, int | float]


@dataclass(frozen=True)
class Finding:
    """What a check found: how many rows offend, up to MAX_OFFENDERS of them, numbers to plot."""

    offending: int = 0
    detail: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    numbers: Numbers = field(default_factory=dict)
    not_run: str = ""
    """Why there was nothing to compare with, empty where the check ran."""
    is_unreadable: bool = False
    """Whether what is wrong leaves nothing that other checks could ask."""


Find = Callable[[Subject], Finding]


@dataclass(frozen=True)
class Check:
    """A rule that every partition of a dataset must keep."""

    name: str
    dataset: str
    expectation: str
    """The rule in plain words, shown before the first run."""
    find: Find
    blocking: bool = True
    rule: RowRule | None = None
    """What is counted in one pass with other rules of the table."""


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
    def verdict(self) -> str:
        """Return passed, not compared, warning or failed."""
        if self.finding.not_run:
            return "not compared"
        if self.passed:
            return "passed"
        return "failed" if self.check.blocking else "warning"

    @property
    def sentence(self) -> str:
        """Return what was expected and what was found, in one sentence."""
        if self.finding.not_run:
            return f"{self.check.expectation}: not compared, {self.finding.not_run}"
        detail = f" ({self.finding.detail})" if self.finding.detail else ""
        if self.passed:
            return f"{self.check.expectation}: holds{detail}"
        return (
            f"expected: {self.check.expectation}; found {self.finding.offending} breaches{detail}"
        )


def sql_check(
    name: str,
    dataset: str,
    expectation: str,
    offending_sql: str,
    *,
    numbers_sql: str = "",
    others: Mapping[str, str] | None = None,
    values: Places | None = None,
    blocking: bool = True,
) -> Check:
    """Return a check whose SQL selects the offending rows.

    `{table}` stands for the partition, `{name}` for the partition of each dataset of `others` and
    for each of the `values` that the subject gives. `numbers_sql` selects one row of numbers that
    plot from date to date.
    """

    def find(subject: Subject) -> Finding:
        places: dict[str, object] = {k: subject.other(key) for k, key in (others or {}).items()}
        places |= values(subject) if values else {}
        rows = offenders(subject, filled(offending_sql, places))
        numbers = subject.one(filled(numbers_sql, places)) if numbers_sql else {}
        return Finding(
            rows.count, rows=rows.first, numbers={k: v for k, v in numbers.items() if v is not None}
        )

    return Check(name, dataset, expectation, find, blocking)


def row_check(
    name: str,
    dataset: str,
    expectation: str,
    condition: str,
    *,
    columns: str = "*",
    numbers: Mapping[str, str] | None = None,
    values: Places | None = None,
    blocking: bool = True,
) -> Check:
    """Return a check whose SQL condition holds in the offending rows.

    columns: what is shown of them. numbers: aggregates over all rows that plot from date to date.
    `{name}` stands for each of the `values` that the subject gives.
    """
    rule = RowRule(condition, numbers or {}, values)

    def find(subject: Subject) -> Finding:
        counted = subject.counted(rule)
        rows = first_rows(subject, rule, columns) if counted.broken else ()
        return Finding(counted.broken, rows=rows, numbers=counted.numbers)

    return Check(name, dataset, expectation, find, blocking, rule)


def first_rows(subject: Subject, rule: RowRule, columns: str = "*") -> list[dict[str, Any]]:
    """Return the first rows in which a rule is broken."""
    condition = rule.filled(subject, rule.condition)
    return subject.query(f"SELECT {columns} FROM {{table}} WHERE {condition} LIMIT {MAX_OFFENDERS}")


@dataclass(frozen=True)
class Offenders:
    """The rows that a query selects: how many, and the first of them."""

    count: int
    first: Sequence[Mapping[str, Any]]


def offenders(subject: Subject, sql: str) -> Offenders:
    """Return the rows that `sql` selects, in one pass."""
    found = subject.query(
        f"WITH offending AS MATERIALIZED ({sql}) "
        f"SELECT *, (SELECT count(*) FROM offending) AS all_of_them FROM offending "
        f"LIMIT {MAX_OFFENDERS}"
    )
    count = found[0]["all_of_them"] if found else 0
    return Offenders(count, [{k: v for k, v in r.items() if k != "all_of_them"} for r in found])


def run_checks(
    checks: Sequence[Check],
    partition: StagedPartition,
    *,
    ctx: StageContext | None = None,
    siblings: Sequence[StagedPartition] = (),
    kept: Kept | None = None,
) -> list[Outcome]:
    """Run every check of the partition's dataset and return the outcomes in order.

    `siblings` are the partitions staged with it; what it was made of is read from the lake of
    `ctx`. A check that finds nothing there to compare with says so in its finding. What the checks
    worked out of other partitions is put into `kept`, for the next table that is made of them.
    """
    import duckdb  # only where checks run: the graph loads without it

    wanted = [check for check in checks if check.dataset == partition.dataset]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET enable_progress_bar = false")  # it would break into the log
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute(f"SET temp_directory = '{folder}'")
        subject = Subject(
            connection,
            partition,
            ctx=ctx,
            siblings=siblings,
            scratch=Path(folder),
            kept=kept,
            rules=[check.rule for check in wanted if check.rule is not None],
        )
        outcomes: list[Outcome] = []
        for check in wanted:
            broken = next((o.check.name for o in outcomes if o.finding.is_unreadable), None)
            finding = (
                _found(check, subject)
                if broken is None
                else Finding(not_run=f"the table breaks the check {broken}")
            )
            outcomes.append(Outcome(check, finding))
        return outcomes


def _found(check: Check, subject: Subject) -> Finding:
    try:
        return check.find(subject)
    except UnavailableError as error:
        return Finding(not_run=str(error))


def require_blocking(outcomes: Sequence[Outcome]) -> None:
    """Raise DataQualityError that names every blocking check that is red."""
    red = [o for o in outcomes if o.check.blocking and not o.passed]
    if red:
        names = [f"{o.check.name}: {o.sentence}" for o in red]
        raise DataQualityError(red[0].check.dataset, names)
