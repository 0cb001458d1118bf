"""Clients that do not behave, each beside a healthy viewer who must not notice."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from spymaster_resources.lake import Lake
from tests.web.service.hostile import CONTINUATION, PATIENCE_S, PING, PONG, TEXT, BareClient, frame
from tests.web.service.sample_lake import FIRST_END_NS, WINDOWS
from tests.web.service.serving import Served, serving, wait_until
from tests.web.service.test_metrics import samples
from web.service import peer
from web.service.limits import MAX_STREAMS_PER_ADDRESS

TARGET = "/v1/velocity/stream?symbol=ESH6&dt=2026-01-29"
PING_S = 0.3
CLOSE_S = 1.0


@pytest.fixture(scope="module")
def impatient(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that pings often and waits little, so that no test has to wait long."""
    pages: Path = tmp_path_factory.mktemp("none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer, "CLOSE_S", CLOSE_S)
        with serving(lake.root, pages, ping_s=PING_S) as served:
            yield served


@contextmanager
def healthy(served: Served) -> Iterator[None]:
    """Play a minute of the session beside the block; every window must come once and in time."""
    windows, speed, failures = 60, 60, []
    playing = threading.Event()

    def play() -> None:
        try:
            with served.connect(speed=speed) as viewer:
                viewer.text()
                began = time.monotonic()
                for index in range(windows):
                    window = viewer.window()
                    playing.set()
                    late_s = time.monotonic() - began - index / speed
                    if (window.seq, window.end_ns) != (index, FIRST_END_NS + index * 10**9):
                        failures.append(f"window {window.seq} came for {index}")
                    if late_s > 1.0:  # far beyond what a busy machine does
                        failures.append(f"window {index} came {late_s:.3f} s late")
        except Exception as error:
            failures.append(repr(error))
        finally:
            playing.set()

    thread = threading.Thread(target=play)
    thread.start()
    assert playing.wait(PATIENCE_S)
    try:
        yield
    finally:
        thread.join(PATIENCE_S)
    assert failures == []


def test_who_never_reads_is_let_go(impatient: Served) -> None:
    with (
        healthy(impatient),
        BareClient(impatient.port, f"{TARGET}&speed=1000", receive_buffer=4096) as deaf,
    ):
        wait_until(lambda: timeouts(impatient) >= 1)
        # What had been written before is all that is left to read: the rest was dropped.
        assert deaf.read_until_gone() < 2_000_000


def test_who_reads_a_byte_at_a_time_is_let_go(impatient: Served) -> None:
    before = timeouts(impatient)
    with (
        healthy(impatient),
        BareClient(impatient.port, f"{TARGET}&speed=1000", receive_buffer=4096) as slow,
    ):
        while timeouts(impatient) == before:
            assert len(slow.socket.recv(1)) == 1
            time.sleep(0.02)


def test_who_reads_but_answers_no_ping_is_told_so(impatient: Served) -> None:
    with healthy(impatient), BareClient(impatient.port, f"{TARGET}&speed=1") as mute:
        assert mute.close_code() == 1011


def test_a_megabyte_is_too_big_and_the_code_arrives(impatient: Served) -> None:
    with healthy(impatient), BareClient(impatient.port, f"{TARGET}&speed=1") as loud:
        loud.send(TEXT, b"x" * 1_000_000)
        assert loud.close_code() == 1009


def test_fragments_without_end_are_too_big(impatient: Served) -> None:
    with healthy(impatient), BareClient(impatient.port, f"{TARGET}&speed=1") as shredder:
        shredder.send(TEXT, final=False)
        shredder.socket.sendall(frame(CONTINUATION, final=False) * 5000)
        assert shredder.close_code() == 1009


def test_a_message_in_fragments_with_a_ping_between_is_one_message(impatient: Served) -> None:
    with BareClient(impatient.port, f"{TARGET}&speed=0.1&surfaces=snap") as parted:
        parted.send(TEXT, b'{"type": ', final=False)
        parted.send(PING, b"there?")
        parted.send(CONTINUATION, b'"pause"', final=False)
        parted.send(CONTINUATION, b"}")
        received = [parted.receive()]
        while b'"ack"' not in received[-1][1]:
            received.append(parted.receive())
        assert (PONG, b"there?") in received


def test_text_that_is_no_utf8_is_named(impatient: Served) -> None:
    with BareClient(impatient.port, f"{TARGET}&speed=1") as liar:
        liar.send(TEXT, b"\xff\xfe")
        assert liar.close_code() == 1007


def test_a_peer_that_fails_while_windows_are_sent_is_no_fault_of_ours(
    impatient: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), ExitStack() as stack:
        crowd = [
            stack.enter_context(BareClient(impatient.port, f"{TARGET}&speed=1000"))
            for _ in range(10)
        ]
        for client in crowd:
            client.socket.sendall(frame(TEXT, final=False))
            client.socket.sendall(frame(CONTINUATION, final=False) * 5000)
        assert {client.close_code() for client in crowd} == {1009}
    wait_until(lambda: samples(impatient)["spymaster_streams"] == 0)
    assert caplog.records == []


def test_pings_whose_answers_are_not_read_are_not_taken(impatient: Served) -> None:
    """The service stops to read; what it owes stays within its buffers."""
    before = timeouts(impatient)
    with (
        healthy(impatient),
        BareClient(impatient.port, f"{TARGET}&speed=1000", receive_buffer=4096) as pinger,
    ):
        pinger.socket.settimeout(0.2)
        pings = frame(PING, b"x" * 125) * 500
        with pytest.raises((TimeoutError, ConnectionError)):
            repeat(1000, lambda: pinger.socket.sendall(pings))
        wait_until(lambda: timeouts(impatient) > before)


def test_ten_thousand_messages_are_too_many(impatient: Served) -> None:
    with healthy(impatient), impatient.connect(speed=0.1) as flooder:
        with suppress(ConnectionClosed):
            repeat(10_000, lambda: flooder.say("pause"))
        with pytest.raises(ConnectionClosed) as closed:
            flooder.drain()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "too_many_messages")


def test_of_a_thousand_seeks_the_last_is_shown(impatient: Served) -> None:
    with healthy(impatient), impatient.connect(speed=0.1, surfaces="snap") as dragger:
        dragger.text()
        dragger.say_and_wait("pause")
        seeks = 1000
        for n in range(seeks):
            dragger.say("seek", window_end_ts_ns=str(FIRST_END_NS + (n % WINDOWS) * 10**9))
        shown = []
        for n in range(seeks):
            ack, windows = dragger.ack("seek")
            shown += windows
            assert ack["epoch"] == n + 1
        assert len(shown) < seeks / 10
        last = dragger.window()
        assert (last.epoch, last.seq) == (seeks, 0)
        assert last.end_ns == FIRST_END_NS + ((seeks - 1) % WINDOWS) * 10**9


def test_of_two_hundred_connections_those_above_the_cap_are_refused(served: Served) -> None:
    with healthy(served), ExitStack() as stack:
        crowd = [
            stack.enter_context(BareClient(served.port, f"{TARGET}&speed=0.1")) for _ in range(200)
        ]
        firsts = [json.loads(client.receive()[1]) for client in crowd]
        refused = [n for n, first in enumerate(firsts) if first.get("code") == "busy"]
        assert 200 - len(refused) >= MAX_STREAMS_PER_ADDRESS - 1
        assert {crowd[n].close_code() for n in refused} == {1013}
        assert refused
    wait_until(lambda: samples(served)["spymaster_streams"] == 0)
    with served.connect() as viewer:
        assert viewer.text()["type"] == "stream_info"


def test_a_total_cap_holds_too(lake: Lake, tmp_path: Path) -> None:
    with serving(lake.root, tmp_path, max_streams=1) as served, served.connect(speed=0.1) as first:
        assert first.text()["type"] == "stream_info"
        with served.connect() as second:
            assert second.text()["code"] == "busy"


def test_a_head_without_end_is_refused(impatient: Served) -> None:
    with healthy(impatient), socket.create_connection(("127.0.0.1", impatient.port)) as endless:
        endless.settimeout(PATIENCE_S)
        endless.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        try:
            for _ in range(1000):
                endless.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
            answer = endless.recv(100)
        except ConnectionError:
            return
        assert answer.startswith(b"HTTP/1.1 4")


def repeat(times: int, action: Callable[[], None]) -> None:
    """Do something many times."""
    for _ in range(times):
        action()


def timeouts(served: Served) -> float:
    """Return how many connections ended because a ping was not answered."""
    return samples(served).get('spymaster_streams_closed_total{code="1011"}', 0)
