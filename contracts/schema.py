"""A table's contract, read from its Avro schema, and the Arrow schema derived from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastavro.schema
import pyarrow as pa

from contracts.errors import ContractError

CONTRACTS_DIR: Final = Path(__file__).resolve().parent

# Parquet readers give dictionary columns back with int32 indices, whatever was written.
_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.utf8())

_PRIMITIVES: Final[dict[str, pa.DataType]] = {
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.utf8(),
}

# Avro has no unsigned integers: the field says its Arrow type beside the Avro type that holds it.
_ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "dictionary": _DICTIONARY,
}


@dataclass(frozen=True)
class Field:
    """One column of a contract."""

    name: str
    type: pa.DataType
    nullable: bool
    doc: str
    unit: str
    formula: str
    symbols: tuple[str, ...] | None
    """The permitted values of an enumeration, None for other columns."""


@dataclass(frozen=True)
class Contract:
    """The contract of one table: its fields in order, its version and its hash."""

    name: str
    version: int
    sha256: str
    doc: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema: names, order, types and nullability."""
        return pa.schema([pa.field(f.name, f.type, nullable=f.nullable) for f in self.fields])

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the column names in order."""
        return tuple(f.name for f in self.fields)


@cache
def load_contract(relative_path: str) -> Contract:
    """Read and validate the Avro schema at `relative_path` below `contracts/`.

    Raises ContractError when the schema is not valid Avro or lacks a doc, unit or formula.
    """
    path = CONTRACTS_DIR / relative_path
    content = path.read_bytes()
    avro = json.loads(content)
    try:
        fastavro.schema.parse_schema(json.loads(content))
    except fastavro.schema.SchemaParseException as error:
        raise ContractError(relative_path, [f"is not valid Avro: {error}"]) from error
    fields = tuple(_field(relative_path, field) for field in avro["fields"])
    return Contract(
        name=f"{avro['namespace'].removeprefix('spymaster.')}.{avro['name']}",
        version=int(avro["contractVersion"]),
        sha256=hashlib.sha256(content).hexdigest(),
        doc=avro["doc"],
        fields=fields,
    )


def conform(data: pa.Table | pa.RecordBatch, contract: Contract) -> None:
    """Check names, order, types, nullability and enumerations of `data` against `contract`.

    Raises ContractError that names each column with what was expected and found.
    """
    problems = schema_problems(data.schema, contract)
    if not problems:
        for field, column in zip(contract.fields, data.columns, strict=True):
            if not field.nullable and column.null_count:
                problems.append(f"column {field.name}: expected no null, found {column.null_count}")
            if field.symbols is not None:
                problems.extend(_enumeration_problems(field, column))
    if problems:
        raise ContractError(contract.name, problems)


def schema_problems(found: pa.Schema, contract: Contract) -> list[str]:
    """Return what differs between `found` and the contract's names, order and types."""
    expected_names = list(contract.column_names)
    if found.names != expected_names:
        missing = [n for n in expected_names if n not in found.names]
        extra = [n for n in found.names if n not in expected_names]
        problems = [f"column {n}: expected, not found" for n in missing]
        problems += [f"column {n}: found, not expected" for n in extra]
        if not problems:
            problems = [f"order of columns: expected {expected_names}, found {found.names}"]
        return problems
    return [
        f"column {field.name}: expected type {field.type}, found {found.field(field.name).type}"
        for field in contract.fields
        if found.field(field.name).type != field.type
    ]


def _field(contract: str, avro: dict[str, Any]) -> Field:
    missing = [key for key in ("doc", "unit", "formula") if not avro.get(key)]
    if missing:
        raise ContractError(contract, [f"column {avro['name']}: expected {m}" for m in missing])
    declared = avro["type"]
    nullable = isinstance(declared, list)
    if nullable:
        declared = next(t for t in declared if t != "null")
    symbols = None
    if isinstance(declared, dict):
        if declared["type"] == "enum":
            symbols = tuple(declared["symbols"])
            arrow_type = _DICTIONARY
        elif declared.get("logicalType") == "date":
            arrow_type = pa.date32()
        else:
            arrow_type = _ARROW_TYPES[declared["arrowType"]]
    else:
        arrow_type = _PRIMITIVES[declared]
    return Field(
        name=avro["name"],
        type=arrow_type,
        nullable=nullable,
        doc=avro["doc"],
        unit=avro["unit"],
        formula=avro["formula"],
        symbols=symbols,
    )


def _enumeration_problems(field: Field, column: pa.Array | pa.ChunkedArray) -> list[str]:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    permitted = set(field.symbols or ())
    if all(permitted.issuperset(chunk.dictionary.to_pylist()) for chunk in chunks):
        return []
    used = {
        value
        for chunk in chunks
        for value in chunk.dictionary.take(chunk.indices.drop_null().unique()).to_pylist()
    }
    strange = sorted(used - permitted)
    if not strange:
        return []
    return [f"column {field.name}: expected one of {list(field.symbols or ())}, found {strange}"]
