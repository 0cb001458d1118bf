"""Some options of a random minute replayed from bronze, against the table of depth and flow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Final

import numpy as np

from spymaster_assets.checks.chain import streamed
from spymaster_assets.checks.check import Check, Finding
from spymaster_assets.checks.executions import windows_of
from spymaster_assets.checks.minute import Flow, Place, flows_of_minute, minute_of
from spymaster_assets.checks.quote_minute import QuoteFlow, quote_flows_of_minute
from spymaster_assets.checks.silver import add_flow, compare_flows, executions_of, rows_of
from spymaster_assets.checks.subject import Subject

_OPTIONS: Final = 8
"""Of the grid's: a chain's minute holds half a million records."""

Option = tuple[int, str]
"""Strike and right."""


def option_minute_check(key: str, bronze: str) -> Check:
    """Return the check of a minute's flows against a replay of their own."""
    what = "quotes" if bronze.endswith("cmbp_1") else "orders"
    return Check(
        "minute_replay",
        key,
        f"in a random minute adds, pulls and fills of {_OPTIONS} options, and what of their depth "
        f"came within the last half second, are, exactly, those of bronze's {what} replayed one by "
        "one",
        lambda subject: _minute(subject, bronze),
    )


def _minute(subject: Subject, bronze: str) -> Finding:
    records = subject.other_partition(bronze)
    minute = minute_of(records, windows_of(subject))
    rows = [
        (Place(row["window"], 0, row["side"], row["strike_price_int"], row["right"]), row)
        for row in rows_of(subject, minute)
    ]
    chosen = _chosen({(place.strike, place.right) for place, _ in rows}, records.manifest.sha256)
    options = {
        number: (row["strike_price_int"], row["right"])
        for number, row in streamed(subject, bronze).items()
        if (row["strike_price_int"], row["right"]) in chosen
    }
    expected: dict[Place, Flow] = defaultdict(Flow)
    unknown: set[Place] = set()
    is_quotes = bronze.endswith("cmbp_1")
    if is_quotes:
        known, unknown = quote_flows_of_minute(subject, records, minute, options)
        expected |= known
    else:
        windows, done = executions_of(subject, bronze)
        bounds = done.rows_of(windows, minute)
        for place, flow in flows_of_minute(subject, records, minute, bounds, options).items():
            add_flow(expected[place._replace(price_int=0)], flow)
    compared = [
        (place, row)
        for place, row in rows
        if (place.strike, place.right) in chosen and place not in unknown
    ]
    places = {place for place, _ in compared}  # the grid moves: what lies outside has no row
    inside = {place: flow for place, flow in expected.items() if place in places}
    return compare_flows(inside, compared, QuoteFlow() if is_quotes else Flow())


def _chosen(options: Collection[Option], seed: str) -> set[Option]:
    """Return some of the options, which the manifest of bronze decides."""
    random = np.random.default_rng(int(seed[:16], 16))
    ordered = sorted(options)
    return {ordered[i] for i in random.permutation(len(ordered))[:_OPTIONS]}
