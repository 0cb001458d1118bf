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


def test_unknown_dataset_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"bronze\.future_mbo\.mbo"):
        dataset("silver.future_mbo.nothing")
