"""The checks that every table has: they hold for a good one and name what is broken in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import DataQualityError
from contracts.registry import dataset, datasets
from spymaster_assets.checks.check import Outcome, require_blocking, run_checks
from spymaster_assets.checks.tables import checks_of
from spymaster_resources.lake import StagedPartition
from spymaster_resources.lake.manifest import ContractRef, Manifest
from tests.spymaster_assets.checks.breaking import (
    Break,
    Table,
    everywhere,
    put,
    retyped,
    swapped,
    twice,
    without,
)

DT = date(2026, 1, 5)
ROWS = 4
GENERAL = ("contract", "sorted_unique_key")
PARTITIONED = [key for key, entry in datasets().items() if entry.is_partitioned]


def good(key: str) -> Table:
    """Return rows of the contract's types, apart in the first column of the key."""
    entry = dataset(key)
    arrays = []
    for field in entry.contract.fields:
        if pa.types.is_dictionary(field.type):
            name = field.symbols[0] if field.symbols else "ESH6"
            arrays.append(pa.array([name] * ROWS).dictionary_encode())
        elif pa.types.is_string(field.type):
            arrays.append(pa.array([""] * ROWS))
        elif field.name == entry.sort_columns[0]:
            arrays.append(pa.array(np.arange(ROWS)).cast(field.type))
        else:
            arrays.append(pa.array(np.zeros(ROWS, np.int32)).cast(field.type))
    return pa.table(arrays, schema=entry.schema)


def outcomes(
    folder: Path, key: str, table: Table, names: Collection[str] = GENERAL
) -> dict[str, Outcome]:
    """Return what the general checks say of `table`, or other ones."""
    contract = dataset(key).contract
    manifest = Manifest(
        dataset=key,
        symbol="ESH6",
        dt=DT,
        row_count=ROWS,
        sort_key_min=None,
        sort_key_max=None,
        contract=ContractRef(contract.name, contract.version, contract.sha256),
        code_version="1",
        parameters={},
        files=(),
        inputs=(),
        raw_inputs=(),
        counters={},
    )
    file = folder / "part.parquet"
    pq.write_table(table, file, store_schema=True)
    staged = StagedPartition(key, "ESH6", DT, (str(file),), manifest)
    wanted = [c for c in checks_of(key) if c.name in names]
    return {outcome.check.name: outcome for outcome in run_checks(wanted, staged)}


def breakages(key: str) -> list[tuple[Break, str]]:
    """Return one breakage of each kind and the check that must name it."""
    entry = dataset(key)
    fields = entry.contract.fields
    required = next(f for f in fields if not f.nullable)
    number = next(f for f in fields if pa.types.is_int64(f.type) or pa.types.is_float32(f.type))
    found: list[tuple[Break, str]] = [
        (without(fields[-1].name), "contract"),
        (retyped(number.name, pa.float64()), "contract"),
        (put(required.name, None, 1), "contract"),
        (lambda table: table.select(table.column_names[::-1]), "contract"),
        (twice(2), "contract"),
        (both_rows(2, 3), "sorted_unique_key"),
        (swapped(1), "sorted_unique_key"),
    ]
    if enumeration := next((f for f in fields if f.symbols), None):
        found.append((put(enumeration.name, "X", 2), "contract"))
    return found


def both_rows(kept: int, replaced: int) -> Break:
    """Return what puts a copy of one row in the place of another."""
    return lambda table: table.take([kept if n == replaced else n for n in range(ROWS)])


@pytest.mark.parametrize("key", PARTITIONED)
def test_every_kind_of_breakage_is_named_by_its_check(key: str, tmp_path: Path) -> None:
    before = outcomes(tmp_path, key, good(key))
    assert [outcome.sentence for outcome in before.values() if not outcome.passed] == []
    for breakage, name in breakages(key):
        outcome = outcomes(tmp_path, key, breakage(good(key)))[name]
        assert not outcome.passed
        assert outcome.finding.rows
        with pytest.raises(DataQualityError, match=name):
            require_blocking([outcome])


@pytest.mark.parametrize("key", PARTITIONED)
def test_nothing_is_asked_of_a_table_that_lacks_a_column(key: str, tmp_path: Path) -> None:
    names = [check.name for check in checks_of(key)]
    lacking = without(dataset(key).contract.column_names[0])(good(key))
    contract, *others = outcomes(tmp_path, key, lacking, names).values()
    assert contract.verdict == "failed"
    assert {other.verdict for other in others} == {"not compared"}
    assert all("contract" in other.sentence for other in others)


def test_a_unit_that_changed_shows_in_a_formula_not_in_the_contract(tmp_path: Path) -> None:
    key = "silver.future_mbo.book_snapshot_1s"
    dollars = everywhere("window_start_ts_ns", lambda values: values // 10**9)(good(key))
    assert outcomes(tmp_path, key, dollars)["contract"].passed
