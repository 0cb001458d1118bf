"""Names of partitions: what is refused, where they lie."""

from __future__ import annotations

import datetime

import pytest

from contracts.errors import ConfigurationError
from contracts.registry import datasets
from spymaster_resources.lake.layout import (
    document_path,
    parse_folder_name,
    part_name,
    partition_folder,
    partition_key,
)
from tests.spymaster_resources.lake.tables import DAY, PICKS, QUOTES, TABLES


@pytest.mark.parametrize(
    "symbol", ["ESH4", "BRK.B", "QQQ   240105C00400000", "A", "ES-1", "X" * 32]
)
def test_market_symbols_are_accepted(symbol: str) -> None:
    key = partition_key(TABLES[QUOTES], symbol, DAY)
    folder = partition_folder(TABLES[QUOTES], key)
    assert folder == f"silver/symbol={symbol}/table=quotes/dt=2024-01-02"


@pytest.mark.parametrize(
    "symbol",
    ["", "..", "../ESH4", "ES/H4", "ES\\H4", "esh4", ".ES", "ES ", "ES\n", "ES\x00", "X" * 33,
     "ES*", "ES%2F", "É", "symbol=ES", "{dt}"],
)  # fmt: skip
def test_anything_else_is_refused_as_a_symbol(symbol: str) -> None:
    with pytest.raises(ConfigurationError, match="symbol"):
        partition_key(TABLES[QUOTES], symbol, DAY)


@pytest.mark.parametrize("dt", ["2024-01-02", datetime.datetime(2024, 1, 2), 20240102])
def test_only_a_plain_date_is_a_date(dt: object) -> None:
    with pytest.raises(ConfigurationError, match=r"datetime\.date"):
        partition_key(TABLES[QUOTES], "ESH4", dt)  # type: ignore[arg-type]


def test_parts_that_the_dataset_lacks_or_needs_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a symbol"):
        partition_key(TABLES[QUOTES], None, DAY)
    with pytest.raises(ConfigurationError, match="expected a dt"):
        partition_key(TABLES[QUOTES], "ESH4", None)
    with pytest.raises(ConfigurationError, match="has no symbol"):
        partition_key(TABLES[PICKS], "ESH4", None)
    assert (
        partition_folder(TABLES[PICKS], partition_key(TABLES[PICKS], None, None))
        == "selection/table=picks"
    )


def test_registered_datasets_lie_where_the_layout_says() -> None:
    found = {
        key: partition_folder(
            table,
            partition_key(
                table,
                "ESH6" if table.is_partitioned else None,
                datetime.date(2026, 1, 6) if table.is_partitioned else None,
            ),
        )
        for key, table in datasets().items()
    }
    tail = "product_type=future_mbo/symbol=ESH6/table"
    assert found["bronze.future_mbo.mbo"] == f"bronze/source=databento/{tail}=mbo/dt=2026-01-06"
    assert (
        found["silver.future_mbo.depth_and_flow_1s"]
        == f"silver/{tail}=depth_and_flow_1s/dt=2026-01-06"
    )
    assert (
        found["bronze.equity_option_cmbp_1.cmbp_1"] == "bronze/source=databento/"
        "product_type=equity_option_cmbp_1/symbol=ESH6/table=cmbp_1/dt=2026-01-06"
    )
    assert len(set(found.values())) == len(found)
    assert found["gold.future_mbo.forecast_1s"] == f"gold/{tail}=forecast_1s/dt=2026-01-06"


def test_folder_names_are_parsed_back_and_strange_ones_skipped() -> None:
    assert parse_folder_name("symbol={symbol}", "symbol=ESH4") == {"symbol": "ESH4"}
    assert parse_folder_name("dt={dt}", "dt=2024-01-02") == {"dt": "2024-01-02"}
    assert parse_folder_name("dt={dt}", ".staging-dt=2024-01-02-ab") is None
    assert parse_folder_name("table=quotes", "table=quotes") == {}
    assert parse_folder_name("table=quotes", "table=other") is None


def test_part_names_follow_the_content() -> None:
    assert part_name(3, "ab" * 32) == "part-00003-abababababababab.parquet"


@pytest.mark.parametrize("path", ["../x.json", "/x.json", "a/../b.json", "a.txt", "a//b.json", ""])
def test_documents_outside_the_lake_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        document_path(path)
