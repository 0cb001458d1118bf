"""Bronze: a vendor's day of futures records, typed and filed by outright, nothing else changed."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import CorruptFileError, RawFileError, UnknownSymbolError, WrongDayError
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.outright_buffer import OutrightBuffer
from spymaster_assets.stages.raw import RawDay, covered_day, raw_day, raw_inputs
from spymaster_assets.stages.raw_records import open_day
from spymaster_assets.stages.recipe import Recipe
from spymaster_resources.dbn import route
from spymaster_resources.dbn.layouts import ACTIONS
from spymaster_resources.dbn.prefetch import prefetched
from spymaster_resources.dbn.split import packed_mbo
from spymaster_resources.dbn.stream import CHUNK_RECORDS
from spymaster_resources.lake import Manifest, PartitionWriter, StagedPartition
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

DATASET: Final = "bronze.future_mbo.mbo"
CODE_VERSION: Final = versions.BRONZE
STAGE: Final = "bronze"

# Decoding goes on while a row group is written; 3.7 MB a chunk.
_CHUNKS_AHEAD: Final = 4


def recipe(ctx: StageContext, dt: date) -> Recipe:
    """Return what bronze of `dt` is made of, one pass over the raw file for its hash.

    Raises PartitionMissingError without a raw file.
    """
    day = raw_day(ctx.lake, ctx.instrument.product_type, ctx.instrument.root, dt)
    return Recipe((DATASET,), CODE_VERSION, {}, raw_inputs(ctx.lake, day))


def current_bronze(ctx: StageContext, dt: date) -> list[Manifest] | None:
    """Return the day's published outrights if building them again would change nothing, else None.

    Each tells how many were published with it, so that a run killed between two of them shows.
    """
    made_of = recipe(ctx, dt)
    found = [made_of.current(ctx.lake, symbol, dt) for symbol in published_outrights(ctx, dt)]
    manifests = [parts[0] for parts in found if parts is not None]
    whole = manifests and all(m.counters.get("outrights") == len(found) for m in manifests)
    return manifests if whole and len(manifests) == len(found) else None


def published_outrights(ctx: StageContext, dt: date) -> list[str]:
    """Return the outrights of the instrument that bronze of `dt` holds."""
    return [
        key.symbol
        for key in ctx.lake.partitions(DATASET)
        if key.dt == dt and key.symbol is not None and ctx.instrument.is_outright(key.symbol)
    ]


def build_bronze(ctx: StageContext, dt: date) -> list[Manifest]:
    """Publish a partition for each outright of the instrument with records on the UTC day `dt`.

    A file without any record of an outright gives an empty partition for each outright that it
    maps. An outright that an earlier file of the day held and this one does not becomes empty, so
    that nothing stays that no raw file holds any more. Calendar spreads and user-defined
    instruments are left out and counted. All partitions are written, verified and audited before
    the first one is published.

    Raises PartitionMissingError without a raw file, the reader's errors, WrongDayError for a file
    or record of another day, UnknownSymbolError for an instrument without a mapping and for a
    file that maps no outright of the root.
    """
    day = raw_day(ctx.lake, ctx.instrument.product_type, ctx.instrument.root, dt)
    with ExitStack() as writers:
        filing = _Filing(ctx, dt, day, recipe(ctx, dt), writers)
        filing.run()
        staged = filing.seal()
        ctx.audit(staged)
        return [writer.publish() for _, writer in sorted(filing.writers.items())]


class _Filing:
    """One pass over a raw file that hands every record to its outright's partition."""

    def __init__(
        self, ctx: StageContext, dt: date, day: RawDay, made_of: Recipe, stack: ExitStack
    ) -> None:
        self.writers: dict[str, PartitionWriter] = {}
        self._ctx = ctx
        self._dt = dt
        self._made_of = made_of
        self._stack = stack
        self._dbn = open_day(ctx.lake, day)
        self._check_day()
        names = self._dbn.metadata.instruments(dt)
        self._outrights = sorted({n for n in names.values() if ctx.instrument.is_outright(n)})
        if not self._outrights:
            raise UnknownSymbolError(
                self._dbn.path,
                f"expected outright futures of {ctx.instrument.root} on {dt}, found none among "
                f"{len(names)} mapped instruments",
            )
        self._left_out = len(self._outrights)  # the slot behind those of the outrights
        self._left_out_instruments = sum(name not in self._outrights for name in names.values())
        slot_of = {symbol: slot for slot, symbol in enumerate(self._outrights)}
        self._instruments = np.array(sorted(names), np.uint32)
        self._slots = np.array(
            [slot_of.get(names[number], self._left_out) for number in sorted(names)], np.int32
        )
        self._by_action = np.zeros((self._left_out + 1, len(ACTIONS)), np.int64)
        table = ctx.lake.table(DATASET)
        self._buffers = {slot_of[name]: OutrightBuffer(name, table) for name in self._outrights}
        self._stream = self._dbn.records(schema=ctx.instrument.schema, buffers=_CHUNKS_AHEAD + 1)

    def run(self) -> None:
        """File every record; afterwards each outright with records has a writer."""
        slot_of, rows = np.empty((2, CHUNK_RECORDS), np.int32)
        bounds = np.empty(self._left_out + 2, np.int64)
        chunks = ((self._stream.first_record, chunk) for chunk in self._stream)
        done = 0
        for first, chunk in prefetched(chunks, _CHUNKS_AHEAD):
            records = packed_mbo(chunk)
            row, status = route.route_records(
                records,
                self._instruments,
                self._slots,
                np.uint64(midnight_ns(self._dt)),
                np.uint64(midnight_ns(self._dt) + DAY_NS),
                route.ACTION_CODES,
                route.SIDE_CODES,
                slot_of,
                rows,
                bounds,
                self._by_action,
            )
            if status != route.SOUND:
                raise self._bad_record(records[row], first + row, status)
            for slot in range(self._left_out):
                self._file(slot, records, rows[bounds[slot] : bounds[slot + 1]], first)
            done += len(records)
            self._ctx.progress(STAGE, done, None)
        for slot in range(self._left_out):
            if self._buffers[slot].rows:
                self._flush(slot)
            del self._buffers[slot]  # the lake holds its own copy of a row group not yet full
        vanished = set(published_outrights(self._ctx, self._dt)) - set(self.writers)
        for symbol in sorted(vanished if self.writers else vanished.union(self._outrights)):
            self._open(symbol)

    def seal(self) -> list[StagedPartition]:
        """Return the finished partitions with their counters."""
        shared: dict[str, Scalar] = {
            "file_records": self._stream.records_read,
            "gateway_records": self._stream.gateway_records,
            "left_out_instruments": self._left_out_instruments,
            "left_out_records": int(self._by_action[self._left_out].sum()),
            "outrights": len(self.writers),
        }
        counts_of = dict(zip(self._outrights, self._by_action, strict=False))
        staged = []
        for symbol, writer in sorted(self.writers.items()):
            counts = counts_of.get(symbol, np.zeros(len(ACTIONS), np.int64))
            by_action = {f"action_{a}": int(n) for a, n in zip(ACTIONS, counts, strict=True)}
            staged.append(writer.seal({**by_action, **shared}))
        return staged

    def _file(
        self, slot: int, records: NDArray[np.void], rows: NDArray[np.int32], first: int
    ) -> None:
        buffer = self._buffers[slot]
        while len(rows):
            rows = rows[buffer.add(records, rows, first) :]
            if buffer.rows == buffer.group_rows:
                self._flush(slot)

    def _flush(self, slot: int) -> None:
        symbol = self._outrights[slot]
        writer = self.writers.get(symbol) or self._open(symbol)
        writer.write(self._buffers[slot].take())

    def _open(self, symbol: str) -> PartitionWriter:
        writer = self._made_of.writer(self._ctx.lake, DATASET, symbol, self._dt)
        self.writers[symbol] = self._stack.enter_context(writer)
        return writer

    def _check_day(self) -> None:
        found = covered_day(self._dbn.metadata, self._dbn.path)
        if found != self._dt:
            raise WrongDayError(
                self._dbn.path,
                f"expected the UTC day {self._dt}, the header says {found}; give that day's file",
                position="metadata byte 26",
            )

    def _bad_record(self, record: np.void, place: int, status: int) -> RawFileError:
        path, position = self._dbn.path, f"record {place}"
        if status == route.UNKNOWN_INSTRUMENT:
            return UnknownSymbolError(
                path,
                f"the header maps no symbol to instrument {record['instrument_id']} on {self._dt}",
                position=position,
            )
        if status == route.OTHER_DAY:
            return WrongDayError(
                path,
                f"expected a ts_recv in the UTC day {self._dt}, found "
                f"{np.datetime64(int(record['ts_recv']), 'ns')}Z; give that day's file",
                position=position,
            )
        field = "action" if status == route.UNKNOWN_ACTION else "side"
        return CorruptFileError(
            path,
            f"unknown {field} {bytes([record[field]])!r}; fetch the file again",
            position=position,
        )
