"""What /metrics says is what happened, in a form that Prometheus reads."""

from __future__ import annotations

import re

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.web.service.serving import Served, wait_until
from web.service.metrics import Counter, Histogram, Reading, exposition

_SAMPLE = re.compile(r'([a-z_]+)(\{[a-z]+="[^"]*"\})? (-?[0-9.e+-]+)')


def samples(served: Served) -> dict[str, float]:
    """Return every sample by name and label; each line is one, or a comment."""
    answer = httpx.get(f"{served.url}/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    found = {}
    for line in answer.text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def test_a_stream_is_counted(served: Served) -> None:
    wait_until(lambda: samples(served)["spymaster_streams"] == 0)  # of the tests before
    before = samples(served)
    with served.connect(dt="2026-01-30", speed=0.1) as viewer:
        viewer.text()
        assert samples(served)["spymaster_streams"] >= 1
        viewer.say_and_wait("speed", speed=1000)
        with pytest.raises(Exception, match="1000"):
            viewer.drain()
    after = samples(served)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("spymaster_streams_opened_total") == 1
    assert grown('spymaster_streams_closed_total{code="1000"}') == 1
    assert grown('spymaster_control_messages_total{type="speed"}') == 1
    assert grown('spymaster_windows_sent_total{format="frames"}') == 70
    assert grown('spymaster_bytes_sent_total{format="frames"}') > 70 * 1000
    assert grown("spymaster_window_lateness_seconds_count") == 70
    assert after["spymaster_cache_misses_total"] > 0
    assert after["spymaster_cache_bytes"] > 0
    assert after["spymaster_sessions_open"] >= 1


def test_refusals_and_answers_are_counted(served: Served) -> None:
    wait_until(lambda: samples(served)["spymaster_streams"] == 0)
    before = samples(served)
    with served.connect(dt="nonsense") as viewer:
        viewer.text()
    foreign = {"origin": "http://evil.example"}
    with pytest.raises(InvalidStatus), connect(served.stream_url(), additional_headers=foreign):
        pass
    after = samples(served)
    for name in (
        'spymaster_errors_total{code="bad_dt"}',
        'spymaster_streams_closed_total{code="1008"}',
        "spymaster_handshakes_refused_total",
        'spymaster_http_requests_total{status="200"}',
    ):
        assert after[name] - before.get(name, 0) == 1, name


def test_the_text_of_each_kind() -> None:
    plain = Counter("a_total", "A.")
    plain.add(3)
    labelled = Counter("b_total", "B.", "code")
    labelled.add(label='x"\\\n')
    spread = Histogram("c_seconds", "C.", (0.5, 1.0))
    for value in (0.25, 0.5, 0.75, 4.0):
        spread.observe(value)
    assert exposition([plain, labelled, spread, Reading("d", "D.", lambda: 7)]).splitlines() == [
        "# HELP a_total A.",
        "# TYPE a_total counter",
        "a_total 3",
        "# HELP b_total B.",
        "# TYPE b_total counter",
        r'b_total{code="x\"\\\n"} 1',
        "# HELP c_seconds C.",
        "# TYPE c_seconds histogram",
        'c_seconds_bucket{le="0.5"} 2',
        'c_seconds_bucket{le="1.0"} 3',
        'c_seconds_bucket{le="+Inf"} 4',
        "c_seconds_sum 5.5",
        "c_seconds_count 4",
        "# HELP d D.",
        "# TYPE d gauge",
        "d 7",
    ]
