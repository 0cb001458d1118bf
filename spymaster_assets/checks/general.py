"""Checks that hold for every table: its contract, and its key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from contracts.registry import Dataset
from contracts.schema import schema_problems
from spymaster_assets.checks.check import MAX_OFFENDERS, Check, Finding, sql_check
from spymaster_assets.checks.subject import Subject


def general_checks(entry: Dataset) -> Iterator[Check]:
    """Yield the checks of a table's contract and key."""
    yield contract_check(entry)
    columns = [f'"{name}"' for name in entry.sort_columns]
    key, before = ", ".join(columns), [f"before_{n}" for n in range(len(columns))]
    lags = ", ".join(f"lag({c}) OVER () AS {b}" for c, b in zip(columns, before, strict=True))
    yield sql_check(
        "sorted_unique_key",
        entry.key,
        f"rows are sorted by ({', '.join(entry.sort_columns)}) and no key comes twice",
        f"SELECT * FROM (SELECT file_row_number, {key}, {lags} FROM {{table}}) "
        f"WHERE before_0 IS NOT NULL AND ({key}) <= ({', '.join(before)})",
    )


def contract_check(entry: Dataset) -> Check:
    """Return the check of a table's contract."""
    return Check(
        name="contract",
        dataset=entry.key,
        expectation="names, order, types, nulls and enumerations are the contract's, "
        "and the row count is the manifest's",
        find=partial(_contract_breaches, entry),
    )


def _contract_breaches(entry: Dataset, subject: Subject) -> Finding:
    import pyarrow.parquet as pq

    problems: list[str] = []
    rows = 0
    for file in subject.partition.files:
        with pq.ParquetFile(file) as parquet:
            rows += parquet.metadata.num_rows
            problems += schema_problems(parquet.schema_arrow, entry.contract)
    if rows != subject.manifest.row_count:
        problems.append(f"row count: manifest says {subject.manifest.row_count}, found {rows}")
    if not problems:
        problems += _value_breaches(entry, subject)
    rows_shown = [{"problem": problem} for problem in problems[:MAX_OFFENDERS]]
    return Finding(len(problems), "; ".join(problems[:3]), rows_shown, {"rows": rows})


def _value_breaches(entry: Dataset, subject: Subject) -> Iterator[str]:
    rules = {
        f"column {f.name}: null": f'"{f.name}" IS NULL'
        for f in entry.contract.fields
        if not f.nullable
    } | {
        f"column {f.name}: not one of {list(f.symbols)}": f'"{f.name}" NOT IN ('
        + ", ".join(f"'{s}'" for s in f.symbols)
        + ")"
        for f in entry.contract.fields
        if f.symbols
    }
    counts = ", ".join(f'count(*) FILTER ({rule}) AS "{name}"' for name, rule in rules.items())
    for problem, count in subject.one(f"SELECT {counts} FROM {{table}}").items():
        if count:
            yield f"{problem} in {count} rows"
