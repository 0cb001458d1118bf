"""Consolidated quotes and trades as OPRA records (dataset OPRA.PILLAR, schema cmbp-1).

Conventions, as seen in the vendor's files: a quote is action `A` with the side that changed, its
price and size, or side `N` without them when both changed; a trade is `T` of side `N` and carries
the quote that it met, and the quote without what was traded follows; each side names its exchange;
an empty side has no price; every record carries F_LAST.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from book_engines.kernel import helper
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.simulator.exchange import ASK, BID, I64, NEITHER, NONE
from spymaster_resources.simulator.glbx import Records
from spymaster_resources.simulator.quotes import QUOTE_PUBLISHER, QUOTE_QTY, QUOTE_TICK

FLAGS: Final = 194  # F_LAST, F_TOB and F_PUBLISHER_SPECIFIC
QUOTE_ACTION: Final = ord("A")
TRADE_ACTION: Final = ord("T")
_SIDE_LETTERS: Final = np.zeros(3, np.uint8)
_SIDE_LETTERS[ASK], _SIDE_LETTERS[BID], _SIDE_LETTERS[NEITHER] = ord("A"), ord("B"), ord("N")
_LATENCY_NS: Final = 208_800
_LATENCY_SPREAD_NS: Final = 2_400

# Exchanges of options, by the vendor's publisher numbers.
PUBLISHERS: Final = np.array([20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 33, 35, 36, 37])


@helper
def put_record(
    record: Records, quote: I64, instrument_id: int, ts: int, action: int, side: int, tick: int,
    qty: int, publisher: int, tick_int: int,
) -> None:  # fmt: skip
    """Write a quote (both sides as they stand) or a trade; tick NONE leaves the price out."""
    record["publisher_id"] = publisher
    record["instrument_id"] = instrument_id
    record["ts_event"] = ts
    record["price"] = UNDEFINED_PRICE if tick == NONE else tick * tick_int
    record["size"] = qty
    record["action"] = action
    record["side"] = _SIDE_LETTERS[side]
    record["ts_recv"] = ts + _LATENCY_NS + (ts * 31 + instrument_id) % _LATENCY_SPREAD_NS
    bid, ask = quote[BID], quote[ASK]
    record["bid_px_00"] = UNDEFINED_PRICE if bid[QUOTE_TICK] == NONE else bid[QUOTE_TICK] * tick_int
    record["ask_px_00"] = UNDEFINED_PRICE if ask[QUOTE_TICK] == NONE else ask[QUOTE_TICK] * tick_int
    record["bid_sz_00"] = bid[QUOTE_QTY]
    record["ask_sz_00"] = ask[QUOTE_QTY]
    record["bid_pb_00"] = bid[QUOTE_PUBLISHER]
    record["ask_pb_00"] = ask[QUOTE_PUBLISHER]
