"""The contract selection map: which outright future stands for a root on each session date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Final

import pyarrow as pa

from contracts.errors import ConfigurationError, PublicationConflictError
from contracts.registry import dataset
from spymaster_resources.instruments import parse_contract
from spymaster_resources.lake import InputRef, Lake, Manifest, RawInput, StagedPartition
from spymaster_resources.trading_calendar import parse_date

DATASET: Final = "selection.mbo_contract_day_selection"
OVERRIDES: Final = "selection/overrides.json"
"""{root: {date: symbol}}: choices made by hand, which win and are marked."""

REASONS: Final = ("volume", "first_date", "hysteresis", "override")

_ATTEMPTS: Final = 10  # of one writer, while others change other dates of the map


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


def selected_roots(lake: Lake, dt: date) -> list[str]:
    """Return the roots that have a choice for `dt`, sorted."""
    return sorted({row.root for row in _all_rows(lake) if row.session_date == dt})


def write_selection(
    lake: Lake,
    rows: Iterable[Selection],
    *,
    inputs: Sequence[InputRef | RawInput],
    code_version: str,
    audit: Callable[[Sequence[StagedPartition]], None] = lambda _: None,
) -> None:
    """Put `rows` into the map; every other date and root stays as it is.

    `inputs` are what `rows` were chosen by, bronze or raw files; those of the other rows stay
    recorded. `audit` looks at the map before it is published and raises to keep it back. A writer
    that another one overtakes starts again from what that one wrote. Raises
    PublicationConflictError when that happens too often.
    """
    new = {(row.root, row.session_date): row for row in rows}
    for _ in range(_ATTEMPTS - 1):
        with suppress(PublicationConflictError):
            return _merge(lake, new, inputs, code_version, audit)
    return _merge(lake, new, inputs, code_version, audit)


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
    """Add one override to the file of overrides; the others stay.

    Raises ConfigurationError for a malformed file.
    """
    read_overrides(lake, root)

    def added(document: bytes | None) -> bytes:
        by_root = json.loads(document) if document else {}
        by_root.setdefault(root, {})[dt.isoformat()] = symbol
        return (json.dumps(by_root, indent=2, sort_keys=True) + "\n").encode()

    lake.update_document(OVERRIDES, added)


def _merge(
    lake: Lake,
    new: Mapping[tuple[str, date], Selection],
    inputs: Sequence[InputRef | RawInput],
    code_version: str,
    audit: Callable[[Sequence[StagedPartition]], None],
) -> None:
    before = lake.manifest(DATASET, None, None)
    rows = {**{(row.root, row.session_date): row for row in _all_rows(lake)}, **new}
    merged = sorted(rows.values(), key=lambda row: (row.session_date, row.selected_symbol))
    with lake.writer(
        DATASET,
        None,
        None,
        parameters={},
        inputs=[*_kept_inputs(before, merged, inputs), *inputs],
        code_version=code_version,
    ) as writer:
        if lake.manifest(DATASET, None, None) != before:
            raise PublicationConflictError(DATASET, "another writer published the map meanwhile")
        writer.write(_table(merged))
        audit([writer.seal()])
        writer.publish()


def _kept_inputs(
    before: Manifest | None, rows: Sequence[Selection], new: Sequence[InputRef | RawInput]
) -> list[InputRef | RawInput]:
    """Return the recorded inputs that rows of the map still rest on and that are not given anew."""
    if before is None:
        return []
    used = {(row.root, row.prev_trading_date) for row in rows}
    given = {_day(ref) for ref in new if isinstance(ref, InputRef)}
    names = {raw.name for raw in new if isinstance(raw, RawInput)}
    return [
        *(ref for ref in before.inputs if _day(ref) in used and _day(ref) not in given),
        *(raw for raw in before.raw_inputs if raw.name not in names),
    ]


def _day(ref: InputRef) -> tuple[str | None, date | None]:
    contract = parse_contract(ref.symbol or "")
    return (contract.root if contract else None, ref.dt)


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
