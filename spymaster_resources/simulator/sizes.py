"""How much market a simulated day holds."""

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


def _windows(*texts: str) -> tuple[SessionWindow, ...]:
    return tuple(SessionWindow.parse(text) for text in texts)


SIZES: Final = {
    size.name: size
    for size in (
        Size(
            "tiny",
            _windows("08:29:40-08:30:00", "09:29:50-09:30:30"),
            SessionWindow.parse("09:30:00-09:30:30"),
            12_000,
            0.15,
        ),
        Size("demo", _windows("05:00-12:30"), SessionWindow.parse("09:30-12:30"), 1_250_000, 0.5),
        Size("full", _windows("05:00-17:00"), SessionWindow.parse("09:30-12:30"), 10_000_000, 1.0),
    )
}
