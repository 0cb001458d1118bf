"""Control messages: what is understood, and that everything else is refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.service import protocol
from web.service.protocol import Command, RefusalError, parse_command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"type": "pause"}', protocol.Pause()),
        ('{"type": "resume"}', protocol.Resume()),
        ('{"type": "speed", "speed": 16}', protocol.Speed(16.0)),
        ('{"type": "speed", "speed": 0.25}', protocol.Speed(0.25)),
        (
            '{"type": "seek", "window_end_ts_ns": "1769697000000000000"}',
            protocol.Seek(1_769_697_000_000_000_000),
        ),
        ('{"type": "step", "n": -10}', protocol.Step(-10)),
        ('{"type": "credit", "windows": 64}', protocol.Credit(64)),
    ],
)
def test_each_command_is_understood(text: str, command: Command) -> None:
    assert parse_command(text) == command
    assert protocol.command_name(command) == json.loads(text)["type"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1",
        '"pause"',
        "[" * 60_000,
        '{"type": ["pause"]}',
        '{"type": "Pause"}',
        '{"type": "speed"}',
        '{"type": "speed", "speed": "1"}',
        '{"type": "speed", "speed": Infinity}',
        '{"type": "speed", "speed": ' + "9" * 4000 + "}",
        '{"type": "speed", "speed": ' + "9" * 5000 + "}",
        '{"type": "seek", "window_end_ts_ns": "-5"}',
        '{"type": "seek", "window_end_ts_ns": "12345678901234567890"}',
        '{"type": "seek", "window_end_ts_ns": "\u0661"}',
        '{"type": "step", "n": true}',
        '{"type": "step", "n": 1000000}',
        '{"type": "credit", "windows": -1}',
        '{"type": "credit", "windows": 1, "epoch": 2}',
        '{"type": "credit", "windows": 18446744073709551617}',
        '{"type": "pause", "type": "resume"}',
        '{"type": "speed", "speed": 1, "speed": 1000}',
        '{"type": "pause"} {"type": "resume"}',
        '\ufeff{"type": "pause"}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(RefusalError) as refused:
        parse_command(text)
    assert refused.value.close_code == 1008


@settings(deadline=None)
@given(st.text() | st.from_regex(r'\{"type": "(pause|seek|step|credit|speed)".*\}'))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    try:
        parse_command(text)
    except RefusalError as error:
        refusal = error
    else:
        return
    assert refusal.code in ("bad_message", "bad_speed")
