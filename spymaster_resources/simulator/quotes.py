"""Consolidated quotes of options: the displayed best bid and offer, and what changed it.

Of each side only the best price, its size and its exchange are known. The truth of a window is
booked as a quote changes, by the rules of the silver table: a size difference at the same price is
add or pull; a side that appears is add, one that goes is pull; another price pulls the old size and
adds the new, both counted again as reprice; what a trade took from the size is fill, not pull.
"""

from __future__ import annotations

from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.exchange import I64, NONE
from spymaster_resources.simulator.ledger import REST_NS
from spymaster_resources.simulator.option_ledger import (
    BBO_ASK,
    BBO_ASK_QTY,
    BBO_BID,
    BBO_BID_QTY,
    TOTAL_ADD,
    TOTAL_ADD_REPRICE,
    TOTAL_DEPTH,
    TOTAL_FILL,
    TOTAL_PULL,
    TOTAL_PULL_REPRICE,
    TOTAL_PULL_REST,
    TOTAL_YOUNG,
)

# Fields of a side of a quote.
QUOTE_TICK, QUOTE_QTY, QUOTE_PUBLISHER, QUOTE_SINCE_NS = range(4)
QUOTE_FIELDS: Final = 4


@helper
def set_quote(
    quote: I64, total: I64, tick: int, qty: int, publisher: int, ts: int, traded: int
) -> None:
    """Change one side of a quote and book what that means.

    quote: int64 (QUOTE_FIELDS,). total: int64 (TOTAL_FIELDS,), the open window's. tick: NONE for an
    empty side. traded: what trades took from the size since it last changed.
    """
    old_tick, old_qty = quote[QUOTE_TICK], quote[QUOTE_QTY]
    rested = ts - quote[QUOTE_SINCE_NS] >= REST_NS
    if tick == old_tick:
        if qty >= old_qty:
            total[TOTAL_ADD] += qty - old_qty
        else:
            _book_leaving(total, old_qty - qty, traded, rested)
    else:
        pulled = _book_leaving(total, old_qty, traded, rested)
        total[TOTAL_ADD] += qty
        if tick != NONE and old_tick != NONE:
            total[TOTAL_PULL_REPRICE] += pulled
            total[TOTAL_ADD_REPRICE] += qty
        quote[QUOTE_SINCE_NS] = ts
    quote[QUOTE_TICK] = tick
    quote[QUOTE_QTY] = qty
    quote[QUOTE_PUBLISHER] = publisher
    total[TOTAL_DEPTH] = qty


@helper
def _book_leaving(total: I64, qty: int, traded: int, rested: bool) -> int:
    """Book quantity that leaves, first as fill; return what was pulled."""
    fill = min(traded, qty)
    total[TOTAL_FILL] += fill
    total[TOTAL_PULL] += qty - fill
    if rested:
        total[TOTAL_PULL_REST] += qty - fill
    return int(qty - fill)


@helper
def close_quotes(quotes: I64, totals: I64, end_ns: int, bbo: I64, row: int) -> None:
    """Write the best prices of every option and mark the sizes that have not rested.

    quotes: int64 (options, 2, QUOTE_FIELDS). bbo: int64 (options, BBO_FIELDS, windows).
    """
    for i in range(quotes.shape[0]):
        ask, bid = quotes[i, 0], quotes[i, 1]
        bbo[i, BBO_BID, row] = bid[QUOTE_TICK]
        bbo[i, BBO_BID_QTY, row] = bid[QUOTE_QTY]
        bbo[i, BBO_ASK, row] = ask[QUOTE_TICK]
        bbo[i, BBO_ASK_QTY, row] = ask[QUOTE_QTY]
        for side in range(2):
            quote = quotes[i, side]
            young = end_ns - quote[QUOTE_SINCE_NS] < REST_NS
            totals[i, side, TOTAL_YOUNG] = quote[QUOTE_QTY] if young else 0
