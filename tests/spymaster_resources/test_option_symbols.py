"""OSI symbols: root, expiration, right and strike."""

from __future__ import annotations

from datetime import date

import pytest

from spymaster_resources.option_symbols import OsiSymbol, parse_osi


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("QQQ   260106C00612000", ("QQQ", date(2026, 1, 6), "C", 612_000_000_000)),
        ("QQQ   260106P00612500", ("QQQ", date(2026, 1, 6), "P", 612_500_000_000)),
        ("BRK.B 241220P00412500", ("BRK.B", date(2024, 12, 20), "P", 412_500_000_000)),
        ("QQQ1  241220C00000001", ("QQQ1", date(2024, 12, 20), "C", 1_000_000)),
        ("SPXW  240229C99999999", ("SPXW", date(2024, 2, 29), "C", 99_999_999_000_000)),
        ("GOOGL2240119P02000000", ("GOOGL2", date(2024, 1, 19), "P", 2_000_000_000_000)),
    ],
)
def test_a_symbol_is_taken_apart(symbol: str, parts: tuple[str, date, str, int]) -> None:
    assert parse_osi(symbol) == OsiSymbol(*parts)


@pytest.mark.parametrize(
    "symbol",
    [
        "", "QQQ", "ESH6", "QQQ 260106C00612000", "QQQ   260106X00612000", "QQQ   260230C00612000",
        "QQQ   261306C00612000", " QQQ  260106C00612000", "QQQ   260106C0061200", "E3AH4 C5200",
        "Q Q   260106C00612000", "      260106C00612000", "QQQ   260106C006120000",
    ],
)  # fmt: skip
def test_anything_else_is_no_option(symbol: str) -> None:
    assert parse_osi(symbol) is None
