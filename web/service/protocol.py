"""The messages of `/v1/velocity/stream`: what a client may say and what the service answers.

From the client, JSON text, exactly these keys:

    {"type": "pause"}  {"type": "resume"}
    {"type": "speed", "speed": 0.1 … 1000}
    {"type": "seek", "window_end_ts_ns": "<decimal>"}   the window that ends then, else the next
    {"type": "step", "n": ±k}                           pauses; the window k from the one sent last
    {"type": "credit", "windows": k}                    k more; before the first, without limit

To the client: `stream_info` first, then windows, an `ack` for every control message in order, at
the end `stream_end`, before a close for cause `error`. After the ack of a seek, speed or step comes
no window of an older epoch. 64-bit times are decimal strings, because a JSON number in a browser
holds 53 bits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final, NoReturn

from contracts.errors import ProtocolError
from web.service.playback import MAX_SPEED, MIN_SPEED, Playback

PROTOCOL_VERSION: Final = 1
MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_STEP: Final = 86_400  # a day of windows
MAX_CREDIT: Final = 86_400
_DECIMAL: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


class CloseCode(IntEnum):
    """WebSocket close codes the service uses (RFC 6455 section 7.4.1; 1013 from its registry)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    BUSY = 1013


class EndReason(StrEnum):
    """Why a stream ended without a fault."""

    END_OF_SESSION = "end_of_session"
    REPLACED = "replaced"
    SHUTDOWN = "shutdown"


class RefusalError(ProtocolError):
    """A request that is refused: `code` for programs, the message for people."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        close_code: CloseCode = CloseCode.POLICY,
        http_status: int = 400,
    ) -> None:
        self.code = code
        self.close_code = close_code
        self.http_status = http_status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Change the playback multiplier."""

    speed: float


@dataclass(frozen=True, slots=True)
class Seek:
    """Go to a window end, nanoseconds UTC."""

    window_end_ts_ns: int


@dataclass(frozen=True, slots=True)
class Step:
    """Pause and move `n` windows from the one sent last."""

    n: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Take that many more windows."""

    windows: int


Command = Pause | Resume | Speed | Seek | Step | Credit


def parse_command(text: str) -> Command:
    """Return the control message in `text`; raise `RefusalError` for anything else."""
    try:
        message = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as error:
        raise RefusalError("bad_message", "a control message is one JSON object") from error
    if not isinstance(message, dict):
        raise RefusalError("bad_message", "a control message is one JSON object")
    kind = message.pop("type", None)
    match kind:
        case "pause":
            _only(message, kind)
            return Pause()
        case "resume":
            _only(message, kind)
            return Resume()
        case "speed":
            _only(message, kind, "speed")
            return Speed(check_speed(message["speed"]))
        case "seek":
            _only(message, kind, "window_end_ts_ns")
            value = message["window_end_ts_ns"]
            if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
                raise RefusalError("bad_message", "seek: window_end_ts_ns is a decimal string")
            return Seek(int(value))
        case "step":
            _only(message, kind, "n")
            return Step(_integer(message["n"], "step: n", -MAX_STEP, MAX_STEP))
        case "credit":
            _only(message, kind, "windows")
            return Credit(_integer(message["windows"], "credit: windows", 1, MAX_CREDIT))
        case _:
            raise RefusalError(
                "bad_message", "type is one of pause, resume, speed, seek, step and credit"
            )


def command_name(command: Command) -> str:
    """Return the `type` under which a client sent `command`."""
    return type(command).__name__.lower()


def check_speed(value: object) -> float:
    """Return `value` as a speed; raise `RefusalError` when it is none or out of range."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not MIN_SPEED <= value <= MAX_SPEED
    ):
        raise RefusalError("bad_speed", f"speed is a number from {MIN_SPEED:g} to {MAX_SPEED:g}")
    return float(value)


def ack(command: Command, playback: Playback, next_end_ns: int | None) -> str:
    """Return the answer to `command` with the state it left.

    `next_end_ns` is the end of the window that comes next, None after the last.
    """
    return encode(
        {
            "type": "ack",
            "of": command_name(command),
            "epoch": playback.epoch,
            "paused": playback.paused,
            "speed": playback.speed,
            "credit": playback.credit,
            "next_window_end_ts_ns": None if next_end_ns is None else str(next_end_ns),
        }
    )


def batch_start(window_end_ts_ns: int, surfaces: Sequence[str], epoch: int, seq: int) -> str:
    """Return the message that opens one window in the format `frames`."""
    return encode(
        {
            "type": "batch_start",
            "window_end_ts_ns": str(window_end_ts_ns),
            "surfaces": list(surfaces),
            "epoch": epoch,
            "seq": seq,
        }
    )


def surface_header(surface: str) -> str:
    """Return the message that precedes the Arrow stream of `surface`."""
    return encode({"type": "surface_header", "surface": surface})


def stream_end(reason: EndReason) -> str:
    """Return the last message of a stream that ended without a fault."""
    return encode({"type": "stream_end", "reason": reason.value})


def error_message(code: str, message: str, error_id: str | None = None) -> str:
    """Return the message that precedes a close for cause."""
    body: dict[str, Any] = {"type": "error", "code": code, "message": message}
    if error_id is not None:
        body["id"] = error_id
    return encode(body)


def encode(message: Mapping[str, Any]) -> str:
    """Return `message` as compact JSON; NaN and infinity are refused."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def _only(message: Mapping[str, object], kind: str, *keys: str) -> None:
    if set(message) != set(keys):
        expected = ", ".join(("type", *keys))
        raise RefusalError("bad_message", f"{kind} has exactly the keys {expected}")


def _integer(value: object, what: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RefusalError("bad_message", f"{what} is a whole number from {low} to {high}")
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of `pairs`; JSON does not say which holds of a key that comes twice."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise RefusalError("bad_message", "a key may come once in a control message")
    return dict(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
