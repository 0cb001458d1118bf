"""The underlying's spot reference at every window end of a session: what centres an option grid."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from book_engines.records import UNDEF_PRICE
from contracts.errors import ContractError
from spymaster_assets.stages.context import StageContext
from spymaster_resources.lake import InputRef
from spymaster_resources.trading_calendar import SECOND_NS


def underlying_snapshot(ctx: StageContext) -> str:
    """Return the dataset that holds the spot references of an option product."""
    return f"silver.{ctx.instrument.underlying_product}.book_snapshot_1s"


def spot_input(ctx: StageContext, symbol: str, dt: date) -> InputRef:
    """Return the partition that the spot references come from.

    Raises PartitionMissingError without it.
    """
    return ctx.lake.input(underlying_snapshot(ctx), symbol, dt)


def spot_references(ctx: StageContext, symbol: str, dt: date) -> NDArray[np.int64]:
    """Return int64 (W,), 1e-9 dollars, by window of the session of `dt`.

    UNDEF_PRICE where the underlying's book is empty. Raises ContractError that names the first
    window without a row.
    """
    return _by_window(ctx, symbol, dt, "spot_ref_price_int")


def underlying_prices(ctx: StageContext, symbol: str, dt: date) -> NDArray[np.int64]:
    """Return the underlying's mid as `spot_references` does, UNDEF_PRICE without a mid.

    An equity's spot reference is a bucket of $0.50: too coarse to price an option by.
    """
    return _by_window(ctx, symbol, dt, "mid_price_int")


def _by_window(ctx: StageContext, symbol: str, dt: date, column: str) -> NDArray[np.int64]:
    dataset = underlying_snapshot(ctx)
    ends = ctx.window_ends(dt)
    table = ctx.lake.read(dataset, symbol, dt, ["window_end_ts_ns", column])
    found = table["window_end_ts_ns"].to_numpy()
    wanted = np.arange(ends.first_ns, ends.last_ns + 1, SECOND_NS)
    place = np.searchsorted(found, wanted)
    here = np.zeros(wanted.size, np.bool_)
    inside = place < found.size
    here[inside] = found[place[inside]] == wanted[inside]
    if not here.all():
        end = int(wanted[~here][0])
        message = (
            f"{symbol} {dt}: expected a row for the window ending at {end} "
            f"({np.datetime64(end, 'ns')}Z), found none; "
            "build the underlying's silver for this session first"
        )
        raise ContractError(dataset, [message])
    prices: NDArray[np.int64] = table[column].fill_null(UNDEF_PRICE).to_numpy()[place]
    return prices
