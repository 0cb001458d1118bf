"""Checks that hold for every table: its contract, and its key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from contracts.registry import Dataset
from contracts.schema import Field, schema_problems
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
    is_unreadable = bool(problems)
    if rows != subject.manifest.row_count:
        problems.append(f"row count: manifest says {subject.manifest.row_count}, found {rows}")
    if not problems:
        problems += _value_breaches(entry, subject)
    rows_shown = [{"problem": problem} for problem in problems[:MAX_OFFENDERS]]
    return Finding(
        len(problems),
        "; ".join(problems[:3]),
        rows_shown,
        {"rows": rows},
        is_unreadable=is_unreadable,
    )


def _value_breaches(entry: Dataset, subject: Subject) -> Iterator[str]:
    breaches = {
        **{f"column {name}: null": count for name, count in _nulls(entry, subject).items()},
        **{
            f"column {f.name}: not one of {list(f.symbols)}": _strangers(subject, f)
            for f in entry.contract.fields
            if f.symbols
        },
    }
    for problem, count in breaches.items():
        if count:
            yield f"{problem} in {count} rows"


def _nulls(entry: Dataset, subject: Subject) -> dict[str, int]:
    """Return the nulls in columns that may hold none.

    A required column of a Parquet file has no place for a null: only optional ones are counted.
    """
    import pyarrow.parquet as pq

    optional = set()
    for file in subject.partition.files:
        with pq.ParquetFile(file) as parquet:
            columns = [parquet.schema.column(n) for n in range(len(parquet.schema))]
            optional |= {c.name for c in columns if c.max_definition_level > 0}
    counted = [f.name for f in entry.contract.fields if not f.nullable and f.name in optional]
    if not counted:
        return {}
    counts = ", ".join(f'count(*) FILTER ("{name}" IS NULL) AS "{name}"' for name in counted)
    return subject.one(f"SELECT {counts} FROM {{table}}")


def _strangers(subject: Subject, field: Field) -> int:
    """Return in how many rows an enumeration holds what is no symbol of it.

    A row group's dictionary holds its values: rows are looked at only where it has others.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    strangers, symbols = 0, field.symbols or ()
    for batch in subject.batches(subject.partition, [field.name]):
        column = batch.column(0)
        known = [value in symbols for value in column.dictionary.to_pylist()]
        if not all(known):
            strange = [n for n, is_known in enumerate(known) if not is_known]
            strangers += pc.sum(pc.is_in(column.indices, pa.array(strange, pa.int32()))).as_py()
    return strangers
