"""Prices, times and codes of Parquet become the fields of a record exactly, or are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CorruptFileError, WrongSchemaError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE, UNDEFINED_TIMESTAMP
from spymaster_resources.dbn.parquet_columns import ColumnReader

READER = ColumnReader("day.parquet", nullable_numbers=False)
LENIENT = ColumnReader("day.parquet", nullable_numbers=True)
I64, U64, U32, U8 = (np.dtype(code) for code in ("i8", "u8", "u4", "u1"))


def prices(column: pa.Array) -> list[int]:
    return [int(price) for price in READER.field(column, "price", I64, 0)]


def times(column: pa.Array) -> list[int]:
    return [int(time) for time in READER.field(column, "ts_recv", U64, 0)]


def or_undefined(values: list[int | None], undefined: int) -> list[int]:
    return [undefined if value is None else value for value in values]


@given(st.lists(st.integers(-(10**15), 10**15) | st.none()))
def test_float_dollars_come_back_as_the_price_they_were_made_of(values: list[int | None]) -> None:
    dollars = [None if value is None else value / 10**9 for value in values]
    assert prices(pa.array(dollars, pa.float64())) == or_undefined(values, UNDEFINED_PRICE)


def test_float_dollars_are_rounded_never_cut() -> None:
    column = pa.array([0.29, 1.1, -0.29, 2.675, float("nan"), 1e-10, 5e-10 * 1.01], pa.float64())
    expected = [290_000_000, 1_100_000_000, -290_000_000, 2_675_000_000, UNDEFINED_PRICE, 0, 1]
    assert prices(column) == expected


@given(
    st.lists(st.integers(-(10**17), 10**17) | st.none(), max_size=6), st.integers(0, 14), st.data()
)
def test_decimal_dollars_are_exact_to_a_nanodollar(
    values: list[int | None], scale: int, data: st.DataObject
) -> None:
    dollars = [None if v is None else Decimal(v).scaleb(-scale) for v in values]
    with localcontext() as context:
        context.prec = 60
        expected = [
            None if d is None else int(d.scaleb(9).to_integral_value(ROUND_HALF_UP))
            for d in dollars
        ]
    if any(e is not None and abs(e) >= 2**63 for e in expected):
        return
    kind = data.draw(st.sampled_from([pa.decimal128(38, scale), pa.decimal256(60, scale)]))
    column = pa.concat_arrays([pa.array([Decimal(7)], kind), pa.array(dollars, kind)])
    assert prices(column.slice(1)) == or_undefined(expected, UNDEFINED_PRICE)


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
def test_fixed_prices_stay(values: list[int | None]) -> None:
    assert prices(pa.array(values, pa.int64())) == or_undefined(values, UNDEFINED_PRICE)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.0, 9.3e9], pa.float64()),
        pa.array([1.0, float("inf")], pa.float64()),
        pa.array([Decimal(1), Decimal("9300000000.5")], pa.decimal128(20, 2)),
        pa.array([1, 2**63], pa.uint64()),
    ],
)
def test_a_price_beyond_64_bits_is_named(column: pa.Array) -> None:
    with pytest.raises(CorruptFileError, match=r"day\.parquet, row 41: column price: found"):
        READER.field(column, "price", I64, 40)


@pytest.mark.parametrize(
    "column", [pa.array([1.0], pa.float32()), pa.array(["1.0"]), pa.array([True])]
)
def test_a_price_in_a_type_that_cannot_be_exact_is_refused(column: pa.Array) -> None:
    with pytest.raises(WrongSchemaError, match="column price: expected a 64-bit integer, float64"):
        prices(column)


@pytest.mark.parametrize(
    ("unit", "step_ns"), [("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)]
)
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "+05:30"])
def test_timestamps_of_any_unit_and_zone_are_utc_nanoseconds(
    unit: str, step_ns: int, zone: str | None
) -> None:
    count = 1_710_201_600 * 10**9 // step_ns
    column = pa.array([count, None, count + 1], pa.timestamp(unit, zone))
    expected = [count * step_ns, UNDEFINED_TIMESTAMP, (count + 1) * step_ns]
    assert times(column) == expected


def test_timestamps_of_python_are_utc() -> None:
    moment = datetime(2024, 3, 12, 9, 30, tzinfo=UTC) + timedelta(microseconds=1)
    assert times(pa.array([moment])) == [int(moment.timestamp()) * 10**9 + 1_000]


def test_whole_nanoseconds_stay_and_undefined_ones_too() -> None:
    column = pa.array([1, UNDEFINED_TIMESTAMP, None], pa.uint64())
    assert times(column) == [1, UNDEFINED_TIMESTAMP, UNDEFINED_TIMESTAMP]
    assert times(pa.array([5], pa.int64())) == [5]


def test_times_that_are_none_are_refused() -> None:
    with pytest.raises(CorruptFileError, match="row 7: column ts_recv: found -1"):
        READER.field(pa.array([-1], pa.int64()), "ts_recv", U64, 7)
    with pytest.raises(WrongSchemaError, match="expected a timestamp, or ns as an integer"):
        times(pa.array([1.5], pa.float64()))
    with pytest.raises(CorruptFileError, match="column ts_recv"):
        times(pa.array([2**62], pa.timestamp("s")))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["A", "N", None, ""]),
        pa.array(["A", "N", None, ""], pa.large_utf8()),
        pa.array(["A", "N", None, ""]).dictionary_encode(),
        pa.array([b"A", b"N", None, b""]),
    ],
)
def test_characters_become_their_codes(column: pa.Array) -> None:
    assert READER.field(column, "side", U8, 0).tolist() == [ord("A"), ord("N"), 0, 0]


def test_codes_stay_codes_and_words_are_refused() -> None:
    assert READER.field(pa.array([65], pa.uint8()), "side", U8, 0).tolist() == [65]
    with pytest.raises(CorruptFileError, match="row 1: column side: found 'Ask'"):
        READER.field(pa.array(["A", "Ask"]), "side", U8, 0)


def test_numbers_are_exact_or_refused() -> None:
    assert READER.field(pa.array([3.0, 4.0]), "size", U32, 0).tolist() == [3, 4]
    assert READER.field(pa.array([2**64 - 1], pa.uint64()), "order_id", U64, 0).tolist() == [
        2**64 - 1
    ]
    for column in (pa.array([1.5]), pa.array([-1]), pa.array([2**32]), pa.array([2.0**32])):
        with pytest.raises(CorruptFileError, match="row 0: column size: found"):
            READER.field(column, "size", U32, 0)
    with pytest.raises(WrongSchemaError, match="column size: expected numbers, found date32"):
        READER.field(pa.array([1], pa.date32()), "size", U32, 0)


def test_a_null_number_is_undefined_where_the_vendor_has_undefined_numbers() -> None:
    column = pa.array([None, 1], pa.int64())
    with pytest.raises(CorruptFileError, match="row 0: column size: found None"):
        READER.field(column, "size", U32, 0)
    assert LENIENT.field(column, "size", U32, 0).tolist() == [2**32 - 1, 1]
    assert LENIENT.field(pa.array([float("nan"), 2.0]), "size", U32, 0).tolist() == [2**32 - 1, 2]
    assert LENIENT.field(pa.nulls(1), "size", U32, 0).tolist() == [2**32 - 1]


def test_texts_are_padded_or_refused_when_too_long() -> None:
    dtype = np.dtype("S4")
    column = pa.array(["USD", None, "EURO"])
    for texts in (column, column.dictionary_encode(), column.cast(pa.large_utf8())):
        assert READER.field(texts, "currency", dtype, 0).tolist() == [b"USD", b"", b"EURO"]
    with pytest.raises(CorruptFileError, match="row 0: column currency: found 'EUROS'"):
        READER.field(pa.array(["EUROS"]), "currency", dtype, 0)
    with pytest.raises(WrongSchemaError, match="column currency: expected text"):
        READER.field(pa.array([1]), "currency", dtype, 0)
