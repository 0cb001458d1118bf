"""Bronze of consolidated quotes: a vendor's day of a ticker's options, typed, nothing else changed.

Of the file only the options that expire on the day are kept, by their symbols alone: definitions
are not needed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from typing import Final

import numpy as np

from contracts.errors import UnknownSymbolError
from spymaster_assets.stages import versions
from spymaster_assets.stages.bad_records import bad_record, none_mapped, require_day
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_buffer import NamedOption, QuoteBuffer
from spymaster_assets.stages.raw import RawDay, raw_day, raw_inputs, raw_inputs_beside
from spymaster_assets.stages.raw_records import naming_parameters, open_day
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.rejects import RejectFiling, reject_parameters
from spymaster_resources.dbn import route
from spymaster_resources.dbn.layouts import ACTIONS, CMBP1_DTYPE
from spymaster_resources.dbn.parts import RecordFile
from spymaster_resources.dbn.prefetch import prefetched
from spymaster_resources.dbn.quote_split import split_quotes
from spymaster_resources.dbn.split import packed
from spymaster_resources.lake import Manifest, PartitionWriter, RawInput
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.option_symbols import parse_osi
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

DATASET: Final = "bronze.equity_option_cmbp_1.cmbp_1"
CODE_VERSION: Final = versions.QUOTE_BRONZE
STAGE: Final = "bronze"

# Decoding goes on while a row group is handed to the writer; 5.2 MB a chunk.
_CHUNKS_AHEAD: Final = 4

_log = logging.getLogger(__name__)


def recipe(ctx: StageContext, dt: date) -> Recipe:
    """Return what bronze of `dt` is made of, one pass over the raw files for their hashes.

    Raises PartitionMissingError without a raw file.
    """
    day = _raw_day(ctx, dt)
    return _recipe(ctx, day, raw_inputs(ctx.lake, day))


def current_bronze(ctx: StageContext, dt: date) -> list[Manifest] | None:
    """Return the day's published partition if building it again would change nothing, else None.

    Raises as `recipe` does.
    """
    if ctx.lake.manifest(DATASET, ctx.instrument.root, dt) is None:
        _raw_day(ctx, dt)  # not worth a pass over its bytes
        return None
    return recipe(ctx, dt).current(ctx.lake, ctx.instrument.root, dt)


def build_bronze(ctx: StageContext, dt: date) -> list[Manifest]:
    """Publish the records of the ticker's options that expire on the UTC day `dt`.

    Options that expire later, and those of another root (adjusted contracts such as QQQ1), are left
    out and counted. A file that maps none that expires gives an empty partition. The parts of a
    day are read as one file, and `feed_seq` counts through them.

    Raises PartitionMissingError without a raw file, the reader's errors, WrongDayError for a file
    or record of another day, UnknownSymbolError for an instrument without a mapping and for a
    file of another ticker.
    """
    root, day = ctx.instrument.root, _raw_day(ctx, dt)
    made_of = _recipe(ctx, day)
    file = open_day(ctx.lake, day, ctx.instrument)
    require_day(file, dt)
    with raw_inputs_beside(ctx.lake, day) as raw, ExitStack() as stack:
        # Parquet takes most of the time: the next row group is gathered beside it.
        writer = made_of.writer(ctx.lake, DATASET, root, dt, threaded=True)
        stack.enter_context(writer)
        rejects = RejectFiling(ctx, made_of, dt, ACTIONS, stack)
        counters = _file_records(ctx, dt, file, writer, rejects)
        ctx.audit([writer.seal(counters, raw.result())])
        rejects.publish([root], raw.result())
        return [writer.publish()]


def _raw_day(ctx: StageContext, dt: date) -> RawDay:
    row = ctx.instrument
    return raw_day(ctx.lake, row.product_type, row.root, dt, row.schema)


def _recipe(ctx: StageContext, day: RawDay, raw: Sequence[RawInput] = ()) -> Recipe:
    naming = naming_parameters(ctx.lake, day, ctx.instrument)
    return Recipe((DATASET,), CODE_VERSION, reject_parameters(ctx) | naming, raw)


def _file_records(
    ctx: StageContext,
    dt: date,
    file: RecordFile,
    writer: PartitionWriter,
    rejects: RejectFiling,
) -> dict[str, Scalar]:
    """Write every record that is kept; return what was counted."""
    root = ctx.instrument.root
    names = file.metadata.instruments(dt)
    kept = _expiring(ctx.instrument.root, dt, names)
    if not kept:
        _require_ticker(ctx.instrument.root, file, names)
        _log.warning("%s: no option on %s expires on %s", file.path, ctx.instrument.root, dt)
    numbers = sorted(names)
    place_of = {number: place for place, number in enumerate(sorted(kept))}
    instruments = np.array(numbers, np.uint32)
    options = np.array([place_of.get(number, -1) for number in numbers], np.int32)
    buffer = QuoteBuffer([kept[number] for number in sorted(kept)], ctx.lake.table(DATASET))
    by_action = np.zeros((2, len(ACTIONS)), np.int64)
    stream = file.records(schema=ctx.instrument.schema, buffers=_CHUNKS_AHEAD + 1)
    chunks = ((stream.first_record, chunk) for chunk in stream)
    for first, chunk in prefetched(chunks, _CHUNKS_AHEAD):
        records = packed(chunk, CMBP1_DTYPE)
        at = 0
        while at < len(records):
            at, rows, status = split_quotes(
                records,
                at,
                first,
                instruments,
                options,
                np.uint64(midnight_ns(dt)),
                np.uint64(midnight_ns(dt) + DAY_NS),
                route.ACTION_CODES,
                route.SIDE_CODES,
                by_action,
                buffer.room(len(records) - at),
            )
            if status != route.SOUND:
                raise bad_record(file.path, dt, records[at], first + at, status)
            buffer.filled(rows)
            if buffer.is_full:
                writer.write(rejects.sift(root, buffer.take()), lent=True)
        ctx.progress(STAGE, first + len(records), None)
    if buffer.rows:
        writer.write(rejects.sift(root, buffer.take()))
    sound = by_action[0] - rejects.by_action(root)
    return {
        **{f"action_{a}": int(n) for a, n in zip(ACTIONS, sound, strict=True)},
        **rejects.counters(root),
        "file_records": stream.records_read,
        "gateway_records": stream.gateway_records,
        "instruments": len(kept),
        "left_out_instruments": len(names) - len(kept),
        "left_out_records": int(by_action[1].sum()),
    }


def _expiring(root: str, dt: date, names: dict[int, str]) -> dict[int, NamedOption]:
    """Return the options of exactly this root that expire on `dt`, by instrument id."""
    found = {}
    for number, symbol in names.items():
        terms = parse_osi(symbol)
        if terms is not None and (terms.root, terms.expiration) == (root, dt):
            found[number] = NamedOption(symbol, terms)
    return found


def _require_ticker(root: str, file: RecordFile, names: dict[int, str]) -> None:
    """Raise UnknownSymbolError where neither request nor mappings name an option on the ticker."""
    asked = {*file.metadata.symbols, *names.values()}
    roots = {terms.root for terms in map(parse_osi, asked) if terms is not None}
    if root not in roots and f"{root}.OPT" not in asked:
        others = f"{', '.join(sorted(roots)[:5])} among {len(names)} mapped instruments"
        found = others if roots else none_mapped(len(names))
        raise UnknownSymbolError(file.path, f"expected options on {root}, found {found}")
