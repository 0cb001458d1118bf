"""`metadata.*`: what there is, in which quality, how much of it, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spymaster_resources.gateway.account import UNIT_PRICES, Account, cost_usd
from spymaster_resources.gateway.instants import day_span_ns, iso_ns, parse_day
from spymaster_resources.gateway.package import condition_rows
from spymaster_resources.gateway.query import parse_query, required
from spymaster_resources.gateway.refusal import unprocessable

_MODES: Final = ("historical", "historical-streaming", "live")
_C_TYPES: Final = {
    "u1": "uint8_t", "u2": "uint16_t", "u4": "uint32_t", "u8": "uint64_t",
    "i1": "int8_t", "i2": "int16_t", "i4": "int32_t", "i8": "int64_t",
}  # fmt: skip


def get_record_count(account: Account, fields: Mapping[str, str]) -> int:
    """Return the number of records of a request."""
    return account.answer(parse_query(fields)).size()[0]


def get_billable_size(account: Account, fields: Mapping[str, str]) -> int:
    """Return the bytes of a request's records, uncompressed."""
    return account.answer(parse_query(fields)).size()[1]


def get_cost(account: Account, fields: Mapping[str, str]) -> float:
    """Return the price of a request in dollars."""
    query = parse_query(fields)
    return cost_usd(query.schema, account.answer(query).size()[1])


def list_datasets(account: Account, fields: Mapping[str, str]) -> list[str]:
    """Return the datasets, those with data inside the given dates where any are given."""
    first = parse_day(fields["start_date"], "start_date") if fields.get("start_date") else None
    end = parse_day(fields["end_date"], "end_date") if fields.get("end_date") else None
    datasets = []
    for dataset in account.archive.datasets():
        span = account.archive.span(dataset)
        if span and (first is None or span.last >= first) and (end is None or span.first < end):
            datasets.append(dataset)
    return datasets


def list_schemas(account: Account, fields: Mapping[str, str]) -> list[str]:
    """Return the schemas of a dataset."""
    dataset = required(fields, "dataset")
    account.require_dataset(dataset)
    return list(account.archive.schemas(dataset))


def list_unit_prices(account: Account, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return dollars a gigabyte by mode and schema."""
    schemas = list_schemas(account, fields)
    prices = {schema: UNIT_PRICES[schema] for schema in schemas if schema in UNIT_PRICES}
    return [{"mode": mode, "unit_prices": prices} for mode in _MODES]


def get_dataset_range(account: Account, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the available range of a dataset and of each schema; the end is excluded."""
    dataset = required(fields, "dataset")
    span = account.require_dataset(dataset)
    row = {"start": iso_ns(day_span_ns(span.first)[0]), "end": iso_ns(day_span_ns(span.last)[1])}
    return row | {"schema": dict.fromkeys(account.archive.schemas(dataset), row)}


def get_dataset_condition(
    account: Account, fields: Mapping[str, str]
) -> list[dict[str, str | None]]:
    """Return the dates with data and their quality, both ends included."""
    dataset = required(fields, "dataset")
    span = account.require_dataset(dataset)
    first = (
        parse_day(fields["start_date"], "start_date") if fields.get("start_date") else span.first
    )
    last = parse_day(fields["end_date"], "end_date") if fields.get("end_date") else span.last
    days = account.conditions(dataset, max(first, span.first), min(last, span.last))
    return condition_rows(days)


def list_publishers(account: Account, _fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the vendor's publishers of the datasets that are served."""
    # The vendor's own table; imported when asked for, because its client is slow to import.
    from databento.common.publishers import Publisher

    served = account.archive.datasets()
    return [
        {
            "publisher_id": publisher.to_int(),
            "dataset": publisher.dataset.value,
            "venue": publisher.venue.value,
            "description": publisher.description,
        }
        for publisher in Publisher
        if publisher.dataset.value in served
    ]


def list_fields(_account: Account, fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Return names and types of the fields of a schema in DBN."""
    from databento.common.constants import SCHEMA_STRUCT_MAP

    schema, encoding = required(fields, "schema"), required(fields, "encoding")
    layouts = {str(known): layout for known, layout in SCHEMA_STRUCT_MAP.items()}
    if encoding != "dbn" or schema not in layouts:
        raise unprocessable(
            "validation_failed", f"The fields of {schema} in {encoding} are not known here."
        )
    return [{"name": name, "type": _c_type(dtype)} for name, dtype in layouts[schema]._dtypes]


def _c_type(dtype: str) -> str:
    if dtype in _C_TYPES:
        return _C_TYPES[dtype]
    return "char" if dtype == "S1" else f"char[{dtype[1:]}]"
