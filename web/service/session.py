"""One published session: what it is, and its windows in chunks of 64 as frames or tiles."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import PartitionCorruptError
from contracts.registry import datasets
from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.trading_calendar import NEW_YORK, SECOND_NS, utc_ns
from web.service.cache import BoundedCache
from web.service.frames import encode_frames, encode_stream
from web.service.overview import MAX_POINTS, overview
from web.service.protocol import RefusalError
from web.service.surfaces import HORIZONS, SOURCES, VELOCITY_LAYERS, Surface
from web.service.tables import PinnedTable
from web.service.tiles import TILE_WINDOWS, tile_rows, tile_schema

_MISSING: Final = {
    Surface.OPTIONS: "no options surface is published for this session",
    Surface.VELOCITY: "no liquidity surface is published for this session",
    Surface.FORECAST: "no forecast is published for this session",
}


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which session: a product type's symbol on one date."""

    product_type: str
    symbol: str
    dt: date


class Session:
    """The tables of a session, pinned to the manifests that stood when it was opened.

    Safe to use from several threads. `version` names the content of all its tables.
    """

    def __init__(
        self,
        key: SessionKey,
        instrument: Instrument,
        tables: Mapping[Surface, PinnedTable],
        cache: BoundedCache,
    ) -> None:
        self.key = key
        self.instrument = instrument
        self.manifests = {surface: table.manifest for surface, table in tables.items()}
        self.version = version_of(self.manifests)
        self._tables = tables
        self._cache = cache
        snap = tables[Surface.SNAP]
        ends = snap.rows(0, snap.num_rows).column("window_end_ts_ns").to_numpy()
        self.window_ends_ns: npt.NDArray[np.int64] = ends
        _require(
            key, len(ends) > 0 and bool(np.all(np.diff(ends) == SECOND_NS)), "seconds are missing"
        )
        self._rows_per_window = {s: self._rows_of_one_window(s) for s in tables}

    @classmethod
    def open(
        cls, lake: Lake, key: SessionKey, instrument: Instrument, cache: BoundedCache
    ) -> Session:
        """Open the tables that are published; raises LakeError when one cannot be read."""
        tables = {}
        for surface, dataset in datasets_of(key).items():
            if lake.manifest(dataset, key.symbol, key.dt) is not None:
                columns = SOURCES[surface].columns
                partition = lake.open(dataset, key.symbol, key.dt, columns)
                tables[surface] = PinnedTable(partition, cache)
        return cls(key, instrument, tables, cache)

    @property
    def windows(self) -> int:
        """How many windows the session has."""
        return len(self.window_ends_ns)

    @property
    def tiles(self) -> int:
        """How many tiles of 64 windows the session has; the last may be shorter."""
        return -(-self.windows // TILE_WINDOWS)

    @property
    def cells(self) -> int:
        """Width of the velocity grid, both sides counted once; 0 without a surface."""
        return self._rows_per_window.get(Surface.VELOCITY, 0) // 2

    def has(self, surface: Surface) -> bool:
        """Return whether the session has `surface`."""
        return surface in self._tables

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
        opens, closes = self._clock(0), self._clock(-1)
        raise RefusalError(
            "outside_session", f"the session lasts from {opens} to {closes} New York"
        )

    def frames(self, surface: Surface, chunk: int) -> tuple[bytes, ...]:
        """Return the frames of 64 windows, one Arrow IPC stream a window."""
        return self._cache.get(
            ("frames", self.version, surface, chunk),
            lambda: encode_frames(
                surface, self._rows(surface, chunk), self._rows_per_window[surface]
            ),
            lambda frames: sum(map(len, frames)),
        )

    def rows(self, surface: Surface, chunk: int) -> pa.RecordBatch:
        """Return a tile of 64 windows, one row a window."""
        return self._cache.get(
            ("rows", self.version, surface, chunk),
            lambda: tile_rows(surface, self._rows(surface, chunk), self.cells),
            lambda rows: int(rows.nbytes),
        )

    def tile(self, surface: Surface, chunk: int) -> bytes:
        """Return a tile as one Arrow IPC stream."""
        return encode_stream(tile_schema(surface, self.cells), self.rows(surface, chunk))

    def overview(self) -> dict[str, Any]:
        """Return the series for the scrubber, at most about a thousand points."""
        return self._cache.get(
            ("overview", self.version),
            partial(overview, self._tables, self.windows),
            lambda _: MAX_POINTS * 100,
        )

    def describe(self) -> dict[str, Any]:
        """Return what a viewer must know before the first window."""
        row, ends = self.instrument, self.window_ends_ns
        half = (self.cells - 1) // 2 if self.cells else row.grid_half_width
        return {
            "symbol": self.key.symbol,
            "dt": self.key.dt.isoformat(),
            "product_type": self.key.product_type,
            "root": row.root,
            "name": row.name,
            "version": self.version,
            "tick_int": row.tick_int,
            "price_scale": PRICE_SCALE,
            "price_decimals": row.price_decimals,
            "strike_step_int": None,
            "grid": {
                "half_width": half,
                "cells": 2 * half + 1,
                "step_int": row.tick_int,
                "sides": ["A", "B"],
                "layers": list(VELOCITY_LAYERS),
            },
            "session": {
                "open": self._clock(0),
                "close": self._clock(-1),
                "time_zone": NEW_YORK.key,
                "first_window_end_ts_ns": str(ends[0]),
                "last_window_end_ts_ns": str(ends[-1]),
                "window_ns": SECOND_NS,
                "windows": self.windows,
            },
            "tile_windows": TILE_WINDOWS,
            "tiles": self.tiles,
            "horizons_s": list(range(HORIZONS)),
            "calibrated": is_calibrated(self.manifests),
            "surfaces": {surface.value: self._describe_surface(surface) for surface in Surface},
        }

    def _describe_surface(self, surface: Surface) -> dict[str, Any]:
        manifest = self.manifests.get(surface)
        if manifest is None:
            return {"available": False, "reason": _MISSING[surface]}
        return {
            "available": True,
            "rows_per_window": self._rows_per_window[surface],
            "dataset": manifest.dataset,
            "contract_version": manifest.contract.version,
            "code_version": manifest.code_version,
            "manifest_sha256": manifest.sha256,
        }

    def _rows(self, surface: Surface, chunk: int) -> pa.Table:
        """Return the table's rows of one chunk, their window ends checked against the session's."""
        first = chunk * TILE_WINDOWS
        ends = self.window_ends_ns[first : first + TILE_WINDOWS]
        per_window = self._rows_per_window[surface]
        table = self._tables[surface].rows(first * per_window, len(ends) * per_window)
        found = table.column("window_end_ts_ns").to_numpy()
        _require(
            self.key,
            np.array_equal(found, np.repeat(ends, per_window)),
            f"{surface}: rows {first * per_window} and on are not the session's windows in order",
        )
        return table

    def _rows_of_one_window(self, surface: Surface) -> int:
        rows = self._tables[surface].num_rows
        per_window, rest = divmod(rows, self.windows)
        expected = {Surface.SNAP: 1, Surface.FORECAST: HORIZONS}.get(surface, per_window)
        odd_cells = surface is not Surface.VELOCITY or per_window % 4 == 2
        _require(
            self.key,
            rest == 0 and per_window == expected and odd_cells,
            f"{surface}: {rows} rows do not fit {self.windows} windows",
        )
        return per_window

    def _clock(self, window: int) -> str:
        seconds = int(self.window_ends_ns[window]) // SECOND_NS
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK):%H:%M:%S}"


def datasets_of(key: SessionKey) -> dict[Surface, str]:
    """Return the datasets in which the surfaces of a session may be published."""
    named = {surface: source.dataset(key.product_type) for surface, source in SOURCES.items()}
    return {surface: dataset for surface, dataset in named.items() if dataset in datasets()}


def version_of(manifests: Mapping[Surface, Manifest]) -> str:
    """Return a name of the content that `manifests` describe."""
    digest = hashlib.sha256()
    for surface in Surface:
        if surface in manifests:
            digest.update(f"{surface}:{manifests[surface].sha256}\n".encode())
    return digest.hexdigest()[:16]


def is_calibrated(manifests: Mapping[Surface, Manifest]) -> bool:
    """Return whether the forecast was made with fitted parameters that passed their checks."""
    forecast = manifests.get(Surface.FORECAST)
    return forecast is not None and forecast.parameters.get("calibrated") is True


def _require(key: SessionKey, holds: bool, problem: str) -> None:
    if not holds:
        raise PartitionCorruptError(f"{key.product_type} {key.symbol} {key.dt}", problem)
