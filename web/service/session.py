"""One published session: what it is, and its windows in chunks as frames or tiles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import PartitionCorruptError
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.trading_calendar import NEW_YORK, SECOND_NS, utc_ns
from web.service.cache import BoundedCache
from web.service.description import description
from web.service.frames import EMPTY_FRAMES, FRAME_WINDOWS, encode_frames, encode_stream
from web.service.lineage import stale_surfaces
from web.service.manifests import calibration_of, is_calibrated, scorecard_of, version_of
from web.service.options import (
    ROWS_PER_STRIKE,
    OptionWindows,
    option_table,
    option_tile,
    option_windows,
)
from web.service.overview import MAX_POINTS, overview
from web.service.protocol import RefusalError
from web.service.surfaces import (
    COLUMNS,
    HORIZONS,
    QUALITY_FLAGS,
    SIDES,
    Surface,
    datasets_of,
    records_of,
)
from web.service.symbols import SessionKey
from web.service.tables import PinnedTable
from web.service.tiles import TILE_WINDOWS, tile_rows
from web.service.windowed import WindowedTable


class Session:
    """The tables of a session, pinned to the manifests that stood when it was opened.

    Safe to use from several threads. `version` names the content of all its tables, `options` is
    the instrument of the options on it, `stale` are the surfaces that are published and not played
    because they were made of another version of a table, with that table.
    """

    def __init__(
        self,
        key: SessionKey,
        instrument: Instrument,
        options: Instrument | None,
        tables: Mapping[Surface, PinnedTable],
        records: Manifest | None,
        cache: BoundedCache,
    ) -> None:
        self.key = key
        self.instrument = instrument
        self.options = options
        self.manifests = {surface: table.manifest for surface, table in tables.items()}
        self.version = version_of(self.manifests)
        self.calibrated = is_calibrated(self.manifests)
        self.calibration = calibration_of(self.manifests)
        self.scorecard = scorecard_of(self.manifests, records)
        self.stale = stale_surfaces(self.manifests)
        self._cache = cache
        snap = tables[Surface.SNAP]
        ends = snap.rows(0, snap.num_rows).column("window_end_ts_ns").to_numpy()
        self.window_ends_ns: npt.NDArray[np.int64] = ends
        if not len(ends) or not np.all(np.diff(ends) == SECOND_NS):
            raise PartitionCorruptError(str(snap.manifest.key), "seconds are missing")
        self._tables = {
            surface: WindowedTable(table, ends, may_lack_windows=surface is Surface.OPTIONS)
            for surface, table in tables.items()
            if surface not in self.stale
        }
        for surface, windowed in self._tables.items():
            _check_shape(surface, windowed)

    @classmethod
    def open(
        cls,
        lake: Lake,
        key: SessionKey,
        instrument: Instrument,
        options: Instrument | None,
        cache: BoundedCache,
    ) -> Session:
        """Open the tables that are published; raises LakeError when one cannot be read."""
        tables = {}
        for surface, dataset in datasets_of(key.product_type).items():
            manifest = lake.manifest(dataset, key.symbol, key.dt)
            if manifest is not None:
                columns = COLUMNS[surface]
                is_current = manifest.contract.version == lake.table(dataset).contract.version
                if surface is Surface.SNAP and is_current:
                    columns += QUALITY_FLAGS
                partition = lake.open(dataset, key.symbol, key.dt, columns)
                tables[surface] = PinnedTable(partition, cache)
        records = lake.manifest(records_of(key.product_type), key.symbol, key.dt)
        return cls(key, instrument, options, tables, records, cache)

    @property
    def windows(self) -> int:
        """How many windows the session has."""
        return len(self.window_ends_ns)

    @property
    def tiles(self) -> int:
        """How many tiles of 64 windows the session has; the last may be shorter."""
        return -(-self.windows // TILE_WINDOWS)

    def has(self, surface: Surface) -> bool:
        """Return whether the session has `surface`."""
        return surface in self._tables

    def cells(self, surface: Surface) -> int:
        """Return the width of a surface's grid: cells of one side, or strikes; 0 without it."""
        windowed = self._tables.get(surface)
        rows = 0 if windowed is None else windowed.rows_per_window
        return rows // (ROWS_PER_STRIKE if surface is Surface.OPTIONS else len(SIDES))

    def frame_rows(self, surface: Surface) -> int:
        """Return how many rows a frame of `surface` has."""
        if surface is Surface.OPTIONS:
            return self.cells(surface)
        return self._tables[surface].rows_per_window

    def index_of(self, window_end_ts_ns: int) -> int:
        """Return the window that ends at an instant, or is the next to end.

        Raises RefusalError when the instant is outside the session.
        """
        first, last = int(self.window_ends_ns[0]), int(self.window_ends_ns[-1])
        if not first - SECOND_NS < window_end_ts_ns <= last:
            raise RefusalError(
                "outside_session", f"the session's windows end at {first} … {last} ns UTC"
            )
        return bisect_left(self.window_ends_ns, window_end_ts_ns)

    def start_index(self, skip_minutes: float, start: time | None) -> int:
        """Return the first window to play; raises RefusalError when it is outside the session."""
        if start is None:
            index = round(skip_minutes * 60)
            if index < self.windows:
                return index
            raise RefusalError("outside_session", f"the session has {self.windows // 60} minutes")
        # An evening session's New York date may be the day before its UTC date.
        for days in (0, 1):
            instant = utc_ns(self.key.dt - timedelta(days=days), start)
            if self.window_ends_ns[0] <= instant <= self.window_ends_ns[-1]:
                return self.index_of(instant)
        opens, closes = self.clock(0), self.clock(-1)
        raise RefusalError(
            "outside_session", f"the session lasts from {opens} to {closes} New York"
        )

    def frames(self, surface: Surface, chunk: int) -> tuple[bytes, ...]:
        """Return the frames of 16 windows, one Arrow IPC stream a window."""
        return self._cache.get(
            ("frames", self.version, surface, chunk),
            partial(self._encode_frames, surface, chunk * FRAME_WINDOWS),
            lambda frames: sum(map(len, frames)),
        )

    def rows(self, surface: Surface, chunk: int) -> pa.RecordBatch:
        """Return a tile of 64 windows, one row a window."""
        return self._cache.get(
            ("rows", self.version, surface, chunk),
            partial(self._tile_rows, surface, chunk * TILE_WINDOWS),
            lambda rows: int(rows.nbytes),
        )

    def tile(self, surface: Surface, chunk: int) -> bytes:
        """Return a tile as one Arrow IPC stream."""
        rows = self.rows(surface, chunk)
        return encode_stream(rows.schema, rows)

    def overview(self) -> dict[str, Any]:
        """Return the series for the scrubber, at most about a thousand points."""
        return self._cache.get(
            ("overview", self.version),
            partial(overview, {s: t.table for s, t in self._tables.items()}, self.windows),
            lambda _: MAX_POINTS * 100,
        )

    def describe(self) -> dict[str, Any]:
        """Return what a viewer must know before the first window."""
        return description(self)

    def clock(self, window: int) -> str:
        """Return the New York time at which a window ends."""
        seconds = int(self.window_ends_ns[window]) // SECOND_NS
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK):%H:%M:%S}"

    def _encode_frames(self, surface: Surface, first: int) -> tuple[bytes, ...]:
        if surface is not Surface.OPTIONS:
            table = self._tables[surface].rows(first, FRAME_WINDOWS)
            return encode_frames(surface, table, self.frame_rows(surface))
        options = self._option_windows(first, FRAME_WINDOWS)
        frames = iter(encode_frames(surface, option_table(options), self.frame_rows(surface)))
        return tuple(next(frames) if there else EMPTY_FRAMES[surface] for there in options.present)

    def _tile_rows(self, surface: Surface, first: int) -> pa.RecordBatch:
        cells = self.cells(surface)
        if surface is Surface.OPTIONS:
            return option_tile(self._option_windows(first, TILE_WINDOWS), cells)
        return tile_rows(surface, self._tables[surface].rows(first, TILE_WINDOWS), cells)

    def _option_windows(self, first: int, count: int) -> OptionWindows:
        table = self._tables[Surface.OPTIONS].rows(first, count)
        ends = self.window_ends_ns[first : first + count]
        return option_windows(table, ends, self.cells(Surface.OPTIONS))


def _check_shape(surface: Surface, windowed: WindowedTable) -> None:
    """Raise PartitionCorruptError when a window of `surface` cannot have that many rows."""
    rows = windowed.rows_per_window
    match surface:
        case Surface.SNAP:
            fits = rows == 1
        case Surface.FORECAST:
            fits = rows == HORIZONS
        case Surface.OPTIONS:
            fits = rows % (2 * ROWS_PER_STRIKE) == ROWS_PER_STRIKE
        case _:
            fits = rows % (2 * len(SIDES)) == len(SIDES)
    if not fits:
        message = f"{surface}: a window cannot have {rows} rows"
        raise PartitionCorruptError(str(windowed.table.manifest.key), message)
