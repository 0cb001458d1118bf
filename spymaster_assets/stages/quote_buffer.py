"""Rows of the options on one ticker, gathered until they fill a row group of bronze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.registry import Dataset
from spymaster_assets.stages.arrow_columns import dictionary, enlarged, nullable, taken
from spymaster_assets.stages.option_columns import OptionColumns, OptionTerms
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.quote_split import QuoteBatch
from spymaster_resources.dbn.route import code_table
from spymaster_resources.option_symbols import OsiSymbol

_NO_TIME: Final = -1  # the vendor's undefined time, 2**64 - 1, as a signed integer
_GROWTH: Final = 4
_FIRST_ROWS: Final = 1 << 16


class NamedOption(NamedTuple):
    """An option by the symbol that the file maps to it."""

    symbol: str
    terms: OsiSymbol


class QuoteBuffer:
    """Columns in reused memory: 83 bytes a row, two row groups at most.

    The rows from `rows` on of `room()` are for the caller to fill and to tell by `filled`. `take`
    returns the gathered rows as a record batch of the contract that views this memory, valid until
    rows are filled after the next `take`.
    """

    def __init__(self, options: Sequence[NamedOption], dataset: Dataset) -> None:
        """options: what `QuoteBatch.option` counts."""
        self.rows = 0
        self.group_rows: Final = dataset.parquet.row_group_rows
        self._schema = dataset.schema
        enumerations = {field.name: field.symbols or () for field in dataset.contract.fields}
        self._letters = {name: enumerations[name] for name in ("action", "side")}
        self._codes = {
            name: code_table("".join(text)).astype(np.int32) for name, text in self._letters.items()
        }
        self._symbols = pa.array([option.symbol for option in options], pa.utf8())
        self._options = OptionColumns([OptionTerms(*option.terms) for option in options])
        self._columns = QuoteBatch.empty(min(_FIRST_ROWS, self.group_rows))
        self._other = QuoteBatch.empty(0)

    @property
    def is_full(self) -> bool:
        """Return whether a row group is gathered."""
        return self.rows == self.group_rows

    def room(self, rows: int) -> QuoteBatch:
        """Return the columns behind the gathered rows: of `rows` rows, or what the group takes."""
        stop = min(self.rows + rows, self.group_rows)
        have = len(self._columns.feed_seq)
        if stop > have:
            have = min(max(stop, _GROWTH * have), self.group_rows)
            self._columns = QuoteBatch._make(enlarged(column, have) for column in self._columns)
        return self._columns.part(self.rows, stop)

    def filled(self, rows: int) -> None:
        """Count `rows` rows of the latest room as gathered."""
        self.rows += rows

    def take(self) -> pa.RecordBatch:
        """Return the gathered rows and start anew."""
        columns = self._columns.part(0, self.rows)
        arrays = {
            "feed_seq": pa.array(columns.feed_seq),
            "ts_recv": nullable(columns.ts_recv_ns, _NO_TIME),
            "ts_event": nullable(columns.ts_event_ns, _NO_TIME),
            "publisher_id": pa.array(columns.publisher_id),
            "instrument_id": pa.array(columns.instrument_id),
            "action": self._coded("action", columns.action),
            "side": self._coded("side", columns.side),
            "price": nullable(columns.price_int, UNDEFINED_PRICE),
            "size": pa.array(columns.size),
            "flags": pa.array(columns.flags),
            "bid_px_00": nullable(columns.bid_price_int, UNDEFINED_PRICE),
            "ask_px_00": nullable(columns.ask_price_int, UNDEFINED_PRICE),
            "bid_sz_00": pa.array(columns.bid_qty),
            "ask_sz_00": pa.array(columns.ask_qty),
            "bid_pb_00": pa.array(columns.bid_publisher_id),
            "ask_pb_00": pa.array(columns.ask_publisher_id),
            "symbol": dictionary(columns.option, self._symbols),
            **self._options.columns(columns.option),
        }
        self.rows = 0
        self._columns, self._other = self._other, self._columns
        return pa.RecordBatch.from_arrays(
            [arrays[name] for name in self._schema.names], schema=self._schema
        )

    def _coded(self, name: str, letters: NDArray[np.uint8]) -> pa.DictionaryArray:
        codes = taken(self._codes[name], letters)
        return dictionary(codes, pa.array(self._letters[name], pa.utf8()))
