"""Checks of the contract selection: the choices for one root in the map of all roots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.registry import dataset
from spymaster_assets.checks.check import MAX_OFFENDERS, Check, Finding, sql_check
from spymaster_assets.checks.general import contract_check
from spymaster_assets.checks.rows import filled
from spymaster_assets.checks.subject import Subject
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.selection_map import DATASET, read_overrides

_CHOICES: Final = (
    "(SELECT * FROM {table} "
    "WHERE regexp_full_match(selected_symbol::VARCHAR, '{root}[FGHJKMNQUVXZ][0-9]{1,2}'))"
)


def selection_checks() -> Iterator[Check]:
    """Yield the checks of the selection map."""
    yield contract_check(dataset(DATASET))
    yield sql_check(
        "one_contract",
        DATASET,
        "a session date has one contract of the root",
        "SELECT session_date, count(*) AS contracts, min(selected_symbol) AS first_symbol, "
        f"max(selected_symbol) AS last_symbol FROM {_CHOICES} GROUP BY session_date "
        "HAVING contracts > 1",
        numbers_sql="SELECT count(DISTINCT session_date) AS sessions, "
        f"count(*) FILTER (roll_flag) AS rolls FROM {_CHOICES}",
        values=_root,
    )
    yield sql_check(
        "earlier_data",
        DATASET,
        "a choice rests on the volume of a session before its own, or says that there was none",
        f"SELECT * FROM {_CHOICES} WHERE prev_trading_date >= session_date "
        "OR (prev_trading_date IS NULL) <> (prev_volume_selected IS NULL) "
        "OR (prev_trading_date IS NULL AND reason NOT IN ('first_date', 'override'))",
        values=_root,
    )
    yield sql_check(
        "largest_volume",
        DATASET,
        "what was chosen by volume had the largest, and had not expired",
        f"SELECT * FROM {_CHOICES} WHERE (reason = 'volume' "
        "AND prev_volume_selected < prev_volume_rank2) "
        "OR (reason <> 'override' AND selected_exp_date <= session_date)",
        values=_root,
    )
    yield sql_check(
        "flip_flop",
        DATASET,
        "a contract that was left is never chosen again",
        "SELECT session_date, selected_symbol, symbol_before, chosen_first, reason FROM "
        "(SELECT *, lag(selected_symbol) OVER (ORDER BY session_date) AS symbol_before, "
        "min(session_date) OVER (PARTITION BY selected_symbol) AS chosen_first "
        f"FROM {_CHOICES}) WHERE selected_symbol <> symbol_before AND chosen_first < session_date",
        values=_root,
        blocking=False,
    )
    yield Check(
        "overrides",
        DATASET,
        "choices made by hand are those of the file of overrides",
        _overrides,
        blocking=False,
    )


def _root(subject: Subject) -> dict[str, object]:
    return {"root": subject.instrument.root}


def _overrides(subject: Subject) -> Finding:
    if subject.lake is None:
        raise UnavailableError("there is no lake to read the overrides from")
    wanted = read_overrides(subject.lake, subject.instrument.root)
    choices = subject.query(
        "SELECT session_date, selected_symbol::VARCHAR AS selected_symbol, "
        f"reason::VARCHAR AS reason FROM {filled(_CHOICES, _root(subject))} ORDER BY session_date"
    )
    wrong: list[dict[str, Any]] = [
        {**row, "override": wanted.get(row["session_date"])}
        for row in choices
        if (row["session_date"] in wanted or row["reason"] == "override")
        and wanted.get(row["session_date"]) != row["selected_symbol"]
    ]
    listed = [
        f"{row['session_date']} {row['selected_symbol']}"
        for row in choices
        if row["reason"] == "override"
    ]
    detail = f"by hand: {', '.join(listed)}" if listed else ""
    return Finding(len(wrong), detail, wrong[:MAX_OFFENDERS], {"overrides": len(listed)})
