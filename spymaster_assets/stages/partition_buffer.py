"""Rows of one partition, gathered until they fill a row group of bronze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.registry import Dataset
from spymaster_assets.stages.arrow_columns import dictionary, enlarged, nullable, taken
from spymaster_assets.stages.listing import Listed
from spymaster_assets.stages.option_columns import OptionColumns
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.route import code_table
from spymaster_resources.dbn.split import MboBatch, gather_mbo

_MBO_RTYPE: Final = 160
_NO_TIME: Final = -1  # the vendor's undefined time, 2**64 - 1, as a signed integer
_GROWTH: Final = 4
_FIRST_ROWS: Final = 1 << 14  # the quiet expiries of a root never need more


class _Rows(NamedTuple):
    """What is kept of the gathered records."""

    feed_seq: NDArray[np.int64]
    ordinals: NDArray[np.int32]
    columns: MboBatch

    @classmethod
    def empty(cls, rows: int) -> _Rows:
        return cls(np.empty(rows, np.int64), np.zeros(rows, np.int32), MboBatch.empty(rows))

    def enlarged(self, rows: int) -> _Rows:
        columns = MboBatch._make(enlarged(column, rows) for column in self.columns)
        return _Rows(enlarged(self.feed_seq, rows), enlarged(self.ordinals, rows), columns)


class PartitionBuffer:
    """Columns of one partition in reused memory: 66 bytes a row, two row groups at most.

    `add` and `take` are used in turn: `take` returns the gathered rows as a record batch of the
    contract that views this memory, valid until rows are added after the next
    `take`.
    """

    def __init__(self, instruments: Sequence[Listed], dataset: Dataset) -> None:
        """instruments: those of the partition, by the ordinal that their records have."""
        self.rows = 0
        self.group_rows: Final = dataset.parquet.row_group_rows
        self._schema = dataset.schema
        enumerations = {field.name: field.symbols or () for field in dataset.contract.fields}
        self._letters = {name: enumerations[name] for name in ("action", "side")}
        self._codes = {
            name: code_table("".join(text)).astype(np.int32) for name, text in self._letters.items()
        }
        options = [row.option for row in instruments if row.option is not None]
        self._symbols = pa.array([row.symbol for row in instruments], pa.utf8())
        self._options = OptionColumns(options) if options else None
        self._gathered = _Rows.empty(min(_FIRST_ROWS, self.group_rows))
        self._other = _Rows.empty(0)

    def add(
        self,
        records: NDArray[np.void],
        rows: NDArray[np.int32],
        ordinal_of: NDArray[np.int32],
        first_seq: int,
    ) -> int:
        """Append as many of the records at `rows` as the row group has room for; return how many.

        records: packed_mbo; ordinal_of: the ordinal of each record; first_seq: place in the file
        of `records[0]`.
        """
        count = min(len(rows), self.group_rows - self.rows)
        start, stop = self.rows, self.rows + count
        room = len(self._gathered.feed_seq)
        if stop > room:
            room = min(max(stop, _GROWTH * room), self.group_rows)
            self._gathered = self._gathered.enlarged(room)
        feed_seq, ordinals, columns = self._gathered
        gather_mbo(records, rows[:count], columns.part(start, stop))
        np.add(rows[:count], first_seq, out=feed_seq[start:stop])
        if len(self._symbols) > 1:
            np.take(ordinal_of, rows[:count], out=ordinals[start:stop])
        self.rows = stop
        return count

    def take(self) -> pa.RecordBatch:
        """Return the gathered rows and start anew."""
        columns = self._gathered.columns.part(0, self.rows)
        ordinals = self._gathered.ordinals[: self.rows]
        arrays = {
            "feed_seq": pa.array(self._gathered.feed_seq[: self.rows]),
            "ts_recv": nullable(columns.ts_recv_ns, _NO_TIME),
            "ts_event": nullable(columns.ts_event_ns, _NO_TIME),
            "channel_id": pa.array(columns.channel_id),
            "rtype": pa.array(np.full(self.rows, _MBO_RTYPE, np.uint8)),
            "publisher_id": pa.array(columns.publisher_id),
            "instrument_id": pa.array(columns.instrument_id),
            "order_id": pa.array(columns.order_id),
            "flags": pa.array(columns.flags),
            "ts_in_delta": pa.array(columns.ts_in_delta_ns),
            "action": self._coded("action", columns.action),
            "sequence": pa.array(columns.sequence),
            "side": self._coded("side", columns.side),
            "symbol": dictionary(ordinals, self._symbols),
            "price": nullable(columns.price_int, UNDEFINED_PRICE),
            "size": pa.array(columns.size),
        }
        if self._options is not None:
            arrays |= self._options.columns(ordinals)
        self.rows = 0
        self._gathered, self._other = self._other, self._gathered
        return pa.RecordBatch.from_arrays(
            [arrays[name] for name in self._schema.names], schema=self._schema
        )

    def _coded(self, name: str, letters: NDArray[np.uint8]) -> pa.DictionaryArray:
        codes = taken(self._codes[name], letters)
        return dictionary(codes, pa.array(self._letters[name], pa.utf8()))
