"""Finished sessions of a root: which there are, and one read for calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from book_engines.baselines import order_flow_imbalance, queue_imbalance
from book_engines.samples import Session
from contracts.errors import ConfigurationError, ContractError
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.fields import Reading, forecast_surface, read_forces_by
from spymaster_assets.stages.option_obstacles import current_options
from spymaster_resources.instruments import FUTURE, Instrument, parse_contract
from spymaster_resources.lake import InputRef
from spymaster_resources.selection_map import read_selection

STAGE: Final = "calibration"
DEFAULT_DAYS: Final = 20


@dataclass(frozen=True)
class SessionRef:
    """A finished session: its date, the symbol it is filed under, what it is read from.

    `options` is the option surface that its forces take in, None where there is none.
    """

    dt: date
    symbol: str
    surface: InputRef
    snapshot: InputRef
    options: InputRef | None

    @property
    def inputs(self) -> list[InputRef]:
        """Return the partitions there are."""
        return [r for r in (self.surface, self.snapshot, self.options) if r is not None]


def finished_sessions(ctx: StageContext, dates: Sequence[date] | None) -> list[SessionRef]:
    """Return the sessions of the root with surface and snapshots, oldest first.

    Without `dates` the last 20. Dates without such tables, with empty ones, or built for another
    session window than the context's (early closes count as that window) are left out. Where gold
    holds several contracts of one date, the contract selection decides.
    """
    root, window = ctx.instrument.root, str(ctx.session)
    found: dict[date, set[str]] = {}
    table = forecast_surface(ctx.instrument)
    for key in ctx.lake.partitions(table.gold):
        if key.dt is not None and key.symbol is not None and _is_of(ctx.instrument, key.symbol):
            found.setdefault(key.dt, set()).add(key.symbol)
    wanted = sorted(found if dates is None else set(dates) & set(found))
    selection = read_selection(ctx.lake, root)
    sessions = []
    for dt in reversed(wanted):
        chosen = {selection[dt].selected_symbol} & found[dt] if dt in selection else found[dt]
        if len(chosen) > 1:
            message = f"gold of {dt} holds {', '.join(sorted(chosen))}"
            raise ConfigurationError(f"{message}: build the contract selection of {root} first")
        for symbol in chosen:
            manifests = [ctx.lake.manifest(key, symbol, dt) for key in (table.gold, table.snapshot)]
            fitting = [
                m.reference
                for m in manifests
                if m is not None and m.row_count and m.parameters.get("session") == window
            ]
            if len(fitting) == len(manifests):
                surface, snapshot = fitting
                options = current_options(ctx, symbol, dt)
                sessions.append(SessionRef(dt, symbol, surface, snapshot, options))
        if dates is None and len(sessions) == DEFAULT_DAYS:
            break
    return sessions[::-1]


def _is_of(instrument: Instrument, symbol: str) -> bool:
    """Return whether partitions of `symbol` are the instrument's: its contracts, or the ticker."""
    if instrument.product_type != FUTURE:
        return symbol == instrument.root
    contract = parse_contract(symbol)
    return contract is not None and contract.root == instrument.root


def read_session(ctx: StageContext, ref: SessionRef) -> Session:
    """Return forces and baseline features of a session, second by second.

    Raises ContractError when surface and snapshots do not hold the same windows.
    """
    (session,) = read_session_by(ctx, ref, [Reading()])
    return session


def read_session_by(
    ctx: StageContext, ref: SessionRef, readings: Sequence[Reading]
) -> list[Session]:
    """Return the session with the forces of each reading; raises as `read_session` does."""
    found = read_forces_by(ctx, ref.symbol, ref.dt, STAGE, readings)
    columns = ("best_bid_price_int", "best_bid_qty", "best_ask_price_int", "best_ask_qty")
    snapshot = ref.snapshot.dataset
    table = ctx.lake.read(snapshot, ref.symbol, ref.dt, ["window_end_ts_ns", *columns])
    if not np.array_equal(table["window_end_ts_ns"].to_numpy(), found[0].window_end_ts_ns):
        message = f"expected the windows of {ref.surface.dataset}, found others"
        raise ContractError(snapshot, [f"{ref.symbol} {ref.dt}: {message}"])
    two_sided = np.ones(table.num_rows, dtype=np.bool_)
    values = []
    for name in columns:
        two_sided &= table[name].is_valid().to_numpy()
        values.append(table[name].fill_null(0).to_numpy())
    bid_price, bid_qty, ask_price, ask_qty = values
    order_flow = order_flow_imbalance(bid_price, bid_qty, ask_price, ask_qty, two_sided)
    queue = queue_imbalance(bid_qty, ask_qty, two_sided)
    return [Session(forces, order_flow, queue) for forces in found]
