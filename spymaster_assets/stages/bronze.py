"""Bronze: a vendor's day of market-by-order records, typed and filed, nothing else changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spymaster_assets.stages import versions
from spymaster_assets.stages.bad_records import bad_record, require_day
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.expiring import definition_inputs, expiring_options
from spymaster_assets.stages.listing import Listed, listing_of
from spymaster_assets.stages.partition_buffer import PartitionBuffer
from spymaster_assets.stages.raw import RawDay, raw_day, raw_inputs, raw_inputs_beside
from spymaster_assets.stages.raw_records import naming_parameters, open_day
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.rejects import RejectFiling, reject_parameters
from spymaster_resources.dbn import route
from spymaster_resources.dbn.layouts import ACTIONS
from spymaster_resources.dbn.prefetch import prefetched
from spymaster_resources.dbn.split import packed_mbo
from spymaster_resources.dbn.stream import CHUNK_RECORDS
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import (
    InputRef,
    Manifest,
    PartitionWriter,
    RawInput,
    StagedPartition,
)
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

CODE_VERSION: Final = versions.BRONZE
STAGE: Final = "bronze"

# Decoding goes on while a row group is handed to the writer; 3.7 MB a chunk.
_CHUNKS_AHEAD: Final = 4

_log = logging.getLogger(__name__)


def dataset_of(row: Instrument) -> str:
    """Return the dataset of a product's market-by-order records."""
    return f"bronze.{row.product_type}.mbo"


def recipe(ctx: StageContext, dt: date) -> Recipe:
    """Return what bronze of `dt` is made of, one pass over the raw files for their hashes.

    Raises PartitionMissingError without a raw file, for options also without definitions.
    """
    day = _raw_day(ctx, dt)
    return _recipe(ctx, day, raw_inputs(ctx.lake, day))


def current_bronze(ctx: StageContext, dt: date) -> list[Manifest] | None:
    """Return the day's published partitions if building them again would change nothing, else None.

    Each tells how many were published with it, so that a run killed between two of them shows.
    None at all are current on a day on which no option expires. Raises as `recipe` does.
    """
    published = published_symbols(ctx, dt)
    if not published and _nothing_expires(ctx, expiring_options(ctx, dt)):
        return []
    if not published:
        _raw_day(ctx, dt)  # not worth a pass over its bytes
        return None
    made_of = recipe(ctx, dt)
    found = [made_of.current(ctx.lake, symbol, dt) for symbol in published]
    manifests = [parts[0] for parts in found if parts is not None]
    whole = all(m.counters.get("partitions") == len(found) for m in manifests)
    return manifests if whole and len(manifests) == len(found) else None


def published_symbols(ctx: StageContext, dt: date) -> list[str]:
    """Return the symbols of the instrument that bronze of `dt` holds."""
    return [
        key.symbol
        for key in ctx.lake.partitions(dataset_of(ctx.instrument))
        if key.dt == dt and key.symbol is not None and ctx.instrument.is_filed_under(key.symbol)
    ]


def build_bronze(ctx: StageContext, dt: date) -> list[Manifest]:
    """Publish the partitions of the instrument with records on the UTC day `dt`.

    Futures have one for each outright, their options one for each future on which some expire,
    equities one for the ticker, with the records of all publishers. Everything else (spreads,
    user-defined instruments, options that expire later) is left out and counted. Records that mean
    nothing go to the table of rejects with their reason, and are counted. A file without
    any record gives an empty partition for each symbol that it maps. A symbol that an earlier file
    of the day held and this one does not becomes empty, so that nothing stays that no raw file
    holds any more. Where no option expires on `dt` there is nothing to publish, and no raw file is
    asked for. All partitions are written, verified and audited before the first one is published.

    Raises PartitionMissingError without a raw file or an option's definitions, the reader's errors,
    WrongDayError for a file or record of another day, UnknownSymbolError for an instrument without
    a mapping and for a file that maps nothing of the root.
    """
    options = expiring_options(ctx, dt)
    if _nothing_expires(ctx, options) and not published_symbols(ctx, dt):
        _log.info("no option on %s expires on %s; bronze has nothing", ctx.instrument.root, dt)
        return []
    day = _raw_day(ctx, dt)
    with raw_inputs_beside(ctx.lake, day) as raw, ExitStack() as writers:
        filing = _Filing(ctx, dt, day, options, _recipe(ctx, day), writers)
        filing.run()
        staged = filing.seal(raw.result())
        ctx.audit(staged)
        filing.rejects.publish(sorted(filing.writers), raw.result())
        return [writer.publish() for _, writer in sorted(filing.writers.items())]


def _raw_day(ctx: StageContext, dt: date) -> RawDay:
    return raw_day(ctx.lake, ctx.instrument.product_type, ctx.instrument.root, dt)


def _recipe(ctx: StageContext, day: RawDay, raw: Sequence[RawInput] = ()) -> Recipe:
    inputs: list[InputRef | RawInput] = [*definition_inputs(ctx, day.dt), *raw]
    naming = naming_parameters(ctx.lake, day, ctx.instrument)
    parameters = reject_parameters(ctx) | naming
    return Recipe((dataset_of(ctx.instrument),), CODE_VERSION, parameters, inputs)


def _nothing_expires(ctx: StageContext, options: Mapping[int, Listed]) -> bool:
    return ctx.instrument.underlying_product is not None and not options


class _Filing:
    """One pass over a raw day that hands every record to its partition."""

    def __init__(
        self,
        ctx: StageContext,
        dt: date,
        day: RawDay,
        options: Mapping[int, Listed],
        made_of: Recipe,
        stack: ExitStack,
    ) -> None:
        self.writers: dict[str, PartitionWriter] = {}
        self._ctx = ctx
        self._dt = dt
        self._made_of = made_of
        self._stack = stack
        self.rejects = RejectFiling(ctx, made_of, dt, ACTIONS, stack)
        self._dbn = open_day(ctx.lake, day, ctx.instrument)
        require_day(self._dbn, dt)
        listing = listing_of(ctx, dt, self._dbn, options)
        self._symbols = listing.partitions
        self._left_out = len(self._symbols)  # the slot behind those of the partitions
        self._left_out_instruments = len(listing.left_out)
        members = {
            symbol: sorted(
                (row.symbol, number)
                for number, row in listing.kept.items()
                if row.partition == symbol
            )
            for symbol in self._symbols
        }
        self._instruments = np.array(sorted({*listing.kept, *listing.left_out}), np.uint32)
        self._slots = np.full(len(self._instruments), self._left_out, np.int32)
        self._ordinals = np.zeros(len(self._instruments), np.int32)
        for slot, symbol in enumerate(self._symbols):
            numbers = np.array([number for _, number in members[symbol]], np.uint32)
            places = np.searchsorted(self._instruments, numbers)
            self._slots[places] = slot
            self._ordinals[places] = np.arange(len(places))
        self._by_action = np.zeros((self._left_out + 1, len(ACTIONS)), np.int64)
        table = ctx.lake.table(made_of.tables[0])
        self._buffers = {
            slot: PartitionBuffer([listing.kept[n] for _, n in members[symbol]], table)
            for slot, symbol in enumerate(self._symbols)
            if members[symbol]
        }
        self._stream = self._dbn.records(schema=ctx.instrument.schema, buffers=_CHUNKS_AHEAD + 1)

    def run(self) -> None:
        """File every record; afterwards each symbol with records has a writer."""
        slot_of, ordinal_of, rows = np.empty((3, CHUNK_RECORDS), np.int32)
        bounds = np.empty(self._left_out + 2, np.int64)
        chunks = ((self._stream.first_record, chunk) for chunk in self._stream)
        done = 0
        for first, chunk in prefetched(chunks, _CHUNKS_AHEAD):
            records = packed_mbo(chunk)
            row, status = route.route_records(
                records,
                self._instruments,
                self._slots,
                self._ordinals,
                np.uint64(midnight_ns(self._dt)),
                np.uint64(midnight_ns(self._dt) + DAY_NS),
                route.ACTION_CODES,
                route.SIDE_CODES,
                slot_of,
                ordinal_of,
                rows,
                bounds,
                self._by_action,
            )
            if status != route.SOUND:
                raise bad_record(self._dbn.path, self._dt, records[row], first + row, status)
            for slot in self._buffers:
                self._file(slot, records, rows[bounds[slot] : bounds[slot + 1]], ordinal_of, first)
            done += len(records)
            self._ctx.progress(STAGE, done, None)
        for slot, buffer in self._buffers.items():
            if buffer.rows:
                self._flush(slot)
        self._buffers.clear()  # the lake holds its own copy of a row group not yet full
        vanished = set(published_symbols(self._ctx, self._dt)) - set(self.writers)
        for symbol in sorted(vanished if self.writers else vanished.union(self._symbols)):
            self._open(symbol)

    def seal(self, raw: Sequence[RawInput]) -> list[StagedPartition]:
        """Return the finished partitions with their counters; raw: the files that were read."""
        shared: dict[str, Scalar] = {
            "file_records": self._stream.records_read,
            "gateway_records": self._stream.gateway_records,
            "left_out_instruments": self._left_out_instruments,
            "left_out_records": int(self._by_action[self._left_out].sum()),
            "partitions": len(self.writers),
        }
        counts_of = dict(zip(self._symbols, self._by_action, strict=False))
        staged = []
        for symbol, writer in sorted(self.writers.items()):
            counts = counts_of.get(symbol, np.zeros(len(ACTIONS), np.int64))
            counts = counts - self.rejects.by_action(symbol)
            by_action = {f"action_{a}": int(n) for a, n in zip(ACTIONS, counts, strict=True)}
            rejected = self.rejects.counters(symbol)
            staged.append(writer.seal({**by_action, **rejected, **shared}, raw))
        return staged

    def _file(
        self,
        slot: int,
        records: NDArray[np.void],
        rows: NDArray[np.int32],
        ordinal_of: NDArray[np.int32],
        first: int,
    ) -> None:
        buffer = self._buffers[slot]
        while len(rows):
            rows = rows[buffer.add(records, rows, ordinal_of, first) :]
            if buffer.rows == buffer.group_rows:
                self._flush(slot)

    def _flush(self, slot: int) -> None:
        symbol = self._symbols[slot]
        writer = self.writers.get(symbol) or self._open(symbol)
        writer.write(self.rejects.sift(symbol, self._buffers[slot].take()), lent=True)

    def _open(self, symbol: str) -> PartitionWriter:
        table = self._made_of.tables[0]
        # Parquet takes most of the time: the next row group is gathered beside it.
        writer = self._made_of.writer(self._ctx.lake, table, symbol, self._dt, threaded=True)
        self.writers[symbol] = self._stack.enter_context(writer)
        return writer
