"""Catalogue, contract and registry say the same of every column of every dataset."""

from __future__ import annotations

import json

import fastavro
import pyarrow as pa
import pytest

from contracts.catalogue import features
from contracts.errors import ConfigurationError
from contracts.registry import dataset, datasets
from contracts.schema import CONTRACTS_DIR
from spymaster_resources.simulator.option_truth import (
    OPTION_SNAPSHOT_SCHEMA,
    option_depth_schema,
)
from spymaster_resources.simulator.truth import DEPTH_SCHEMA, SNAPSHOT_SCHEMA

KEYS = sorted(datasets())

_AVRO_OF_ARROW = {
    pa.int32(): "int",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.utf8(): "string",
    pa.uint8(): "int",
    pa.uint16(): "int",
    pa.uint32(): "long",
    pa.uint64(): "long",
    pa.date32(): "int",
}


@pytest.mark.parametrize("key", KEYS)
def test_catalogue_holds_the_columns_of_the_contract(key: str) -> None:
    entry = dataset(key)
    catalogue = features(entry.catalogue_file)[key]
    assert [f.name for f in catalogue] == list(entry.contract.column_names)
    for feature, field in zip(catalogue, entry.contract.fields, strict=True):
        assert (feature.unit, feature.formula, feature.nullable) == (
            field.unit,
            field.formula,
            field.nullable,
        ), feature.name
        assert feature.inputs, feature.name
        assert feature.steps, feature.name


def test_no_catalogue_describes_a_dataset_that_is_not_registered() -> None:
    for file in {entry.catalogue_file for entry in datasets().values()}:
        assert set(features(file)) <= set(KEYS)


def test_no_contract_lies_about_unregistered() -> None:
    files = {p.relative_to(CONTRACTS_DIR).as_posix() for p in CONTRACTS_DIR.rglob("*.avsc")}
    registered = {f"{entry.contract.name.replace('.', '/')}.avsc" for entry in datasets().values()}
    assert files == registered


@pytest.mark.parametrize("key", KEYS)
def test_key_sort_and_parquet_options_name_columns_of_the_contract(key: str) -> None:
    entry = dataset(key)
    columns = set(entry.contract.column_names)
    layout = entry.parquet
    named = [*entry.key_columns, *entry.sort_columns, *layout.dictionary, *layout.statistics]
    assert set(named) | set(layout.encoding) <= columns
    assert not set(layout.dictionary) & set(layout.encoding)
    assert not any(f.nullable for f in entry.contract.fields if f.name in entry.key_columns)


@pytest.mark.parametrize("key", KEYS)
def test_arrow_schema_equals_the_avro_schema(key: str) -> None:
    entry = dataset(key)
    path = CONTRACTS_DIR / f"{entry.contract.name.replace('.', '/')}.avsc"
    avro = fastavro.schema.parse_schema(json.loads(path.read_text("utf-8")))
    for avro_field, arrow_field in zip(avro["fields"], entry.schema, strict=True):
        declared = avro_field["type"]
        nullable = isinstance(declared, list)
        if nullable:
            assert declared[0] == "null"
            declared = declared[1]
        assert arrow_field.name == avro_field["name"]
        assert arrow_field.nullable is nullable
        base = declared["type"] if isinstance(declared, dict) else declared
        if pa.types.is_dictionary(arrow_field.type):
            assert base in ("enum", "string")
        else:
            assert base == _AVRO_OF_ARROW[arrow_field.type]


_PRODUCTS_OF_CATALOGUE: dict[str, set[str | None]] = {
    "futures_data.json": {"future_mbo", "future_option_mbo", None},
    "equities_data.json": {"equity_mbo", "equity_option_cmbp_1"},
}


def test_each_catalogue_holds_the_tables_of_its_products() -> None:
    for file, products in _PRODUCTS_OF_CATALOGUE.items():
        expected = [key for key in KEYS if dataset(key).product_type in products]
        assert sorted(features(file)) == expected


@pytest.mark.parametrize("product", ["future_mbo", "equity_mbo"])
def test_products_with_a_price_grid_have_silver_surface_and_forecast(product: str) -> None:
    tables = {dataset(key).table for key in KEYS if dataset(key).product_type == product}
    assert tables >= {
        "mbo", "book_snapshot_1s", "depth_and_flow_1s", "physics_surface_1s", "forecast_1s",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "like"),
    [
        ("silver.equity_mbo.book_snapshot_1s", "silver.future_mbo.book_snapshot_1s"),
        ("silver.equity_mbo.depth_and_flow_1s", "silver.future_mbo.depth_and_flow_1s"),
        ("silver.equity_mbo.depth_and_flow_tick_1s", "silver.future_mbo.depth_and_flow_1s"),
        ("gold.equity_mbo.physics_surface_1s", "gold.future_mbo.physics_surface_1s"),
        ("gold.equity_mbo.physics_surface_tick_1s", "gold.future_mbo.physics_surface_1s"),
        ("gold.equity_mbo.forecast_1s", "gold.future_mbo.forecast_1s"),
        ("bronze.equity_mbo.mbo", "bronze.future_mbo.mbo"),
    ],
)
def test_equities_have_the_columns_of_the_futures(key: str, like: str) -> None:
    assert dataset(key).schema == dataset(like).schema


@pytest.mark.parametrize("product", ["future_option_mbo", "equity_option_cmbp_1"])
def test_surface_of_options_is_the_futures_with_opt_in_every_name(product: str) -> None:
    future = dataset("gold.future_mbo.physics_surface_1s").contract
    option = dataset(f"gold.{product}.physics_surface_1s").contract
    keys = {name for name in future.column_names if name in option.column_names}
    assert set(option.column_names) >= keys | {"strike_price_int", "strike_points", "right"}
    physics = [n for n in option.column_names if "_opt" in n]
    assert [n.replace("_opt", "") for n in physics] == [
        n for n in future.column_names if n not in keys
    ]
    assert all(str(option.schema.field(n).type) == "float" for n in physics)


def test_option_columns_follow_the_columns_of_the_underlying_feed() -> None:
    columns = dataset("bronze.future_option_mbo.mbo").schema
    future = dataset("bronze.future_mbo.mbo").schema
    assert list(columns)[: len(future)] == list(future)
    assert columns.names[len(future) :] == ["underlying", "right", "strike", "expiration"]


@pytest.mark.parametrize(
    ("truth", "key"),
    [
        (SNAPSHOT_SCHEMA, "silver.equity_mbo.book_snapshot_1s"),
        (DEPTH_SCHEMA, "silver.equity_mbo.depth_and_flow_1s"),
        (DEPTH_SCHEMA, "silver.equity_mbo.depth_and_flow_tick_1s"),
        (OPTION_SNAPSHOT_SCHEMA, "silver.future_option_mbo.book_snapshot_1s"),
        (OPTION_SNAPSHOT_SCHEMA, "silver.equity_option_cmbp_1.book_snapshot_1s"),
        (option_depth_schema(reprice=False), "silver.future_option_mbo.depth_and_flow_1s"),
        (option_depth_schema(reprice=True), "silver.equity_option_cmbp_1.depth_and_flow_1s"),
    ],
)
def test_truth_of_the_simulated_exchange_has_columns_of_silver(truth: pa.Schema, key: str) -> None:
    names = dataset(key).schema.names
    assert [name for name in names if name in truth.names] == truth.names


def test_unknown_dataset_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"bronze\.future_mbo\.mbo"):
        dataset("silver.future_mbo.nothing")
