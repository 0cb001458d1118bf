"""The truth of an options chain: flows summed over premiums and options to strikes, best prices."""

from __future__ import annotations

from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.crowd import F64
from spymaster_resources.simulator.exchange import (
    ADDED,
    ASK,
    AT_CELLS,
    AT_OPENED,
    BEST_ASK,
    BEST_BID,
    BID,
    CELL_FIELDS,
    DEPTH,
    FILLED,
    I64,
    INSTRUMENT,
    NONE,
    OPENED_COUNT,
    PULLED,
    PULLED_RESTED,
    QTY,
    SIDE,
    START,
    TICKS,
    YOUNG_COUNT,
    YOUNG_ORDER,
    book_at,
    cell_at,
)
from spymaster_resources.simulator.ledger import first_young, is_live_entry, young_at
from spymaster_resources.simulator.option_makers import TERM_IS_CALL, TERM_STRIKE

# Fields of an option's totals, a side: the depth at the end of the last window, then the closing
# window's flow over all premiums.
(
    TOTAL_DEPTH,
    TOTAL_START,
    TOTAL_ADD,
    TOTAL_PULL,
    TOTAL_FILL,
    TOTAL_PULL_REST,
    TOTAL_YOUNG,
    TOTAL_ADD_REPRICE,  # of consolidated quotes alone
    TOTAL_PULL_REPRICE,
) = range(9)
TOTAL_FIELDS: Final = 9

# Fields of a strike's flow in a window.
(
    FLOW_START,
    FLOW_END,
    FLOW_ADD,
    FLOW_PULL,
    FLOW_FILL,
    FLOW_REST,
    FLOW_PULL_REST,
    FLOW_ADD_REPRICE,
    FLOW_PULL_REPRICE,
) = range(9)
FLOW_FIELDS: Final = 9

BBO_BID, BBO_BID_QTY, BBO_ASK, BBO_ASK_QTY = range(4)
BBO_FIELDS: Final = 4


@helper
def open_totals(totals: I64) -> None:
    """Start a window: it starts with the depth that is, and without flow."""
    for i in range(totals.shape[0]):
        for side in range(2):
            totals[i, side, TOTAL_START] = totals[i, side, TOTAL_DEPTH]
            for field in range(TOTAL_ADD, TOTAL_FIELDS):
                totals[i, side, field] = 0


@helper
def sum_totals(ex: I64, totals: I64, end_ns: int) -> None:
    """Sum the cells with flow in the closing window, and the orders that did not rest, by option.

    totals: int64 (instruments, 2, TOTAL_FIELDS).
    """
    open_totals(totals)
    for n in range(ex[OPENED_COUNT]):
        cell = ex[ex[AT_OPENED] + n]
        number = (cell - ex[AT_CELLS]) // CELL_FIELDS
        side = number // ex[TICKS] % 2
        i = number // (2 * ex[TICKS])
        totals[i, side, TOTAL_DEPTH] += ex[cell + DEPTH] - ex[cell + START]
        totals[i, side, TOTAL_ADD] += ex[cell + ADDED]
        totals[i, side, TOTAL_PULL] += ex[cell + PULLED]
        totals[i, side, TOTAL_FILL] += ex[cell + FILLED]
        totals[i, side, TOTAL_PULL_REST] += ex[cell + PULLED_RESTED]
    for n in range(first_young(ex, end_ns), ex[YOUNG_COUNT]):
        if is_live_entry(ex, n):
            order = ex[young_at(ex, n) + YOUNG_ORDER]
            totals[ex[order + INSTRUMENT], ex[order + SIDE], TOTAL_YOUNG] += ex[order + QTY]


@helper
def close_flows(totals: I64, terms: F64, centre: int, strike_step: int, flows: I64) -> None:
    """Add the totals of the options at each strike around `centre` (dollars).

    flows: int64 (strikes, call and put, ask and bid, FLOW_FIELDS), centred.
    """
    flows[:] = 0
    half = flows.shape[0] // 2
    for i in range(totals.shape[0]):
        away = int(terms[i, TERM_STRIKE]) - centre
        row = away // strike_step + half
        if away % strike_step != 0 or row < 0 or row >= flows.shape[0]:
            continue
        right = 0 if terms[i, TERM_IS_CALL] == 1.0 else 1
        for side in range(2):
            total, flow = totals[i, side], flows[row, right, side]
            flow[FLOW_START] += total[TOTAL_START]
            flow[FLOW_END] += total[TOTAL_DEPTH]
            flow[FLOW_ADD] += total[TOTAL_ADD]
            flow[FLOW_PULL] += total[TOTAL_PULL]
            flow[FLOW_FILL] += total[TOTAL_FILL]
            flow[FLOW_REST] += total[TOTAL_DEPTH] - total[TOTAL_YOUNG]
            flow[FLOW_PULL_REST] += total[TOTAL_PULL_REST]
            flow[FLOW_ADD_REPRICE] += total[TOTAL_ADD_REPRICE]
            flow[FLOW_PULL_REPRICE] += total[TOTAL_PULL_REPRICE]


@helper
def write_bbo(ex: I64, i: int, bbo: I64, row: int) -> None:
    """Write the best prices of an option as it stands; -1 where a side is empty."""
    book = book_at(ex, i)
    bid, ask = ex[book + BEST_BID], ex[book + BEST_ASK]
    has_bid, has_ask = bid != NONE, ask != ex[TICKS]
    bbo[BBO_BID, row] = bid
    bbo[BBO_BID_QTY, row] = ex[cell_at(ex, i, BID, bid) + DEPTH] if has_bid else NONE
    bbo[BBO_ASK, row] = ask if has_ask else NONE
    bbo[BBO_ASK_QTY, row] = ex[cell_at(ex, i, ASK, ask) + DEPTH] if has_ask else NONE
