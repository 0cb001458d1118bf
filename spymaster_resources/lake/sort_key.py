"""The sort key of a table: its order, and its first and last value."""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError
from contracts.registry import Dataset
from spymaster_resources.lake.manifest import Scalar

Key: TypeAlias = tuple[Any, ...]


class SortKeyGuard:
    """Hold a stream of row groups to the contract's sort order; equal keys may follow each other.

    Enumerations are ordered by the contract's order of symbols.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._contract = dataset.contract
        self._columns = dataset.sort_columns
        fields = {field.name: field for field in dataset.contract.fields}
        self._symbols = [fields[name].symbols for name in self._columns]
        self._first: Key | None = None
        self._last: Key | None = None
        self._rows = 0

    def check(self, group: pa.RecordBatch) -> None:
        """Raise ContractError at the first row that stands before its predecessor."""
        columns = [_comparable(group.column(name)) for name in self._columns]
        first, last = self._key(group, 0), self._key(group, group.num_rows - 1)
        if self._last is not None and self._rank(first) < self._rank(self._last):
            self._refuse(self._rows, first, self._last)
        if (row := _first_descent(columns)) is not None:
            self._refuse(self._rows + row, self._key(group, row), self._key(group, row - 1))
        if self._first is None:
            self._first = first
        self._last = last
        self._rows += group.num_rows

    @property
    def bounds(self) -> tuple[dict[str, Scalar] | None, dict[str, Scalar] | None]:
        """Return the first and last key by column, None for both when there was no row."""
        return self._named(self._first), self._named(self._last)

    def _key(self, group: pa.RecordBatch, row: int) -> Key:
        key = tuple(group.column(name)[row].as_py() for name in self._columns)
        if None in key:
            expected = f"sort key {self._columns} of row {self._rows + row}: expected no null"
            raise ContractError(self._contract.name, [f"{expected}, found {key}"])
        return key

    def _rank(self, key: Key) -> Key:
        return tuple(
            value if symbols is None else symbols.index(value)
            for value, symbols in zip(key, self._symbols, strict=True)
        )

    def _refuse(self, row: int, found: Key, before: Key) -> None:
        message = f"row {row}: expected a sort key {self._columns} from {before} on, found {found}"
        raise ContractError(self._contract.name, [message])

    def _named(self, key: Key | None) -> dict[str, Scalar] | None:
        if key is None:
            return None
        return dict(zip(self._columns, map(_scalar, key), strict=True))


def _first_descent(columns: list[pa.Array]) -> int | None:
    """Return the first row whose key is less than the key of the row before it."""
    less: Any = None
    equal: Any = None
    for column in columns:
        before, after = column[:-1], column[1:]
        column_less = pc.less(after, before)
        column_equal = pc.equal(after, before)
        less = column_less if less is None else pc.or_(less, pc.and_(equal, column_less))
        equal = column_equal if equal is None else pc.and_(equal, column_equal)
        if not pc.any(equal).as_py():
            break
    row: int = pc.index(less, True).as_py()
    return None if row < 0 else row + 1


def _comparable(column: pa.Array) -> pa.Array:
    """Return the codes of a dictionary column: row groups keep them in the order of the values."""
    return column.indices if pa.types.is_dictionary(column.type) else column


def _scalar(value: Any) -> Scalar:
    if isinstance(value, datetime.date):
        return value.isoformat()
    scalar: Scalar = value
    return scalar
