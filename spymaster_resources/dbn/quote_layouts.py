"""Fields of consolidated quotes (cmbp-1) and of statistics behind the record header.

Times are ns UTC, prices 1e-9 dollars; action and side are ASCII codes, as in the market-by-order
layout. A consolidated quote is the same in every version; a statistic's quantity has 4 bytes before
version 3. The tests hold every field equal to the vendor's `databento_dbn`.
"""

from __future__ import annotations

from typing import Final

CMBP1_FIELDS: Final = (
    ("price", "<i8"),
    ("size", "<u4"),
    ("action", "u1"),
    ("side", "u1"),
    ("flags", "u1"),
    ("_reserved1", "u1"),
    ("ts_recv", "<u8"),
    ("ts_in_delta", "<i4"),
    ("_reserved2", "S4"),
    ("bid_px_00", "<i8"),
    ("ask_px_00", "<i8"),
    ("bid_sz_00", "<u4"),
    ("ask_sz_00", "<u4"),
    ("bid_pb_00", "<u2"),
    ("_reserved1_00", "S2"),
    ("ask_pb_00", "<u2"),
    ("_reserved2_00", "S2"),
)

# Fields under the names of the quote engines' columns, where the two differ.
QUOTE_FIELD_OF: Final = {
    "ts_event_ns": "ts_event",
    "bid_price_int": "bid_px_00",
    "ask_price_int": "ask_px_00",
    "bid_qty": "bid_sz_00",
    "ask_qty": "ask_sz_00",
    "price_int": "price",
}


def _statistics(quantity: str, reserved: str) -> tuple[tuple[str, str], ...]:
    return (
        ("ts_recv", "<u8"),
        ("ts_ref", "<u8"),
        ("price", "<i8"),
        ("quantity", quantity),
        ("sequence", "<u4"),
        ("ts_in_delta", "<i4"),
        ("stat_type", "<u2"),
        ("channel_id", "<u2"),
        ("update_action", "u1"),
        ("stat_flags", "u1"),
        ("_reserved", reserved),
    )


STATISTICS_FIELDS: Final = {
    1: _statistics("<i4", "S6"),
    2: _statistics("<i4", "S6"),
    3: _statistics("<i8", "S18"),
}
