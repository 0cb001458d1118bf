"""The stream against a real server: what arrives equals the lake, and control is obeyed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyarrow as pa
import pytest
from websockets.exceptions import ConnectionClosed

from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SECOND_NS
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    FIRST_END_NS,
    FORECAST,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    WINDOWS,
)
from tests.web.service.serving import Served, Viewer, Window
from web.service.frames import FRAME_SCHEMAS
from web.service.surfaces import Surface

NAMES = ["snap", "velocity", "options", "forecast"]


def end_ns(index: int) -> int:
    return FIRST_END_NS + index * SECOND_NS


@pytest.fixture
def paused(served: Served) -> Iterator[Viewer]:
    """A viewer at normal speed that was paused at once: at most the first window has come."""
    with served.connect(speed=0.1) as viewer:
        viewer.text()
        viewer.say_and_wait("pause")
        yield viewer


class TestFrames:
    def test_every_window_equals_the_lake(self, served: Served, lake: Lake) -> None:
        tables = {
            Surface.SNAP: (lake.read(SNAPSHOT, SYMBOL, DT), 1),
            Surface.VELOCITY: (lake.read(SURFACE, SYMBOL, DT), 2 * CELLS),
            Surface.FORECAST: (lake.read(FORECAST, SYMBOL, DT), 31),
        }
        with served.connect() as viewer:
            info = viewer.text()
            assert info["type"] == "stream_info"
            for index in range(WINDOWS):
                window = viewer.window()
                assert (window.end_ns, window.epoch, window.seq) == (end_ns(index), 0, index)
                assert window.names == NAMES
                for surface, (table, rows) in tables.items():
                    schema = FRAME_SCHEMAS[surface]
                    expected = table.slice(index * rows, rows).select(schema.names).cast(schema)
                    found = window.tables[surface.value]
                    assert found.schema == schema
                    assert found.num_rows == rows
                    assert found.equals(expected), f"{surface} of window {index}"
            assert viewer.text() == {"type": "stream_end", "reason": "end_of_session"}
            with pytest.raises(ConnectionClosed) as closed:
                viewer.raw()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1000

    def test_a_missing_surface_is_announced_and_sent_as_its_schema(self, served: Served) -> None:
        with served.connect(dt="2026-01-30") as viewer:
            surfaces = viewer.text()["session"]["surfaces"]
            assert [surfaces[name]["available"] for name in NAMES] == [True, False, False, False]
            assert "forecast" in surfaces["forecast"]["reason"]
            window = viewer.window()
            for surface in (Surface.VELOCITY, Surface.OPTIONS, Surface.FORECAST):
                assert window.tables[surface.value].num_rows == 0
                assert window.tables[surface.value].schema == FRAME_SCHEMAS[surface]

    def test_only_the_surfaces_asked_for_come_in_their_order(self, served: Served) -> None:
        with served.connect(surfaces="forecast,snap") as viewer:
            assert viewer.text()["surfaces"] == ["snap", "forecast"]
            assert viewer.window().names == ["snap", "forecast"]

    def test_a_bare_root_is_the_selected_contract(self, served: Served) -> None:
        with served.connect(symbol="ES") as viewer:
            info = viewer.text()
            assert info["requested_symbol"] == "ES"
            assert info["session"]["symbol"] == SYMBOL

    @pytest.mark.parametrize(
        ("query", "index"),
        [({"skip_minutes": 2}, 120), ({"skip_minutes": 0.5}, 30), ({"start": "09:31:07"}, 67)],
    )
    def test_it_starts_where_asked(
        self, served: Served, query: dict[str, object], index: int
    ) -> None:
        with served.connect(**query) as viewer:
            assert viewer.text()["start_window_end_ts_ns"] == str(end_ns(index))
            window = viewer.window()
            assert (window.end_ns, window.seq) == (end_ns(index), 0)


class TestControl:
    def test_nothing_comes_while_paused_and_all_after_resume(self, paused: Viewer) -> None:
        before, windows = paused.say_and_wait("pause")
        assert before["paused"]
        assert windows == []
        after, windows = paused.say_and_wait("speed", speed=1000)
        assert after["paused"]
        assert windows == []
        paused.say_and_wait("resume")
        assert paused.window().end_ns == int(after["next_window_end_ts_ns"])

    def test_seek_while_paused_shows_that_window_alone(self, paused: Viewer) -> None:
        ack, _ = paused.say_and_wait("seek", window_end_ts_ns=str(end_ns(200)))
        assert ack["epoch"] == 1
        assert ack["next_window_end_ts_ns"] == str(end_ns(200))
        window = paused.window()
        assert (window.end_ns, window.epoch, window.seq) == (end_ns(200), 1, 0)
        _, between = paused.say_and_wait("pause")
        assert between == []

    def test_an_instant_between_two_ends_is_the_window_that_ends_next(self, paused: Viewer) -> None:
        paused.say_and_wait("seek", window_end_ts_ns=str(end_ns(100) + 1))
        assert paused.window().end_ns == end_ns(101)

    def test_steps_count_from_the_window_sent_last(self, paused: Viewer) -> None:
        paused.say_and_wait("seek", window_end_ts_ns=str(end_ns(100)))
        assert paused.window().end_ns == end_ns(100)
        for n, expected in ((1, 101), (-1, 100), (10, 110), (-10, 100), (-500, 0), (9999, 299)):
            ack, _ = paused.say_and_wait("step", n=n)
            assert ack["paused"]
            window = paused.window()
            assert (window.end_ns, window.epoch) == (end_ns(expected), ack["epoch"])

    def test_the_last_window_when_paused_is_not_the_end(self, paused: Viewer) -> None:
        paused.say_and_wait("seek", window_end_ts_ns=str(end_ns(WINDOWS - 1)))
        assert paused.window().end_ns == end_ns(WINDOWS - 1)
        ack, _ = paused.say_and_wait("pause")
        assert ack["next_window_end_ts_ns"] is None
        paused.say_and_wait("resume")
        assert paused.text() == {"type": "stream_end", "reason": "end_of_session"}

    def test_no_window_of_an_older_epoch_follows_an_ack(self, served: Served) -> None:
        """Seeks, speeds and steps sent without waiting, into a stream at full speed."""
        with served.connect(speed=50, surfaces="snap") as viewer:
            viewer.text()
            viewer.window()
            for target in (250, 10, 120):
                viewer.say("seek", window_end_ts_ns=str(end_ns(target)))
                viewer.say("speed", speed=200)
            epoch, acks, sequences = 0, 0, dict[int, list[int]]()
            while acks < 6 or epoch not in sequences:
                content = viewer.text()
                if content["type"] == "ack":
                    acks += 1
                    assert content["epoch"] == epoch + 1
                    epoch += 1
                else:
                    window = viewer.rest_of_window(content)
                    assert window.epoch == epoch
                    sequences.setdefault(epoch, []).append(window.seq)
            assert all(seqs == list(range(len(seqs))) or e == 0 for e, seqs in sequences.items())

    def test_credit_is_never_exceeded(self, paused: Viewer) -> None:
        ack, _ = paused.say_and_wait("credit", windows=3)
        assert ack["credit"] == 3
        paused.say_and_wait("speed", speed=1000)
        paused.say_and_wait("resume")
        first = [paused.window() for _ in range(3)]
        ack, more = paused.say_and_wait("credit", windows=2)
        assert more == []
        assert ack["credit"] == 2
        second = [paused.window() for _ in range(2)]
        assert [w.seq for w in first + second] == [0, 1, 2, 3, 4]
        ack, more = paused.say_and_wait("pause")
        assert more == []
        assert ack["credit"] == 0

    def test_pause_is_answered_at_once_at_full_speed(self, served: Served) -> None:
        with served.connect(speed=100) as viewer:
            viewer.text()
            viewer.window()
            asked = time.monotonic()
            ack, _ = viewer.say_and_wait("pause")
            assert ack["paused"]
            assert time.monotonic() - asked < 1.0

    def test_the_pace_is_that_of_the_speed(self, served: Served) -> None:
        with served.connect(speed=40, surfaces="snap") as viewer:
            viewer.text()
            viewer.window()
            began = time.monotonic()
            for _ in range(60):
                viewer.window()
            elapsed = time.monotonic() - began
            assert 1.45 <= elapsed <= 2.0  # the machine may be late once, the stream never early


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"symbol": ".."}, "bad_symbol"),
            ({"symbol": "%2e%2e%2f"}, "bad_symbol"),
            ({"symbol": "ES%00H6"}, "bad_symbol"),
            ({"symbol": "E" * 5000}, "bad_symbol"),
            ({"symbol": "es"}, "bad_symbol"),
            ({"symbol": ""}, "bad_symbol"),
            ({"dt": "2026-01-29/.."}, "bad_dt"),
            ({"dt": "%2e%2e"}, "bad_dt"),
            ({"dt": "2026-02-30"}, "bad_dt"),
            ({"dt": "20260129"}, "bad_dt"),
            ({"symbol": "ESZ6"}, "unknown_session"),
            ({"symbol": "NQ"}, "unknown_session"),
            ({"dt": "2026-01-28"}, "unknown_session"),
            ({"speed": "0"}, "bad_speed"),
            ({"speed": "-1"}, "bad_speed"),
            ({"speed": "nan"}, "bad_speed"),
            ({"speed": "inf"}, "bad_speed"),
            ({"speed": "1001"}, "bad_speed"),
            ({"speed": "fast"}, "bad_speed"),
            ({"start": "09:29:59"}, "outside_session"),
            ({"start": "25:00:00"}, "bad_start"),
            ({"start": "9:30"}, "bad_start"),
            ({"skip_minutes": "5"}, "outside_session"),
            ({"skip_minutes": "-1"}, "bad_start"),
            ({"skip_minutes": "1", "start": "09:31:00"}, "bad_start"),
            ({"format": "rows"}, "bad_format"),
            ({"surfaces": "snap,walls"}, "bad_surfaces"),
            ({"surfaces": ""}, "bad_surfaces"),
            ({"symbol": "ESH6&symbol=QQQ"}, "bad_symbol"),
            ({"dt": "2026-01-29&dt=2026-01-30"}, "bad_dt"),
            ({"speed": "1&speed=1000"}, "bad_speed"),
            ({"start": "09:31:00&start=09:32:00"}, "bad_start"),
        ],
    )
    def test_a_bad_query_is_named_before_the_close(
        self, served: Served, query: dict[str, object], code: str
    ) -> None:
        with served.connect(**query) as viewer:
            message = viewer.text()
            assert (message["type"], message["code"]) == ("error", code)
            assert closed_with(viewer) == 1008

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "pause",
            "[]",
            '{"type": "rewind"}',
            '{"type": "pause", "now": true}',
            '{"type": "speed", "speed": 0}',
            '{"type": "speed", "speed": NaN}',
            '{"type": "speed", "speed": 1e999}',
            '{"type": "speed", "speed": true}',
            '{"type": "seek", "window_end_ts_ns": 1}',
            '{"type": "seek", "window_end_ts_ns": "1"}',
            '{"type": "step", "n": 1.5}',
            '{"type": "credit", "windows": 0}',
        ],
    )
    def test_a_bad_control_message_ends_the_stream(self, paused: Viewer, text: str) -> None:
        paused.connection.send(text)
        message = next_text(paused)
        assert message["type"] == "error"
        assert closed_with(paused) == 1008

    def test_a_binary_control_message_ends_the_stream(self, paused: Viewer) -> None:
        paused.connection.send(b"\x00")
        assert next_text(paused)["code"] == "bad_message"
        assert closed_with(paused) == 1008

    def test_a_message_above_64_kib_is_too_big(self, paused: Viewer) -> None:
        paused.connection.send("x" * 70_000)
        assert closed_with(paused) == 1009


class TestNeighbours:
    def test_a_client_that_never_reads_disturbs_nobody(self, served: Served) -> None:
        with served.connect() as deaf, served.connect() as healthy:
            assert healthy.text()["type"] == "stream_info"
            sequence = [healthy.window().seq for _ in range(WINDOWS)]
            assert sequence == list(range(WINDOWS))
            assert deaf.text()["type"] == "stream_info"

    def test_the_same_windows_reach_two_viewers(self, served: Served) -> None:
        with served.connect(start="09:33:00") as one, served.connect(start="09:33:00") as two:
            one.text()
            two.text()
            for _ in range(10):
                assert same(one.window(), two.window())


def same(one: Window, two: Window) -> bool:
    tables = zip(one.tables.values(), two.tables.values(), strict=True)
    return one.end_ns == two.end_ns and all(pa.Table.equals(a, b) for a, b in tables)


def next_text(viewer: Viewer) -> dict[str, object]:
    content = viewer.text()
    while content["type"] == "batch_start":
        viewer.rest_of_window(content)
        content = viewer.text()
    return content


def closed_with(viewer: Viewer) -> int:
    """Return the code with which the service closes, whatever it still sends before."""
    with pytest.raises(ConnectionClosed) as closed:
        viewer.drain()
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)
