"""Reference data of options: the vendor's definitions and statistics, typed and filed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import UnknownSymbolError
from spymaster_assets.stages import versions
from spymaster_assets.stages.bad_records import bad_record, require_day
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import RawDay, list_raw, raw_day, raw_inputs
from spymaster_assets.stages.raw_records import DEFINITION, naming_parameters, open_day
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.reference_tables import reference_batch
from spymaster_resources.dbn import route
from spymaster_resources.dbn.layouts import UNDEFINED_TIMESTAMP
from spymaster_resources.instruments import FUTURE_OPTION, Instrument
from spymaster_resources.lake import (
    InputRef,
    Manifest,
    PartitionWriter,
    RawInput,
    StagedPartition,
)
from spymaster_resources.option_symbols import parse_osi
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

CODE_VERSION: Final = versions.REFERENCE
STAGE: Final = "reference"
STATISTICS: Final = "statistics"

_CHUNK_RECORDS: Final = 1 << 13  # 4 MB of definitions
_RIGHTS: Final = np.frombuffer(b"CP", np.uint8)

_log = logging.getLogger(__name__)


def dataset_of(row: Instrument, table: str) -> str:
    """Return the dataset of a product's definitions or statistics."""
    return f"bronze.{row.product_type}.{table}"


def recipe(ctx: StageContext, dt: date, table: str) -> Recipe:
    """Return what a table of `dt` is made of; raises PartitionMissingError without a raw file."""
    row, day = ctx.instrument, _raw_day(ctx, dt, table)
    defined = _definition_inputs(ctx, dt) if table == STATISTICS else []
    inputs: list[InputRef | RawInput] = [*defined, *raw_inputs(ctx.lake, day)]
    naming = naming_parameters(ctx.lake, day, row)
    return Recipe((dataset_of(row, table),), CODE_VERSION, naming, inputs)


def current_reference(ctx: StageContext, dt: date) -> list[Manifest] | None:
    """Return the day's published tables if building them again would change nothing, else None."""
    found = []
    for table in _tables(ctx, dt):
        made_of = recipe(ctx, dt, table)
        published = published_symbols(ctx, dt, table)
        if not published and not lists_nothing(ctx, dt, table):
            return None
        for symbol in published:
            manifests = made_of.current(ctx.lake, symbol, dt)
            if manifests is None or manifests[0].counters.get("partitions") != len(published):
                return None
            found += manifests
    return found


def build_reference(ctx: StageContext, dt: date) -> list[Manifest]:
    """Publish the definitions and the statistics of the options of `dt`, definitions first.

    A row lies under the future or ticker on which its option is written; futures, spreads and
    options on something else are left out and counted. A day without a file of statistics has
    none of them, and equity options can do without definitions: their symbols say it all.

    Raises PartitionMissingError without the definitions of options on futures, the reader's errors,
    WrongDayError for a file of another day.
    """
    published = []
    for table in _tables(ctx, dt):
        with ExitStack() as writers:
            filing = _Filing(ctx, dt, table, writers)
            filing.run()
            staged = filing.seal()
            ctx.audit(staged)
            published += [writer.publish() for _, writer in sorted(filing.writers.items())]
    return published


def published_symbols(ctx: StageContext, dt: date, table: str) -> list[str]:
    """Return the symbols of the instrument that a table of `dt` holds."""
    return [
        key.symbol
        for key in ctx.lake.partitions(dataset_of(ctx.instrument, table))
        if key.dt == dt and key.symbol is not None and ctx.instrument.is_filed_under(key.symbol)
    ]


def lists_nothing(ctx: StageContext, dt: date, table: str = DEFINITION) -> bool:
    """Return whether the day's raw file is there and names no option of the root."""
    if not _has_raw(ctx, dt, table):
        return False
    with ExitStack() as writers:
        return next(_Filing(ctx, dt, table, writers).batches(), None) is None


def _tables(ctx: StageContext, dt: date) -> Iterator[str]:
    """Yield the tables that can be built of the raw files of `dt`, in the order of building."""
    needed = ctx.instrument.product_type == FUTURE_OPTION
    for table, is_needed in ((DEFINITION, needed), (STATISTICS, False)):
        if is_needed or _has_raw(ctx, dt, table):
            yield table
        else:
            _log.info("%s has no %s on %s", ctx.instrument.root, table, dt)


def _has_raw(ctx: StageContext, dt: date, table: str) -> bool:
    """Return whether some raw file claims the day; whether it can be read shows when it is."""
    row = ctx.instrument
    listing = list_raw(ctx.lake, row.product_type, row.root, table)
    return dt in listing.disputed or any(day.dt == dt for day in listing.days)


def _raw_day(ctx: StageContext, dt: date, table: str) -> RawDay:
    return raw_day(ctx.lake, ctx.instrument.product_type, ctx.instrument.root, dt, table)


def _definition_inputs(ctx: StageContext, dt: date) -> list[InputRef]:
    """Return the definitions that file the statistics of options on futures."""
    if ctx.instrument.product_type != FUTURE_OPTION:
        return []
    dataset = dataset_of(ctx.instrument, DEFINITION)
    return [ctx.lake.input(dataset, s, dt) for s in published_symbols(ctx, dt, DEFINITION)]


class _Filing:
    """One pass over a raw day of reference data that hands every record to its partition."""

    def __init__(self, ctx: StageContext, dt: date, table: str, stack: ExitStack) -> None:
        self.writers: dict[str, PartitionWriter] = {}
        self._ctx = ctx
        self._dt = dt
        self._table = table
        self._stack = stack
        self._made_of = recipe(ctx, dt, table)
        self._dataset = ctx.lake.table(self._made_of.tables[0])
        self._file = open_day(ctx.lake, _raw_day(ctx, dt, table), ctx.instrument)
        require_day(self._file, dt)
        self._stream = self._file.records(_CHUNK_RECORDS, schema=table)
        self._symbols = self._file.metadata.instruments(dt)
        self._underlying_of: dict[int, str] = {}
        if table == STATISTICS:
            self._read_underlyings()
        self._left_out = 0

    def run(self) -> None:
        """File every record; afterwards each symbol with records has a writer."""
        for symbol, batch in self.batches():
            writer = self.writers.get(symbol) or self._open(symbol)
            writer.write(batch)
            self._ctx.progress(STAGE, self._stream.records_read, None)
        vanished = set(published_symbols(self._ctx, self._dt, self._table)) - set(self.writers)
        for symbol in sorted(vanished):
            self._open(symbol)

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield symbol and rows of every partition, chunk by chunk."""
        for records in self._stream:
            first = self._stream.first_record
            self._require_day(records, first)
            kinds, kind_of = self._kinds(records)
            filed = [self._filed_under(kind) for kind in kinds.tolist()]
            symbols = sorted({symbol for symbol in filed if symbol is not None})
            slots = np.array([symbols.index(s) if s is not None else -1 for s in filed])[kind_of]
            self._left_out += int(np.count_nonzero(slots < 0))
            for slot, symbol in enumerate(symbols):
                rows = np.flatnonzero(slots == slot)
                yield symbol, self._batch(records[rows], rows + first)

    def seal(self) -> list[StagedPartition]:
        """Return the finished partitions with their counters."""
        counters = {
            "file_records": self._stream.records_read,
            "gateway_records": self._stream.gateway_records,
            "left_out_records": self._left_out,
            "partitions": len(self.writers),
        }
        return [writer.seal(counters) for _, writer in sorted(self.writers.items())]

    def _kinds(self, records: NDArray[np.void]) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return what decides where records are filed, each kind once, and the kind of each."""
        if self._table == STATISTICS:
            return np.unique(records["instrument_id"], return_inverse=True)
        is_option = np.isin(records["instrument_class"], _RIGHTS)
        return np.unique(np.where(is_option, records["underlying"], b""), return_inverse=True)

    def _filed_under(self, kind: int | bytes) -> str | None:
        if isinstance(kind, bytes):
            underlying = kind.decode("ascii", "replace")
            return underlying if self._ctx.instrument.is_filed_under(underlying) else None
        if kind not in self._symbols and kind not in self._underlying_of:
            raise UnknownSymbolError(
                self._file.path, f"the file maps no symbol to instrument {kind} on {self._dt}"
            )
        return self._underlying_of.get(kind)

    def _batch(self, records: NDArray[np.void], feed_seq: NDArray[np.int64]) -> pa.RecordBatch:
        given = {}
        if self._table == STATISTICS:
            numbers, codes = np.unique(records["instrument_id"], return_inverse=True)
            names = pa.array([self._symbols[number] for number in numbers.tolist()], pa.utf8())
            given["symbol"] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names)
        return reference_batch(records, feed_seq, self._dataset, self._file.path, **given)

    def _read_underlyings(self) -> None:
        """Learn which future or ticker each option of the file is written on."""
        row = self._ctx.instrument
        if row.product_type != FUTURE_OPTION:
            for number, name in self._symbols.items():
                terms = parse_osi(name)
                if terms is not None and terms.root == row.root:
                    self._underlying_of[number] = row.root
            return
        dataset = dataset_of(row, DEFINITION)
        columns = ["instrument_id", "raw_symbol"]
        for symbol in published_symbols(self._ctx, self._dt, DEFINITION):
            for batch in self._ctx.lake.batches(dataset, symbol, self._dt, columns=columns):
                numbers, names = (batch[name].to_pylist() for name in columns)
                self._underlying_of |= dict.fromkeys(numbers, symbol)
                self._symbols = dict(zip(numbers, names, strict=True)) | self._symbols

    def _open(self, symbol: str) -> PartitionWriter:
        writer = self._made_of.writer(self._ctx.lake, self._dataset.key, symbol, self._dt)
        self.writers[symbol] = self._stack.enter_context(writer)
        return writer

    def _require_day(self, records: NDArray[np.void], first: int) -> None:
        times = records["ts_recv"]
        start = np.uint64(midnight_ns(self._dt))
        other = ((times < start) | (times >= start + np.uint64(DAY_NS))) & (
            times != UNDEFINED_TIMESTAMP
        )
        if other.any():
            row = int(other.argmax())
            path, dt = self._file.path, self._dt
            raise bad_record(path, dt, records[row], first + row, route.OTHER_DAY)
