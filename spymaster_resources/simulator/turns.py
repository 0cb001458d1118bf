"""Whose turn it is in a chain of options, and how it sees its underlying move."""

from __future__ import annotations

from math import exp
from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.crowd import EXCITEMENT, F64, exponential, member_at, uniform
from spymaster_resources.simulator.exchange import I64
from spymaster_resources.simulator.option_makers import TERM_IS_CALL, TERM_STRIKE

WHEEL: Final = 8_192  # places on the wheel that says whose turn it is
_QUIET: Final = 0.015  # activity of the furthest strikes relative to that at the money
_CALM: Final = 0.995  # what is left of the excitement over a move after an action
_ANSWER_SHARE: Final = 0.5  # of actions that answer another one at once
_ANSWER_SHARE_EXCITED: Final = 0.35  # more, right after the underlying moved
_ANSWER_GAP_NS: Final = 60_000.0


@helper
def set_wheel(wheel: I64, terms: F64, price: float, near: float) -> None:
    """Give each option places on the wheel: most near the money, more out of it than in it.

    price: of the underlying. near: dollars from it over which activity falls by e.
    """
    n = terms.shape[0]
    whole = 0.0
    for i in range(n):
        whole += _weight(terms, i, price, near)
    place, share = 0, 0.0
    for i in range(n):
        share += _weight(terms, i, price, near)
        last = int(wheel.shape[0] * share / whole)
        while place < last:
            wheel[place] = i
            place += 1
    while place < wheel.shape[0]:
        wheel[place] = n - 1
        place += 1


@helper
def _weight(terms: F64, i: int, price: float, near: float) -> float:
    away = terms[i, TERM_STRIKE] - price
    out = (away > 0.0) == (terms[i, TERM_IS_CALL] == 1.0)
    return float((1.0 if out else 0.5) * (_QUIET + exp(-abs(away) / near)))


@helper
def follow(crowd: F64, path_ns: I64, row: int, now: int) -> int:
    """Return the row of the underlying's path that is current; a move excites the market."""
    latest = row
    while latest + 1 < path_ns.shape[0] and path_ns[latest + 1] <= now:
        latest += 1
    if latest != row:
        crowd[member_at(0) + EXCITEMENT] = 1.0
    else:
        crowd[member_at(0) + EXCITEMENT] *= _CALM
    return latest


@helper
def pause_ns(crowd: F64, actions_a_second: float) -> int:
    """Return the time to the next action: bursts and pauses, 1 / rate in the mean."""
    share = _ANSWER_SHARE + _ANSWER_SHARE_EXCITED * crowd[member_at(0) + EXCITEMENT]
    if uniform(crowd) < share:
        return 2 + int(_ANSWER_GAP_NS * exponential(crowd) * exponential(crowd))
    mean = 1e9 / max(actions_a_second, 1e-3)
    pause = max((mean - share * _ANSWER_GAP_NS) / (1.0 - share), 0.1 * mean)
    return 2 + int(pause * exponential(crowd))
