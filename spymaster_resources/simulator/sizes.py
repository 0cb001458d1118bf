"""How much market a simulated day holds, product by product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from spymaster_resources.trading_calendar import SessionWindow


@dataclass(frozen=True)
class Size:
    """The stretches of a day that are traded, the windows with truth, and the volume."""

    name: str
    trading: tuple[SessionWindow, ...]
    """New York wall clock."""
    session: SessionWindow
    """Window ends that the truth files cover."""
    records: int
    """Live records of the day, about."""
    depth_scale: float
    """Numbers of resting orders relative to a busy day."""
    half_width: int = 0
    """Strikes listed on either side of the money, for options."""
    records_an_action: float = 0.0
    """Records that a decision leaves, where that depends on how busy the market is; measured."""


def _windows(*texts: str) -> tuple[SessionWindow, ...]:
    return tuple(SessionWindow.parse(text) for text in texts)


_TINY_TRADING: Final = _windows("08:29:40-08:30:00", "09:29:50-09:30:30")
_TINY_SESSION: Final = SessionWindow.parse("09:30:00-09:30:30")
_SESSION: Final = SessionWindow.parse("09:30-12:30")
_MORNING: Final = _windows("05:00-12:30")


def _by_name(*sizes: Size) -> dict[str, Size]:
    return {size.name: size for size in sizes}


# Futures.
SIZES: Final = _by_name(
    Size("tiny", _TINY_TRADING, _TINY_SESSION, 12_000, 0.15),
    Size("demo", _MORNING, _SESSION, 1_250_000, 0.5),
    Size("full", _windows("05:00-17:00"), _SESSION, 13_000_000, 1.0),
)
FUTURE_OPTION_SIZES: Final = _by_name(
    Size("tiny", _TINY_TRADING, _TINY_SESSION, 30_000, 0.5, half_width=14, records_an_action=3.6),
    Size("demo", _MORNING, _SESSION, 2_500_000, 0.7, half_width=60, records_an_action=3.6),
    Size(
        "full",
        _windows("05:00-16:00"),
        _SESSION,
        100_000_000,
        1.0,
        half_width=160,
        records_an_action=2.0,
    ),
)
EQUITY_SIZES: Final = _by_name(
    Size("tiny", _TINY_TRADING, _TINY_SESSION, 12_000, 0.15),
    Size("demo", _MORNING, _SESSION, 1_250_000, 0.5),
    Size("full", _windows("04:00-17:00"), _SESSION, 25_000_000, 1.0),
)
# The exchanges of equity options open with the equities' session, and close after it.
EQUITY_OPTION_SIZES: Final = _by_name(
    Size("tiny", _windows("09:30:00-09:30:30"), _TINY_SESSION, 20_000, 1.0, half_width=30),
    Size("demo", _windows("09:30-12:30"), _SESSION, 1_500_000, 1.0, half_width=60),
    Size("full", _windows("09:30-16:15"), _SESSION, 50_000_000, 1.0, half_width=100),
)
