"""Definition and statistics files, as the vendor's client and the real files have them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from math import erf, log, sqrt
from pathlib import Path

import databento
import databento_dbn
import numpy as np
import numpy.typing as npt
import pytest

from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator import reference, statistics
from spymaster_resources.simulator.reference import (
    write_equity_options_reference,
    write_equity_reference,
    write_future_options_reference,
    write_futures_reference,
)
from spymaster_resources.vendor.expiring import expiring_options
from spymaster_resources.vendor.products import EQUITIES, FUTURES

ES = instrument("ES", "future_mbo")
DT = date(2026, 1, 9)  # a Friday
Writer = Callable[[Path, int], list[Path]]

WRITERS: dict[str, Writer] = {
    "futures": lambda folder, version: write_futures_reference(
        ES, DT, folder, seed=3, version=version
    ),
    "future options": lambda folder, version: write_future_options_reference(
        ES, DT, folder, seed=3, half_width=12, version=version
    ),
    "equity": lambda folder, version: write_equity_reference("QQQ", DT, folder, version=version),
    "equity options": lambda folder, version: write_equity_options_reference(
        "QQQ", DT, folder, seed=3, half_width=30, version=version
    ),
}


def load(path: Path) -> databento.DBNStore:
    return databento.DBNStore.from_bytes(path.read_bytes())


def rows(path: Path) -> npt.NDArray[np.void]:
    return np.atleast_1d(load(path).to_ndarray())


def texts(table: npt.NDArray[np.void], field: str) -> list[str]:
    return [value.decode() for value in table[field].tolist()]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("product", WRITERS)
def test_vendor_client_reads_every_file_and_maps_every_symbol(
    product: str, version: int, tmp_path: Path
) -> None:
    for path in WRITERS[product](tmp_path, version):
        store = load(path)
        assert store.metadata.version == version
        frame = store.to_df()
        named = "raw_symbol" if "definition" in path.name else "symbol"
        assert len(frame) > 0
        assert set(frame[named]) == set(store.mappings)


@pytest.mark.parametrize(
    ("real", "product", "pick"),
    [
        ("glbx-options/options_exercise/futures_definition.dbn.zst", "futures", "ESH6"),
        ("definitions/definition-glbx-es-futspread.dbn.zst", "futures", "ESH6-ESM6"),
        ("glbx-options/options_exercise/options_definition.dbn.zst", "future options", "EW2F6 C"),
        ("definitions/definition-opra.dbn.zst", "equity options", "QQQ   260109P"),
    ],
)
def test_fields_are_those_of_the_real_files(
    real: str, product: str, pick: str, real_data: Path, tmp_path: Path
) -> None:
    """Every field equals the real one, but for names, ids, times and the limits of the price."""
    path = next(p for p in WRITERS[product](tmp_path, 1) if "definition" in p.name)
    ours = next(row for row in rows(path) if row["raw_symbol"].decode().startswith(pick))
    theirs = rows(real_data / real)[0]
    free = {
        "raw_symbol", "underlying", "instrument_id", "underlying_id", "raw_instrument_id", "group",
        "strike_price", "channel_id", "asset", "ts_event", "ts_recv", "expiration", "activation",
        "high_limit_price", "low_limit_price", "trading_reference_price", "trading_reference_date",
        "maturity_year", "maturity_month",
    }  # fmt: skip
    for name in theirs.dtype.names or ():
        if name not in free:
            assert ours[name] == theirs[name], name
    undefined = databento_dbn.UNDEF_PRICE
    for name in ("strike_price", "low_limit_price"):
        assert (ours[name] == undefined) == (theirs[name] == undefined), name


def test_equity_definition_is_that_of_a_real_stock(real_data: Path, tmp_path: Path) -> None:
    fixture = "fixtures/databento-python/XNAS.ITCH/test_data.definition.dbn.zst"
    ours = rows(write_equity_reference("QQQ", DT, tmp_path)[0])[0]
    theirs = rows(real_data / fixture)[0]
    free = {"raw_symbol", "instrument_id", "raw_instrument_id", "ts_event", "ts_recv"}
    for name in theirs.dtype.names or ():
        if name not in free:
            assert ours[name] == theirs[name], name


def test_options_of_the_day_are_told_from_later_ones(tmp_path: Path) -> None:
    future, equity = (
        next(p for p in WRITERS[product](tmp_path / product, 3) if "definition" in p.name)
        for product in ("future options", "equity options")
    )
    found = expiring_options(open_dbn(future), FUTURES, "ES", DT)
    assert len(found.symbols) == 2 * 25
    assert found.other_dates == 2 * 21
    assert all(symbol.startswith("EW2F6 ") for symbol in found.symbols)
    found = expiring_options(open_dbn(equity), EQUITIES, "QQQ", DT)
    assert len(found.symbols) == 2 * 61
    assert found.other_dates == 2 * 41
    table = rows(future)
    closes = {datetime.fromtimestamp(t / 1e9, tz=UTC).hour for t in table["expiration"].tolist()}
    assert closes == {21}  # 16:00 in New York's winter


def test_parents_are_the_families(tmp_path: Path) -> None:
    path = write_future_options_reference(
        ES, date(2026, 3, 20), tmp_path, seed=3, half_width=3, schemas=["definition"]
    )[0]
    store = load(path)
    assert store.symbols == ["EW3.OPT", "ES.OPT"]
    assert str(store.stype_in) == "parent"
    table = rows(path)
    assert set(zip(texts(table, "asset"), texts(table, "underlying"), strict=True)) == {
        ("EW3", "ESM6"),
        ("ES", "ESM6"),
    }


def test_ids_are_unique_on_a_date_and_new_ones_come_with_another(tmp_path: Path) -> None:
    first, second = (
        rows(write_future_options_reference(ES, dt, tmp_path / str(dt), seed=3, half_width=5)[0])[
            "instrument_id"
        ]
        for dt in (DT, date(2026, 1, 12))
    )
    assert len(np.unique(first)) == len(first)
    assert set(first.tolist()).isdisjoint(second.tolist())


def test_statistics_hold_settlement_interest_and_volume(tmp_path: Path) -> None:
    path = next(p for p in WRITERS["future options"](tmp_path, 3) if "statistics" in p.name)
    table = rows(path)
    kinds = {
        kind: table[table["stat_type"] == kind]
        for kind in (
            statistics.SETTLEMENT_PRICE,
            statistics.OPEN_INTEREST,
            statistics.CLEARED_VOLUME,
        )
    }
    assert sum(map(len, kinds.values())) == len(table)
    settled = kinds[statistics.SETTLEMENT_PRICE]
    assert np.all(settled["price"] % reference.OPTION_TICK_INT == 0)
    assert np.all(settled["quantity"] == databento_dbn.UNDEF_STAT_QUANTITY)
    for kind in (statistics.OPEN_INTEREST, statistics.CLEARED_VOLUME):
        assert np.all(kinds[kind]["quantity"] >= 1)
        assert np.all(kinds[kind]["price"] == databento_dbn.UNDEF_PRICE)


def test_codes_are_the_vendors() -> None:
    kinds = databento_dbn.StatType
    assert int(kinds.SETTLEMENT_PRICE) == statistics.SETTLEMENT_PRICE
    assert int(kinds.CLEARED_VOLUME) == statistics.CLEARED_VOLUME
    assert int(kinds.OPEN_INTEREST) == statistics.OPEN_INTEREST
    assert int(databento_dbn.StatUpdateAction.NEW) == statistics._NEW


def naive_premium(is_call: bool, forward: float, strike: float, years: float) -> float:
    """Black (1976) with the smile, put by its own formula."""
    base = 0.18 * sqrt(max(years, 60 / (365 * 86_400)))
    x = min(4.0, max(-4.0, log(strike / forward) / base))
    s = base * (1 - 0.09 * x + 0.025 * x * x)
    d1 = (log(forward / strike) + s * s / 2) / s
    d2 = d1 - s

    def n(z: float) -> float:
        return (1 + erf(z / sqrt(2))) / 2

    if is_call:
        return forward * n(d1) - strike * n(d2)
    return strike * n(-d2) - forward * n(-d1)


@pytest.mark.parametrize("years", [0.0, 1e-5, 7e-4, 3e-3])
def test_premium_is_blacks(years: float) -> None:
    for strike in range(6_600, 7_400, 35):
        for is_call in (True, False):
            found = reference._premium(is_call, 7_001.25, float(strike), years)
            assert found == pytest.approx(naive_premium(is_call, 7_001.25, strike, years), abs=1e-8)
            assert found >= max(0.0, (7_001.25 - strike) * (1 if is_call else -1)) - 1e-9
