"""Tiles over HTTP and in the stream: every cell equals the lake's."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import PartitionCorruptError
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SECOND_NS
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    FIRST_END_NS,
    FORECAST,
    HALF,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    WINDOWS,
    forecast,
    surface,
)
from tests.web.service.serving import Served, Viewer
from web.service.frames import FRAME_SCHEMAS
from web.service.surfaces import VELOCITY_LAYERS, Surface
from web.service.tiles import HEADER, MAGIC, tile_rows

TILES = "/v1/sessions/ESH6/2026-01-29/tiles"
PREDICTIONS = ("predicted_delta", "predicted_tick_delta", "confidence", "band_lo_50", "band_hi_90")


def fetch(http: httpx.Client, name: str) -> pa.Table:
    """Return all tiles of a surface, one after the other."""
    parts = []
    for index in range(-(-WINDOWS // 64)):
        answer = http.get(f"{TILES}/{name}/{index}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
        parts.append(pa.ipc.open_stream(answer.content).read_all())
    assert [part.num_rows for part in parts] == [64, 64, 64, 64, 44]
    return pa.concat_tables(parts)


def assert_velocity(tile: pa.Table, lake: Lake, first: int) -> None:
    table = lake.read(SURFACE, SYMBOL, DT).slice(first * 2 * CELLS, tile.num_rows * 2 * CELLS)
    side = np.array(table.column("side").to_pylist())
    for layer in VELOCITY_LAYERS:
        values = table.column(layer).to_numpy()
        for name, code in (("a", "A"), ("b", "B")):
            column = tile.column(f"{layer}_{name}")
            assert column.type.list_size == CELLS
            found = column.combine_chunks().flatten().to_numpy()
            assert found.dtype == np.float32
            assert np.array_equal(found, values[side == code])
    every = np.arange(0, table.num_rows, 2 * CELLS)
    for name in ("window_end_ts_ns", "spot_ref_price_int", "window_valid"):
        assert tile.column(name).to_pylist() == table.column(name).take(every).to_pylist()


def test_velocity_tiles_equal_the_lake(http: httpx.Client, lake: Lake) -> None:
    assert_velocity(fetch(http, "velocity"), lake, 0)


def test_snap_tiles_equal_the_lake(http: httpx.Client, lake: Lake) -> None:
    schema = FRAME_SCHEMAS[Surface.SNAP]
    expected = lake.read(SNAPSHOT, SYMBOL, DT).select(schema.names).cast(schema)
    assert fetch(http, "snap").equals(expected)


def test_forecast_tiles_equal_the_lake_with_nan_for_null(http: httpx.Client, lake: Lake) -> None:
    tile, table = fetch(http, "forecast"), lake.read(FORECAST, SYMBOL, DT)
    first = np.arange(0, table.num_rows, 31)
    for name in ("window_end_ts_ns", "RunScore_up", "RunScore_down", "D_up", "D_down"):
        assert tile.column(name).to_pylist() == table.column(name).take(first).to_pylist()
    for name in PREDICTIONS:
        expected = table.column(name).to_numpy().astype(np.float32)
        found = tile.column(name).combine_chunks().flatten().to_numpy()
        assert np.array_equal(found, expected, equal_nan=True)
        assert np.isnan(found[:31]).any()


class TestStream:
    def receive(self, viewer: Viewer, windows: int) -> dict[int, list[tuple[Any, ...]]]:
        """Return (epoch, seq, first end, count, table) by surface until `windows` have come."""
        found: dict[int, list[tuple[Any, ...]]] = {0: [], 1: [], 3: []}
        while sum(part[3] for part in found[3]) < windows:
            message = viewer.raw()
            assert isinstance(message, bytes)
            magic, version, number, epoch, seq, first, count, reserved = HEADER.unpack(message[:32])
            assert (magic, version, reserved) == (MAGIC, 1, 0)
            table = pa.ipc.open_stream(message[32:]).read_all()
            assert table.num_rows == count
            assert table.column("window_end_ts_ns")[0].as_py() == first
            found[number].append((epoch, seq, first, count, table))
        return found

    @pytest.mark.parametrize("speed", [300, 1000])
    def test_every_window_comes_once_in_order(self, served: Served, lake: Lake, speed: int) -> None:
        with served.connect(format="tiles", speed=speed) as viewer:
            assert viewer.text()["format"] == "tiles"
            found = self.receive(viewer, WINDOWS)
            assert viewer.text() == {"type": "stream_end", "reason": "end_of_session"}
        for messages in found.values():
            expected = 0
            for epoch, seq, first, count, _ in messages:
                assert (epoch, seq) == (0, expected)
                assert first == FIRST_END_NS + expected * SECOND_NS
                assert 1 <= count <= 64
                expected += count
            assert expected == WINDOWS
        assert_velocity(pa.concat_tables([part[4] for part in found[1]]), lake, 0)

    def test_tiles_keep_within_the_credit(self, served: Served) -> None:
        with served.connect(format="tiles", speed=0.1) as viewer:
            viewer.text()
            viewer.say("pause")
            viewer.say("credit", windows=70)
            viewer.say("speed", speed=1000)
            acks = 0
            while acks < 3:
                acks += isinstance(viewer.raw(), str)
            viewer.say("resume")
            assert viewer.text()["of"] == "resume"
            found = self.receive(viewer, 70)
            assert sum(part[3] for part in found[3]) == 70
            viewer.say("pause")
            assert viewer.text()["credit"] == 0


class TestNotDense:
    @pytest.mark.parametrize("damage", ["order", "side"])
    def test_a_surface_that_is_not_the_dense_grid_is_refused(self, damage: str) -> None:
        table = surface(DT, 1, 1)
        rows = np.arange(2 * CELLS)
        if damage == "order":
            rows[[0, 2]] = rows[[2, 0]]
        else:
            rows[[0, 1]] = rows[[1, 0]]
        with pytest.raises(PartitionCorruptError, match="in order"):
            tile_rows(Surface.VELOCITY, table.take(pa.array(rows)), CELLS)
        assert HALF == (CELLS - 1) // 2

    def test_a_forecast_without_all_horizons_in_order_is_refused(self) -> None:
        table = forecast(DT, 1, 1)
        with pytest.raises(PartitionCorruptError, match="horizons"):
            tile_rows(Surface.FORECAST, table.take(pa.array(np.arange(31)[::-1])), CELLS)
