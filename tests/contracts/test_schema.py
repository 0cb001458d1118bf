"""A table that breaks its contract is refused with the column, the expected and the found."""

from __future__ import annotations

import pyarrow as pa
import pytest

from contracts.errors import ContractError
from contracts.registry import dataset
from contracts.schema import conform, load_contract

CONTRACT = dataset("silver.future_mbo.depth_and_flow_1s").contract


def good() -> pa.Table:
    values = {
        "window_start_ts_ns": [0],
        "window_end_ts_ns": [1_000_000_000],
        "price_int": [4_800_250_000_000],
        "side": pa.array(["A"]).dictionary_encode(),
        "spot_ref_price_int": [4_800_000_000_000],
        "rel_ticks": [1],
        "rel_ticks_side": [None],
        "depth_qty_start": [0],
        "depth_qty_end": [3],
        "add_qty": [3],
        "pull_qty": [0],
        "depth_qty_rest": [0],
        "pull_qty_rest": [0],
        "fill_qty": [0],
        "window_valid": [True],
        "size_outlier_flag": [False],
    }
    return pa.table(
        [
            pa.array(v, f.type) if isinstance(v, list) else v
            for v, f in zip(values.values(), CONTRACT.schema, strict=True)
        ],
        schema=CONTRACT.schema,
    )


def test_good_table_conforms() -> None:
    conform(good(), CONTRACT)


def test_missing_column_is_named() -> None:
    with pytest.raises(ContractError, match="column fill_qty: expected, not found"):
        conform(good().drop_columns(["fill_qty"]), CONTRACT)


def test_extra_column_is_named() -> None:
    with pytest.raises(ContractError, match="column extra: found, not expected"):
        conform(good().append_column("extra", pa.array([1])), CONTRACT)


def test_order_of_columns_is_part_of_the_contract() -> None:
    table = good()
    with pytest.raises(ContractError, match="order of columns"):
        conform(table.select(table.column_names[::-1]), CONTRACT)


def test_wrong_type_is_named_with_both_types() -> None:
    table = good()
    i = table.schema.get_field_index("add_qty")
    bad = table.set_column(
        i, pa.field("add_qty", pa.int32(), nullable=False), pa.array([3], pa.int32())
    )
    with pytest.raises(ContractError, match="column add_qty: expected type int64, found int32"):
        conform(bad, CONTRACT)


def test_null_is_refused_where_the_contract_forbids_it() -> None:
    table = good()
    i = table.schema.get_field_index("add_qty")
    bad = table.set_column(i, "add_qty", pa.array([None], pa.int64()))
    with pytest.raises(ContractError, match="column add_qty: expected no null, found 1"):
        conform(bad, CONTRACT)


def test_strange_enumeration_value_is_named() -> None:
    table = good()
    i = table.schema.get_field_index("side")
    bad = table.set_column(i, "side", pa.array(["X"]).dictionary_encode())
    with pytest.raises(
        ContractError, match=r"column side: expected one of \['A', 'B'\], found \['X'\]"
    ):
        conform(bad, CONTRACT)


def test_unused_dictionary_entry_is_no_breach() -> None:
    table = good()
    i = table.schema.get_field_index("side")
    side = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["A", "X"]))
    conform(table.set_column(i, "side", side), CONTRACT)


def test_contract_is_read_once_with_version_and_hash() -> None:
    contract = load_contract("silver/future_mbo/depth_and_flow_1s.avsc")
    assert contract is CONTRACT
    assert contract.version == 2
    assert len(contract.sha256) == 64
