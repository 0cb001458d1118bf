"""Lakes that change or fail under a running service, and its end."""

from __future__ import annotations

import logging
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.registry import dataset
from spymaster_resources.lake import Lake
from tests.web.service.hostile import BareClient
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    WINDOWS,
    snapshot,
    write_lake,
    write_session,
)
from tests.web.service.serving import Served, Window, serving, wait_until

SESSION = "/v1/sessions/ESH6/2026-01-29"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Lake, Served]]:
    """A lake of one test's own and a service over it."""
    lake = write_lake(str(tmp_path / "lake"))
    with serving(lake.root, tmp_path / "dist") as served:
        yield lake, served


def velocity_of(window: Window) -> list[float]:
    values: list[float] = window.tables["velocity"].column("rho").to_pylist()
    return values


def test_it_starts_without_a_lake_and_sees_what_is_published_later(tmp_path: Path) -> None:
    root = str(tmp_path / "later")
    with serving(root, tmp_path / "dist") as served, httpx.Client(base_url=served.url) as http:
        assert http.get("/ready").json()["sessions"] == 0
        with served.connect() as viewer:
            assert viewer.text()["code"] == "unknown_session"
        write_lake(root)
        with served.connect() as viewer:
            assert viewer.text()["type"] == "stream_info"


def test_a_running_stream_keeps_the_session_it_opened(own: tuple[Lake, Served]) -> None:
    lake, served = own
    old = lake.read(SURFACE, SYMBOL, DT, ["rho"]).column(0).to_pylist()
    with served.connect(speed=0.1) as running, httpx.Client(base_url=served.url) as http:
        running.text()
        running.say_and_wait("pause")
        tag = http.get(SESSION).headers["etag"]
        write_session(lake, DT, seed=99)
        new = lake.read(SURFACE, SYMBOL, DT, ["rho"]).column(0).to_pylist()
        assert http.get(SESSION, headers={"if-none-match": tag}).status_code == 200
        with served.connect() as fresh:
            fresh.text()
            assert velocity_of(fresh.window()) == new[: 2 * CELLS]
        running.say_and_wait("speed", speed=1000)
        running.say_and_wait("seek", window_end_ts_ns=running_end(http))
        assert velocity_of(running.window()) == old[-2 * CELLS :]


def test_a_stream_whose_old_files_are_gone_ends_as_replaced(own: tuple[Lake, Served]) -> None:
    """An object store removes them; a cut file stands for that on a disk, which keeps them."""
    lake, served = own
    with served.connect(speed=0.1) as running, httpx.Client(base_url=served.url) as http:
        running.text()
        running.say_and_wait("pause")
        Path(lake.files(SURFACE, SYMBOL, DT)[0]).write_bytes(b"")
        write_session(lake, DT, seed=99)
        running.say_and_wait("seek", window_end_ts_ns=running_end(http))
        assert running.text() == {"type": "stream_end", "reason": "replaced"}


def running_end(http: httpx.Client) -> str:
    end: str = http.get(SESSION).json()["session"]["last_window_end_ts_ns"]
    return end


def test_a_damaged_page_ends_the_stream_with_an_id(own: tuple[Lake, Served]) -> None:
    lake, served = own
    (path,) = map(Path, lake.files(SURFACE, SYMBOL, DT))
    content = bytearray(path.read_bytes())
    first_group = pq.read_metadata(path).row_group(0)
    column = first_group.column(dataset(SURFACE).schema.get_field_index("rho"))
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 0x10
    path.write_bytes(content)
    with served.connect() as viewer:
        viewer.text()
        message = viewer.text()
        assert (message["type"], message["code"]) == ("error", "lake")
        assert len(message["id"]) == 12
        assert str(path) not in message["message"]


def test_tables_of_different_windows_are_refused(own: tuple[Lake, Served]) -> None:
    lake, served = own
    with lake.writer(SNAPSHOT, SYMBOL, DT, parameters={}, inputs=[], code_version="2") as writer:
        writer.write(snapshot(DT, WINDOWS - 1, 7))
        writer.publish()
    with served.connect() as viewer:
        assert viewer.text()["code"] == "lake"


def test_a_session_with_a_hole_in_time_is_refused(own: tuple[Lake, Served]) -> None:
    lake, served = own
    table = snapshot(DT, WINDOWS, 7)
    holed = pa.concat_tables([table.slice(0, 10), table.slice(11)])
    with lake.writer(SNAPSHOT, SYMBOL, DT, parameters={}, inputs=[], code_version="2") as writer:
        writer.write(holed.cast(dataset(SNAPSHOT).schema))
        writer.publish()
    with httpx.Client(base_url=served.url) as http:
        answer = http.get(SESSION)
        assert answer.status_code == 500
        assert answer.json()["error"].keys() == {"code", "message", "id"}
        assert http.get("/health").status_code == 200


def test_a_damaged_manifest_and_scorecard_leave_the_list_readable(
    own: tuple[Lake, Served],
) -> None:
    lake, served = own
    manifest = Path(lake.files(SURFACE, SYMBOL, DT)[0]).with_name("_MANIFEST.json")
    manifest.write_text(manifest.read_text().replace("2026-01-29", "2026-01-28"))
    lake.put_document("calibration/physics_beta_gamma_eval.json", b"{")
    with httpx.Client(base_url=served.url) as http:
        body = http.get("/v1/sessions").json()
        assert body["scorecard"] is None
        assert [entry["fault"] is None for entry in body["sessions"]] == [False, True]
        assert http.get(SESSION).json()["error"]["code"] == "lake"


def test_the_scorecard_is_passed_on(own: tuple[Lake, Served]) -> None:
    lake, served = own
    lake.put_document("calibration/physics_beta_gamma_eval.json", b'{"ES": {"skill": 0.02}}')
    with httpx.Client(base_url=served.url) as http:
        assert http.get("/v1/sessions").json()["scorecard"] == {"ES": {"skill": 0.02}}


def test_what_was_counted_while_a_table_was_made_is_told(own: tuple[Lake, Served]) -> None:
    lake, served = own
    with lake.writer(SNAPSHOT, SYMBOL, DT, parameters={}, inputs=[], code_version="2") as writer:
        writer.write(snapshot(DT, WINDOWS, 7))
        writer.seal({"crossed_seconds": 3, "valid_share": 0.5, "first_ts": 2**60 + 1})
        writer.publish()
    with httpx.Client(base_url=served.url) as http:
        entry = http.get("/v1/sessions").json()["sessions"][0]
        snap = {"crossed_seconds": 3, "valid_share": 0.5, "first_ts": str(2**60 + 1)}
        told = {"snap": snap, "velocity": {}, "forecast": {}}
        assert entry["scorecard"] == told
        assert http.get(SESSION).json()["scorecard"] == told


def test_a_lake_that_vanishes_leaves_the_service_alive(own: tuple[Lake, Served]) -> None:
    lake, served = own
    shutil.rmtree(lake.root)
    with httpx.Client(base_url=served.url) as http:
        assert http.get(SESSION).status_code in (404, 500)
        assert http.get("/health").status_code == 200


def test_a_stream_plays_on_when_its_lake_vanishes(own: tuple[Lake, Served]) -> None:
    """Its files are open. Who comes later is told that there is no such session."""
    lake, served = own
    old = lake.read(SURFACE, SYMBOL, DT, ["rho"]).column(0).to_pylist()
    with served.connect(speed=300) as viewer:
        viewer.text()
        viewer.window()
        shutil.rmtree(lake.root)
        for index in range(1, WINDOWS):
            window = viewer.window()
            assert window.seq == index
        assert velocity_of(window) == old[-2 * CELLS :]
        assert viewer.text() == {"type": "stream_end", "reason": "end_of_session"}
        with served.connect() as later:
            assert later.text()["code"] == "unknown_session"


def test_a_session_replaced_while_it_plays_is_played_to_its_end(own: tuple[Lake, Served]) -> None:
    lake, served = own
    old = lake.read(SURFACE, SYMBOL, DT, ["rho"]).column(0).to_pylist()
    with served.connect(speed=150) as running:
        running.text()
        running.window()
        write_session(lake, DT, seed=99)
        new = lake.read(SURFACE, SYMBOL, DT, ["rho"]).column(0).to_pylist()
        with served.connect(speed=1000) as fresh:
            fresh.text()
            for index in range(WINDOWS):
                rows = slice(index * 2 * CELLS, (index + 1) * 2 * CELLS)
                if index:
                    assert velocity_of(running.window()) == old[rows]
                assert velocity_of(fresh.window()) == new[rows]


def test_a_shutdown_ends_streams_with_a_reason(lake: Lake, tmp_path: Path) -> None:
    with serving(lake.root, tmp_path) as served, served.connect(speed=0.1) as viewer:
        viewer.text()
        viewer.say_and_wait("pause")
        served.server.should_exit = True
        assert viewer.text() == {"type": "stream_end", "reason": "shutdown"}


def test_a_shutdown_does_not_wait_for_who_takes_nothing(
    lake: Lake, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Streams and answers that nobody reads end too, soon and without a trace in the log."""
    tile = f"GET {SESSION}/tiles/velocity/0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    stream = "/v1/velocity/stream?symbol=ESH6&dt=2026-01-29&speed=1000"
    with caplog.at_level(logging.ERROR), ExitStack() as stack:
        served = stack.enter_context(serving(lake.root, tmp_path))
        for _ in range(3):
            stack.enter_context(BareClient(served.port, stream, receive_buffer=4096))
        half = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
        half.sendall(tile[:20])
        greedy = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
        greedy.sendall(tile * 20)
        viewer = stack.enter_context(served.connect(speed=0.1))
        viewer.text()
        viewer.window()
        served.server.should_exit = True
        assert viewer.text() == {"type": "stream_end", "reason": "shutdown"}
        began = time.monotonic()
        wait_until(lambda: not served.server.server_state.connections)
        assert time.monotonic() - began < 5.0  # two seconds for streams, two for answers
    assert caplog.records == []
