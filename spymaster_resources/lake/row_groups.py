"""Row groups of exactly the contract's size, whatever the sizes of the tables written."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from contracts.schema import Contract


class RowGroupAssembler:
    """Cut a stream of batches into row groups of `rows` rows, each one contiguous batch.

    The groups, and so the bytes of the file, depend on the rows alone, not on how they were
    handed in. Whatever outlives a call is copied, so callers may reuse their buffers; a group
    that lies in one incoming batch is passed on without a copy, unless `own` says that groups
    outlive the call too and their memory does not.
    """

    def __init__(self, contract: Contract, rows: int) -> None:
        self._contract = contract
        self._schema = contract.schema
        self._rows = rows
        self._kept: list[pa.RecordBatch] = []
        self._kept_rows = 0

    def add(self, data: pa.Table | pa.RecordBatch, *, own: bool) -> Iterator[pa.RecordBatch]:
        """Yield every row group that `data` completes; run it to its end."""
        for batch in data.to_batches() if isinstance(data, pa.Table) else [data]:
            start = 0
            while batch.num_rows - start >= self._rows - self._kept_rows:
                count = self._rows - self._kept_rows
                part = batch.slice(start, count)
                if own and not self._kept:
                    part = _copy(part)
                yield self._group([*self._kept, part])
                self._kept, self._kept_rows = [], 0
                start += count
            if start < batch.num_rows:
                rest = self._normal(batch.slice(start))
                self._kept.append(_copy(rest))
                self._kept_rows += rest.num_rows

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield the last, shorter row group if there is one."""
        if self._kept:
            yield self._group(self._kept)
            self._kept, self._kept_rows = [], 0

    def _group(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        normal = [self._normal(batch) for batch in batches]
        group = normal[0] if len(normal) == 1 else pa.concat_batches(normal)
        return _with_sorted_values(group, self._contract)

    def _normal(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch under the contract's own schema: nullability, no caller's metadata."""
        batch = pa.RecordBatch.from_arrays(batch.columns, schema=self._schema)
        return _with_symbol_codes(batch, self._contract)


def _with_symbol_codes(batch: pa.RecordBatch, contract: Contract) -> pa.RecordBatch:
    """Return the batch with each enumeration coded by the contract's order of symbols.

    A code then means the same in every row group, file and process.
    """
    for index, field in enumerate(contract.fields):
        if field.symbols is not None:
            batch = _recode(batch, index, list(field.symbols))
    return batch


def _with_sorted_values(group: pa.RecordBatch, contract: Contract) -> pa.RecordBatch:
    """Return the row group with every other dictionary made of its own values, sorted."""
    for index, field in enumerate(contract.fields):
        if field.symbols is None and pa.types.is_dictionary(field.type):
            column = group.column(index)
            used = pc.unique(column.indices).drop_null()
            group = _recode(group, index, sorted(set(column.dictionary.take(used).to_pylist())))
    return group


def _recode(batch: pa.RecordBatch, index: int, values: list[str]) -> pa.RecordBatch:
    column = batch.column(index)
    found = column.dictionary.to_pylist()
    if found == values:
        return batch
    code_of = {value: code for code, value in enumerate(values)}
    codes = pa.array([code_of.get(value) for value in found], pa.int32())
    recoded = pa.DictionaryArray.from_arrays(
        codes.take(column.indices), pa.array(values, column.type.value_type)
    )
    return batch.set_column(index, batch.schema.field(index), recoded)


def _copy(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows in memory of their own (concatenation of two arrays always allocates)."""
    columns = [pa.concat_arrays([column, column.slice(0, 0)]) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
