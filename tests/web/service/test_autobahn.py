"""The Autobahn test suite against the service's own WebSocket stack.

The suite speaks to an echo. The service has none, so the test adds one behind the same protocol,
limits and checks. `make autobahn` installs the suite, which runs on Python 2.7, where there is one.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from spymaster_resources.lake import Lake
from tests.web.service.serving import serving

ROOT = Path(__file__).resolve().parents[3]
WSTEST = Path(os.environ.get("SPYMASTER_WSTEST", ROOT / ".venv-autobahn" / "bin" / "wstest"))

ABOVE_64_KIB = [
    *(f"9.{group}.{case}" for group in (1, 2) for case in range(2, 7)),
    *(f"9.{group}.*" for group in range(3, 7)),
]
COMPRESSION = ["12.*", "13.*"]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        await socket.send({**message, "type": "websocket.send"})


@pytest.mark.slow
@pytest.mark.skipif(not WSTEST.is_file(), reason="no Autobahn suite: see `make autobahn`")
def test_no_case_fails(lake: Lake, tmp_path: Path) -> None:
    with serving(lake.root, tmp_path) as served:
        app = served.server.config.app
        assert isinstance(app, Starlette)
        app.router.routes.insert(0, WebSocketRoute("/echo", echo))
        plan = {
            "outdir": str(tmp_path / "reports"),
            "servers": [{"agent": "spymaster", "url": f"ws://127.0.0.1:{served.port}/echo"}],
            "cases": ["*"],
            "exclude-cases": [*ABOVE_64_KIB, *COMPRESSION],
            "exclude-agent-cases": {},
        }
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        command = [str(WSTEST), "-m", "fuzzingclient", "-s", str(tmp_path / "plan.json")]
        subprocess.run(command, check=True, capture_output=True, timeout=240, cwd=tmp_path)
    cases = json.loads((tmp_path / "reports" / "index.json").read_text())["spymaster"]
    assert len(cases) > 240
    good = {"OK", "NON-STRICT", "INFORMATIONAL"}
    bad = {
        name: case
        for name, case in cases.items()
        if case["behavior"] not in good or case["behaviorClose"] not in {"OK", "INFORMATIONAL"}
    }
    assert bad == {}
