"""Rules that every row keeps for itself: those of a table are counted in one pass over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spymaster_assets.checks.unavailable import UnavailableError

if TYPE_CHECKING:
    from spymaster_assets.checks.subject import Subject

Places = Callable[["Subject"], Mapping[str, object]]
_ROWS: Final = "rows"


@dataclass(frozen=True, eq=False)
class RowRule:
    """What is wrong with a row, in SQL."""

    condition: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Aggregates that plot from date to date, by name."""
    values: Places | None = None
    """What stands for `{name}` in the SQL."""

    def filled(self, subject: Subject, sql: str) -> str:
        """Return SQL of the rule with every `{name}` replaced by what stands for it."""
        return filled(sql, self.values(subject) if self.values else {})


@dataclass(frozen=True)
class Counted:
    """In how many of the rows a rule is broken, and its numbers."""

    rows: int
    broken: int
    numbers: Mapping[str, int | float]


def filled(sql: str, places: Mapping[str, object]) -> str:
    """Return `sql` with every `{name}` replaced by what stands for it."""
    for name, value in places.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    return sql


def count_rules(subject: Subject, rules: Sequence[RowRule]) -> dict[RowRule, Counted]:
    """Return what each rule finds in the rows of the partition, in one pass.

    A rule whose values cannot be had is left out.
    """
    known: list[RowRule] = []
    columns = [f"count(*) AS {_ROWS}"]
    for rule in rules:
        try:
            condition = rule.filled(subject, rule.condition)
        except UnavailableError:
            continue
        columns.append(f"count(*) FILTER ({condition}) AS rule_{len(known)}")
        columns += [
            f"{rule.filled(subject, sql)} AS number_{len(known)}_{name}"
            for name, sql in rule.numbers.items()
        ]
        known.append(rule)
    row = subject.one(f"SELECT {', '.join(columns)} FROM {{table}}")
    return {
        rule: Counted(row[_ROWS], row[f"rule_{n}"], _numbers(rule, n, row))
        for n, rule in enumerate(known)
    }


def _numbers(rule: RowRule, n: int, row: Mapping[str, Any]) -> dict[str, int | float]:
    found = {name: row[f"number_{n}_{name}"] for name in rule.numbers}
    return {name: value for name, value in found.items() if value is not None}
