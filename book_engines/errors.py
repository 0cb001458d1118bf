"""Errors of the book engines.

BookIntegrityError      an account that does not add up; nothing is clamped, the replay stops
└── OffGridPriceError   a price inside the grid that is no whole number of ticks from spot
QuoteIntegrityError     the same of a consolidated quote, which has no orders
SurfaceInputError       silver that cannot be made a surface: a missing window, a row out of place
"""

from __future__ import annotations


class BookIntegrityError(Exception):
    """An account of the book that does not add up, with the last record applied before it."""

    def __init__(self, message: str, *, order_id: int, sequence: int, ts_event: int) -> None:
        self.order_id = order_id
        self.sequence = sequence
        self.ts_event = ts_event
        super().__init__(
            f"{message} (order_id {order_id}, sequence {sequence}, ts_event {ts_event})"
        )


class OffGridPriceError(BookIntegrityError):
    """A price inside the grid that is no whole number of ticks away from the spot reference."""


class QuoteIntegrityError(Exception):
    """An account of a quote that does not add up, with the instrument and the time."""

    def __init__(self, message: str, *, instrument_id: int, ts_event: int) -> None:
        self.instrument_id = instrument_id
        self.ts_event = ts_event
        super().__init__(f"{message} (instrument {instrument_id}, ts_event {ts_event})")


class SurfaceInputError(Exception):
    """Silver that cannot be made a surface: a missing window, a price off the lattice or grid."""

    def __init__(self, message: str, *, window_end_ts_ns: int | None = None) -> None:
        self.window_end_ts_ns = window_end_ts_ns
        where = "" if window_end_ts_ns is None else f"window ending at {window_end_ts_ns}: "
        super().__init__(where + message)
