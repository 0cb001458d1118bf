"""The matching engine's functions as kernels: they are helpers, without a door for Python."""

from __future__ import annotations

from numba import njit

from spymaster_resources.simulator import matching
from spymaster_resources.simulator.exchange import I64


@njit
def jitted_submit(
    ex: I64,
    ts: int,
    i: int,
    side: int,
    tick: int,
    qty: int,
    peak: int,
    may_rest: bool,
    owner: int,
) -> int:
    return int(matching.submit(ex, ts, i, side, tick, qty, peak, may_rest, owner))


@njit
def jitted_cancel(ex: I64, ts: int, order: int, qty: int) -> None:
    matching.cancel(ex, ts, order, qty)


@njit
def jitted_modify(ex: I64, ts: int, order: int, tick: int, qty: int) -> bool:
    return bool(matching.modify(ex, ts, order, tick, qty))
