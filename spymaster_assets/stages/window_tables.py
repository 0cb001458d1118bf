"""Silver's way from blocks of closed windows to published partitions, for every product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from typing import Any, Final, Protocol, TypeVar

import pyarrow as pa
from numpy.typing import NDArray

from book_engines.counters import BookCounters
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gaps import GapMeter, Timed
from spymaster_assets.stages.recipe import Recipe
from spymaster_resources.lake import Manifest
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.quality import quality_rules

STAGE: Final = "silver"


class Windows(Protocol):
    """A block of consecutive closed windows."""

    @property
    def windows(self) -> NDArray[Any]:
        """Return one entry a window."""


Columns = TypeVar("Columns", bound=Timed)
Block = TypeVar("Block", bound=Windows)
BlockT_co = TypeVar("BlockT_co", bound=Windows, covariant=True)
ColumnsT_contra = TypeVar("ColumnsT_contra", contravariant=True)


class Engine(Protocol[ColumnsT_contra, BlockT_co]):
    """What turns records into blocks."""

    def feed(self, records: ColumnsT_contra) -> Iterator[BlockT_co]:
        """Apply records and yield the windows they close."""

    def finish(self) -> Iterator[BlockT_co]:
        """Yield the rest of the session."""

    @property
    def counters(self) -> BookCounters:
        """Return what the replay counted."""

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows."""


def window_parameters(ctx: StageContext, dt: date) -> dict[str, Any]:
    """Return what shapes the windows of `dt` and their flags.

    The configured session is recorded beside the window ends, which an early close cuts: it says
    which days belong together. Raises ConfigurationError when `dt` has no such session.
    """
    ends = ctx.window_ends(dt)
    return {
        "session": str(ctx.session),
        "first_window_end_ts_ns": ends.first_ns,
        "last_window_end_ts_ns": ends.last_ns,
        "quality": quality_rules(ctx.instrument).parameters(),
    }


def blocks_of(
    engine: Engine[Columns, Block], records: Iterable[Columns], gaps: GapMeter
) -> Iterator[Block]:
    """Yield every block of a day; `gaps` sees its records."""
    for piece in gaps.watch(records):
        yield from engine.feed(piece)
    yield from engine.finish()


def publish_windows(
    ctx: StageContext,
    made_of: Recipe,
    symbol: str,
    dt: date,
    blocks: Iterable[Block],
    batches: Callable[[Block], Mapping[str, pa.RecordBatch]],
    counters: Callable[[], Mapping[str, Scalar]],
    *,
    beside: Iterable[str],
) -> list[Manifest]:
    """Write every block's `batches`, by dataset, then audit all tables and publish them.

    counters: asked for after the last block. beside: the tables whose Parquet takes long enough
    for a thread of its own.
    """
    threaded = set(beside)
    n_windows = ctx.window_ends(dt).n_windows
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(
                made_of.writer(ctx.lake, table, symbol, dt, threaded=table in threaded)
            )
            for table in made_of.tables
        }
        done = 0
        for block in blocks:
            for table, batch in batches(block).items():
                writers[table].write(batch)
            done += block.windows.size
            ctx.progress(STAGE, done, n_windows)
        counted = dict(counters())
        staged = [writer.seal(counted) for writer in writers.values()]
        ctx.audit(staged)
        return [writer.publish() for writer in writers.values()]


def counters_of(engine: Engine[Columns, Block]) -> dict[str, Scalar]:
    """Return everything the replay counted; times that were never met are left out."""
    counted = {k: v for k, v in engine.counters.as_dict().items() if v is not None}
    return {**engine.window_counters, **counted}
