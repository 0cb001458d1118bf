"""The contract selection map: which outright future stands for a root on each session date."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Final

import pyarrow as pa

from contracts.errors import ConfigurationError
from contracts.registry import dataset
from spymaster_resources.instruments import parse_contract
from spymaster_resources.lake import InputRef, Lake
from spymaster_resources.trading_calendar import parse_date

DATASET: Final = "selection.mbo_contract_day_selection"
OVERRIDES: Final = "selection/overrides.json"
"""{root: {date: symbol}}: choices made by hand, which win and are marked."""

REASONS: Final = ("volume", "first_date", "hysteresis", "override")


@dataclass(frozen=True)
class Selection:
    """The choice for one session date; the columns of the selection table in order."""

    session_date: date
    selected_symbol: str
    selected_exp_date: date
    prev_trading_date: date | None
    prev_volume_selected: int | None
    prev_volume_rank2: int | None
    roll_flag: bool
    reason: str

    @property
    def root(self) -> str:
        """Return the root of the selected contract."""
        contract = parse_contract(self.selected_symbol)
        if contract is None:
            raise ConfigurationError(f"selection of {self.selected_symbol!r}: not an outright")
        return contract.root


def read_selection(lake: Lake, root: str) -> dict[date, Selection]:
    """Return the choices for `root` by session date; empty when none was made yet."""
    return {row.session_date: row for row in _all_rows(lake) if row.root == root}


def write_selection(
    lake: Lake, rows: Iterable[Selection], *, inputs: Sequence[InputRef], code_version: str
) -> None:
    """Put `rows` into the map; every other date and root stays as it is."""
    new = {(row.root, row.session_date): row for row in rows}
    kept = {(row.root, row.session_date): row for row in _all_rows(lake)}
    merged = sorted((kept | new).values(), key=lambda row: (row.session_date, row.selected_symbol))
    with lake.writer(
        DATASET, None, None, parameters={}, inputs=inputs, code_version=code_version
    ) as w:
        w.write(_table(merged))
        w.publish()


def resolve_symbol(lake: Lake, symbol: str, dt: date) -> str | None:
    """Return the contract that `symbol` means on `dt`: itself, or the root's selected contract."""
    if parse_contract(symbol) is not None:
        return symbol
    row = read_selection(lake, symbol).get(dt)
    return row.selected_symbol if row else None


def read_overrides(lake: Lake, root: str) -> dict[date, str]:
    """Return the overrides of `root` by date; raises ConfigurationError for a malformed file."""
    document = lake.document(OVERRIDES)
    if document is None:
        return {}
    try:
        by_root: Mapping[str, Mapping[str, str]] = json.loads(document)
        return {parse_date(dt): str(symbol) for dt, symbol in by_root.get(root, {}).items()}
    except (ValueError, AttributeError) as error:
        message = f'{OVERRIDES}: expected {{"ES": {{"2026-01-05": "ESH6"}}}}, found {error}'
        raise ConfigurationError(message) from error


def write_override(lake: Lake, root: str, dt: date, symbol: str) -> None:
    """Add one override to the file of overrides."""
    document = lake.document(OVERRIDES)
    by_root = json.loads(document) if document else {}
    by_root.setdefault(root, {})[dt.isoformat()] = symbol
    content = json.dumps(by_root, indent=2, sort_keys=True) + "\n"
    lake.put_document(OVERRIDES, content.encode())


def _all_rows(lake: Lake) -> list[Selection]:
    if lake.manifest(DATASET, None, None) is None:
        return []
    return [Selection(**row) for row in lake.read(DATASET, None, None).to_pylist()]


def _table(rows: Sequence[Selection]) -> pa.Table:
    records = [asdict(row) for row in rows]
    schema = dataset(DATASET).schema
    names = [f.name for f in fields(Selection)]
    columns = [
        pa.array([r[name] for r in records], _value_type(schema.field(name).type)).cast(
            schema.field(name).type
        )
        for name in names
    ]
    return pa.table(columns, schema=schema)


def _value_type(arrow_type: pa.DataType) -> pa.DataType:
    return arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
