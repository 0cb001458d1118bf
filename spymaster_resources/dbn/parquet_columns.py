"""Columns of the vendor client's Parquet, converted exactly to fields of DBN records.

The client writes prices as 1e-9 dollars, float dollars or decimal dollars, times as integers or as
timestamps of some unit and zone, codes as characters. An undefined value is null there and the
vendor's undefined value here.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import CorruptFileError, RawFileError, WrongSchemaError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE, UNDEFINED_TIMESTAMP

PRICE_FIELDS: Final = frozenset(
    {
        "price", "bid_px_00", "ask_px_00", "strike_price", "min_price_increment",
        "min_price_increment_amount", "display_factor", "unit_of_measure_qty", "price_ratio",
        "high_limit_price", "low_limit_price", "max_price_variation", "trading_reference_price",
        "leg_price", "leg_delta",
    }
)  # fmt: skip
"""What the client divides by 1e9 when it writes dollars."""
TIME_FIELDS: Final = frozenset({"ts_recv", "ts_event", "ts_ref", "expiration", "activation"})

_PRICE_DIGITS: Final = 9
_PRICE_TYPE: Final = pa.decimal128(38, _PRICE_DIGITS)
_LIMIT: Final = float(2**63)


class ColumnReader:
    """Converts the columns of one file; raises RawFileError that names the file and the row."""

    def __init__(self, path: str, *, nullable_numbers: bool) -> None:
        """nullable_numbers: whether a null integer is the vendor's undefined value, or an error."""
        self._path = path
        self._nullable_numbers = nullable_numbers

    def field(
        self, column: pa.Array, name: str, dtype: np.dtype[Any], first_row: int
    ) -> NDArray[Any]:
        """Return `column` as values of a record's field; first_row: its place in the file."""
        if pa.types.is_null(column.type):
            column = pa.nulls(len(column), pa.utf8() if dtype.kind == "S" else pa.int64())
        if pa.types.is_dictionary(column.type) and not _is_text(column.type.value_type):
            column = column.dictionary_decode()
        try:
            if name in PRICE_FIELDS:
                return self._prices(column, name, first_row)
            if name in TIME_FIELDS:
                return self._times(column, name, first_row)
            if dtype.kind == "S":
                return self._texts(column, name, dtype, first_row)
            if pa.types.is_dictionary(column.type) or _is_text(column.type):
                return self._codes(column, name, first_row)
            return self._numbers(column, name, dtype, first_row)
        except pa.ArrowInvalid as error:
            raise self._corrupt(name, str(error), first_row) from error

    def _prices(self, column: pa.Array, name: str, first_row: int) -> NDArray[np.int64]:
        """Return int64, 1e-9 dollars: integers as they are, dollars rounded to the nearest."""
        kind = column.type
        if pa.types.is_integer(kind):
            return self._numbers(column, name, np.dtype(np.int64), first_row, UNDEFINED_PRICE)
        missing = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
        if pa.types.is_float64(kind):
            dollars = np.where(missing, 0.0, column.to_numpy(zero_copy_only=False))
            prices = np.rint(dollars * 10.0**_PRICE_DIGITS)
            self._refuse(~(np.abs(prices) < _LIMIT), column, name, first_row)
            found = prices.astype(np.int64)
        elif pa.types.is_decimal(kind):
            exact = pc.round(column, _PRICE_DIGITS, "half_towards_infinity").cast(_PRICE_TYPE)
            words = np.frombuffer(exact.buffers()[1], np.int64)
            low, high = words.reshape(-1, 2)[exact.offset : exact.offset + len(exact)].T
            self._refuse(~missing & (high != low >> 63), column, name, first_row)
            found = np.where(missing, 0, low)
        else:
            raise self._other_type(name, "a 64-bit integer, float64 or decimal price", kind)
        return np.where(missing, UNDEFINED_PRICE, found)

    def _times(self, column: pa.Array, name: str, first_row: int) -> NDArray[np.uint64]:
        """Return uint64, ns since the epoch, UTC."""
        kind = column.type
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
        elif not pa.types.is_integer(kind):
            raise self._other_type(name, "a timestamp, or ns as an integer", kind)
        dtype = np.dtype(np.uint64)
        return self._numbers(column, name, dtype, first_row, UNDEFINED_TIMESTAMP)

    def _numbers(
        self,
        column: pa.Array,
        name: str,
        dtype: np.dtype[Any],
        first_row: int,
        undefined: int | None = None,
    ) -> NDArray[Any]:
        kind, limits = column.type, np.iinfo(dtype)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise self._other_type(name, "numbers", kind)
        if column.null_count == 0 and kind == pa.from_numpy_dtype(dtype):
            as_it_is: NDArray[Any] = column.to_numpy()  # nearly every column of the client's
            return as_it_is
        missing = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
        if undefined is None and not self._nullable_numbers:
            self._refuse(missing, column, name, first_row)
        null = pa.scalar(0, kind)
        values = pc.if_else(pa.array(missing), null, column).to_numpy(zero_copy_only=False)
        if values.dtype.kind == "f":  # whole numbers that pandas holds as floats beside a null
            self._refuse(values != np.rint(values), column, name, first_row)
            over = values >= float(limits.max) + 1.0
        else:
            over = values > limits.max
        self._refuse((values < limits.min) | over, column, name, first_row)
        found: NDArray[Any] = values.astype(dtype)
        found[missing] = limits.max if undefined is None else undefined
        return found

    def _codes(self, column: pa.Array, name: str, first_row: int) -> NDArray[np.uint8]:
        """Return uint8, the ASCII code of each character; 0 for none."""
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        characters = [*encoded.dictionary.cast(pa.binary()).to_pylist(), b""]
        places = encoded.indices.fill_null(len(characters) - 1).to_numpy()
        longer = np.array([len(text or b"") > 1 for text in characters], np.bool_)
        self._refuse(longer[places], column, name, first_row)
        codes = np.array([ord((text or b"\0")[:1]) for text in characters], np.uint8)
        found: NDArray[np.uint8] = codes[places]
        return found

    def _texts(
        self, column: pa.Array, name: str, dtype: np.dtype[Any], first_row: int
    ) -> NDArray[np.bytes_]:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if not _is_text(column.type):
            raise self._other_type(name, "text", column.type)
        texts = column.fill_null("").cast(pa.binary())
        lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
        self._refuse(lengths > dtype.itemsize, column, name, first_row)
        return np.array(texts.to_pylist(), dtype)

    def _refuse(self, bad: NDArray[Any], column: pa.Array, name: str, first_row: int) -> None:
        """Raise CorruptFileError at the first row where `bad` holds."""
        if bad.any():
            row = int(bad.argmax())
            message = f"found {column[row].as_py()!r}, which its field of a record cannot hold"
            raise self._corrupt(name, message, first_row + row)

    def _corrupt(self, name: str, message: str, row: int) -> RawFileError:
        return CorruptFileError(
            self._path, f"column {name}: {message}; write the file again", position=f"row {row}"
        )

    def _other_type(self, name: str, expected: str, found: pa.DataType) -> RawFileError:
        return WrongSchemaError(
            self._path,
            f"column {name}: expected {expected}, found {found}; write the file with the vendor's "
            "client",
        )


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
