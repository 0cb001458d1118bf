"""Every product streams: an equity on its fine cells, options summed over right and side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import PartitionCorruptError
from contracts.registry import dataset
from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    FORECAST,
    INVALID_WINDOWS,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    ends_of,
    forecast,
    snapshot,
    surface,
    write,
)
from tests.web.service.sample_products import (
    EQUITY_FORECAST,
    EQUITY_OPTIONS,
    FINE_SURFACE,
    FUTURE_OPTIONS,
    PRODUCT_WINDOWS,
    STRIKES,
    TICKER,
    WIDE_HALF,
    WIDE_SURFACE,
    options,
    write_products,
)
from tests.web.service.serving import Served, serving
from web.service.cache import BoundedCache
from web.service.frames import FRAME_SCHEMAS
from web.service.options import option_windows
from web.service.sessions import SessionCatalogue
from web.service.surfaces import OPTION_LAYERS, Surface
from web.service.symbols import Symbols

SYMBOLS = {SYMBOL: FUTURE_OPTIONS, TICKER: EQUITY_OPTIONS}


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_products(str(tmp_path_factory.mktemp("products")))


@pytest.fixture(scope="module")
def service(products: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(products.root, tmp_path_factory.mktemp("none")) as served:
        yield served


def naive_options(table: pa.Table) -> list[list[dict[str, float]]]:
    """Return by window the rows that a frame must have, from the lattice one row at a time."""
    windows: dict[int, dict[int, dict[str, float]]] = {}
    for row in table.to_pylist():
        strikes = windows.setdefault(row["window_end_ts_ns"], {})
        summed = strikes.setdefault(
            row["strike_price_int"],
            {
                "window_end_ts_ns": row["window_end_ts_ns"],
                "spot_ref_price_int": row["spot_ref_price_int"],
                "rel_ticks": row["rel_ticks"],
                **dict.fromkeys(OPTION_LAYERS, 0.0),
            },
        )
        for layer, column in OPTION_LAYERS.items():
            summed[layer] += row[column]
    return [[strikes[k] for k in sorted(strikes)] for strikes in windows.values()]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_options_are_summed_over_right_and_side(
    service: Served, products: Lake, symbol: str
) -> None:
    table_name = SYMBOLS[symbol]
    expected = iter(naive_options(products.read(table_name, symbol, DT)))
    with service.connect(symbol=symbol, surfaces="options") as viewer:
        assert viewer.text()["session"]["surfaces"]["options"]["available"]
        for index in range(PRODUCT_WINDOWS):
            table = viewer.window().tables["options"]
            assert table.schema == FRAME_SCHEMAS[Surface.OPTIONS]
            if symbol == SYMBOL and index in INVALID_WINDOWS:
                assert table.num_rows == 0
                continue
            assert table.num_rows == STRIKES[table_name]
            for found, row in zip(table.to_pylist(), next(expected), strict=True):
                assert found == pytest.approx(row, rel=1e-12)
    assert next(expected, None) is None


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_option_tiles_hold_the_same_sums(service: Served, products: Lake, symbol: str) -> None:
    table_name = SYMBOLS[symbol]
    by_end = {
        rows[0]["window_end_ts_ns"]: rows
        for rows in naive_options(products.read(table_name, symbol, DT))
    }
    with httpx.Client(base_url=service.url) as http:
        path = f"/v1/sessions/{symbol}/{DT}/tiles/options"
        parts = [http.get(f"{path}/{n}").content for n in range(2)]
    tile = pa.concat_tables([pa.ipc.open_stream(part).read_all() for part in parts])
    assert tile.column("window_end_ts_ns").to_pylist() == ends_of(DT, PRODUCT_WINDOWS).tolist()
    for row in tile.to_pylist():
        rows = by_end.get(row["window_end_ts_ns"])
        if rows is None:
            assert row["spot_ref_price_int"] is row["first_strike_price_int"] is None
            assert np.isnan([row[layer] for layer in OPTION_LAYERS]).all()
            continue
        assert row["spot_ref_price_int"] == rows[0]["spot_ref_price_int"]
        for layer in OPTION_LAYERS:
            assert row[layer] == pytest.approx([r[layer] for r in rows], rel=1e-6)


def test_an_equity_streams_its_fine_surface(service: Served, products: Lake) -> None:
    fine = products.read(FINE_SURFACE, TICKER, DT)
    ahead = products.read(EQUITY_FORECAST, TICKER, DT)
    with service.connect(symbol=TICKER) as viewer:
        info = viewer.text()
        assert info["surfaces"] == ["snap", "velocity", "options", "forecast"]
        for index in range(PRODUCT_WINDOWS):
            window = viewer.window()
            for surface_, table, rows in (
                (Surface.VELOCITY, fine, 2 * CELLS),
                (Surface.FORECAST, ahead, 31),
            ):
                schema = FRAME_SCHEMAS[surface_]
                expected = table.slice(index * rows, rows).select(schema.names).cast(schema)
                assert window.tables[surface_.value].equals(expected)


def test_the_wide_map_comes_when_it_is_asked_for(service: Served, products: Lake) -> None:
    wide = products.read(WIDE_SURFACE, TICKER, DT)
    rows = 2 * (2 * WIDE_HALF + 1)
    schema = FRAME_SCHEMAS[Surface.WIDE]
    with service.connect(symbol=TICKER, surfaces="wide") as viewer:
        viewer.text()
        table = viewer.window().tables["wide"]
        assert table.equals(wide.slice(0, rows).select(schema.names).cast(schema))
    with httpx.Client(base_url=service.url) as http:
        answer = http.get(f"/v1/sessions/{TICKER}/{DT}/tiles/wide/0")
        column = pa.ipc.open_stream(answer.content).read_all().column("rho_b")
        assert column.type.list_size == 2 * WIDE_HALF + 1
        bids = wide.column("rho").to_numpy()[1::2][: 64 * (2 * WIDE_HALF + 1)]
        assert np.array_equal(column.combine_chunks().flatten().to_numpy(), bids)
        missing = http.get(f"/v1/sessions/{SYMBOL}/{DT}/tiles/wide/0")
        assert missing.json()["error"]["code"] == "missing_surface"


def test_an_equity_says_its_grids_and_strikes(service: Served) -> None:
    with httpx.Client(base_url=service.url) as http:
        listed = http.get("/v1/sessions").json()
        equity = http.get(f"/v1/sessions/{TICKER}/{DT}").json()
        future = http.get(f"/v1/sessions/{SYMBOL}/{DT}").json()
    assert listed["products"] == [
        "equity_mbo",
        "equity_option_cmbp_1",
        "future_mbo",
        "future_option_mbo",
    ]
    assert equity["tick_int"] == 10_000_000
    assert (equity["grid"]["step_int"], equity["grid"]["half_width"]) == (50_000_000, 200)
    assert (equity["wide_grid"]["step_int"], equity["wide_grid"]["cells"]) == (500_000_000, 201)
    assert equity["strike_step_int"] == equity["strikes"]["step_int"] == 10**9
    assert (equity["strikes"]["count"], equity["strikes"]["rel_tick_int"]) == (51, 500_000_000)
    assert future["wide_grid"] is None
    assert future["strikes"]["count"] == 21
    assert future["surfaces"]["options"]["rows_per_window"] == 21
    assert "wide" not in future["surfaces"]


class TestLattice:
    def test_rows_out_of_order_are_refused(self) -> None:
        table = options(DT, 1, 1, key=FUTURE_OPTIONS)
        swapped = np.arange(table.num_rows)
        swapped[[0, 1]] = swapped[[1, 0]]
        ends = ends_of(DT, 1)
        with pytest.raises(PartitionCorruptError, match="sides"):
            option_windows(table.take(pa.array(swapped)), ends, 21)
        with pytest.raises(PartitionCorruptError, match="ascend"):
            option_windows(pa.concat_tables([table.slice(4, 80), table.slice(0, 4)]), ends, 21)
        with pytest.raises(PartitionCorruptError, match="fill"):
            option_windows(table.slice(4), ends, 21)

    def test_a_window_with_some_of_its_rows_is_refused(self, tmp_path: Path) -> None:
        lake = Lake(str(tmp_path))
        write(lake, SNAPSHOT, DT, snapshot(DT, 10, 1))
        table = options(DT, 10, 1, key=FUTURE_OPTIONS)
        write(lake, FUTURE_OPTIONS, DT, table.slice(0, table.num_rows - 4))
        with pytest.raises(PartitionCorruptError, match="rows or none"):
            SessionCatalogue(lake, BoundedCache(10**7), Symbols()).open(SYMBOL, DT)


def test_what_was_made_of_another_snapshot_is_not_played_beside_it(tmp_path: Path) -> None:
    """Neither the surface nor the forecast made of that surface, until each has followed."""
    lake = Lake(str(tmp_path))
    catalogue = SessionCatalogue(lake, BoundedCache(10**7), Symbols())
    made_of = {SURFACE: SNAPSHOT, FORECAST: SURFACE}

    def build(key: str, table: pa.Table) -> set[Surface]:
        """Publish a table made of what is published now; return what of it is played."""
        source = made_of.get(key)
        inputs = [] if source is None else [lake.input(source, SYMBOL, DT)]
        write(lake, key, DT, table, inputs=inputs)
        session = catalogue.open(SYMBOL, DT)
        return {s for s in (Surface.VELOCITY, Surface.FORECAST) if session.has(s)}

    build(SNAPSHOT, snapshot(DT, 10, 1))
    assert build(SURFACE, surface(DT, 10, 1)) == {Surface.VELOCITY}
    assert build(FORECAST, forecast(DT, 10, 1)) == {Surface.VELOCITY, Surface.FORECAST}
    opened_before = catalogue.open(SYMBOL, DT)
    assert build(SNAPSHOT, snapshot(DT, 10, 2)) == set()
    told = catalogue.open(SYMBOL, DT).describe()["surfaces"]["velocity"]
    assert not told["available"]
    assert SNAPSHOT in told["reason"]
    assert build(SURFACE, surface(DT, 10, 2)) == {Surface.VELOCITY}
    assert build(FORECAST, forecast(DT, 10, 2)) == {Surface.VELOCITY, Surface.FORECAST}
    assert opened_before.has(Surface.VELOCITY)


def test_a_snapshot_of_an_older_contract_plays_without_its_flags(tmp_path: Path) -> None:
    now = dataset(SNAPSHOT)
    fields = tuple(f for f in now.contract.fields if not f.name.endswith("_flag"))
    then = replace(now, contract=replace(now.contract, version=1, fields=fields))
    lake = Lake(str(tmp_path), {SNAPSHOT: then})
    table = snapshot(DT, 100, 1).select(then.schema.names)
    write(lake, SNAPSHOT, DT, table)
    session = SessionCatalogue(Lake(lake.root), BoundedCache(10**7), Symbols()).open(SYMBOL, DT)
    assert [mark["kind"] for mark in session.overview()["quality_marks"]] == ["invalid"]


def test_a_minute_without_any_flow_is_a_gap_and_less_is_none(tmp_path: Path) -> None:
    lake, windows = Lake(str(tmp_path)), 200
    table = surface(DT, windows, 1)
    velocity = table.column("liquidity_velocity").to_numpy().reshape(windows, -1).copy()
    velocity[60:119] = 0.0
    velocity[130:190] = 0.0
    place = table.schema.get_field_index("liquidity_velocity")
    field = table.schema.field(place)
    write(lake, SNAPSHOT, DT, snapshot(DT, windows, 1))
    write(lake, SURFACE, DT, table.set_column(place, field, pa.array(velocity.reshape(-1))))
    marks = (
        SessionCatalogue(lake, BoundedCache(10**7), Symbols())
        .open(SYMBOL, DT)
        .overview()["quality_marks"]
    )
    assert [mark for mark in marks if mark["kind"] == "gap"] == [
        {"kind": "gap", "first_window": 130, "last_window": 189}
    ]
