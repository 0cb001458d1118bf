"""The input columns and the vendor's constants."""

from __future__ import annotations

import databento_dbn
import numpy as np
import pytest

from book_engines import records
from book_engines.records import DTYPES, MboColumns, mbo_columns


@pytest.mark.parametrize(
    "name",
    ["LAST", "TOB", "SNAPSHOT", "MBP", "BAD_TS_RECV", "MAYBE_BAD_BOOK", "PUBLISHER_SPECIFIC"],
)
def test_flag_bits_are_the_vendors(name: str) -> None:
    assert getattr(records, "F_" + name) == int(getattr(databento_dbn, "F_" + name))


def test_codes_of_actions_and_sides_are_the_vendors() -> None:
    for name in ("ADD", "CANCEL", "MODIFY", "CLEAR", "TRADE", "FILL", "NONE"):
        assert chr(getattr(records, name)) == getattr(databento_dbn.Action, name).value
    for name in ("ASK", "BID"):
        assert chr(getattr(records, name)) == getattr(databento_dbn.Side, name).value
    assert databento_dbn.UNDEF_PRICE == records.UNDEF_PRICE


def test_columns_are_made_writable_and_of_the_exact_type() -> None:
    columns = {name: np.zeros(3, np.int64) for name in MboColumns._fields}
    columns["size"] = np.array([1, 2, 3], np.uint8)
    frozen = np.arange(3)
    frozen.flags.writeable = False
    columns["ts_event_ns"] = frozen
    made = mbo_columns(**columns)
    assert [c.dtype for c in made] == list(DTYPES)
    assert all(c.flags.writeable and c.flags.c_contiguous for c in made)
    assert made.size.tolist() == [1, 2, 3]


def test_columns_of_unequal_length_are_refused() -> None:
    columns = {name: np.zeros(3, d) for name, d in zip(MboColumns._fields, DTYPES, strict=True)}
    columns["flags"] = np.zeros(2, np.uint8)
    with pytest.raises(ValueError, match="one length"):
        mbo_columns(**columns)


def test_values_that_do_not_fit_are_refused() -> None:
    columns = {name: np.zeros(1, np.int64) for name in MboColumns._fields}
    columns["size"] = np.array([-1])
    with pytest.raises(ValueError, match="column size"):
        mbo_columns(**columns)
