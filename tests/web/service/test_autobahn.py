"""The Autobahn test suite against the service's own WebSocket stack.

The suite speaks to an echo. The service has none, so the test adds one behind the same protocol,
limits and checks. `make autobahn` installs the suite, which runs on Python 2.7, where there is one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from spymaster_resources.lake import Lake
from tests.web.service.serving import serving

ROOT = Path(__file__).resolve().parents[3]
WSTEST = Path(os.environ.get("SPYMASTER_WSTEST", ROOT / ".venv-autobahn" / "bin" / "wstest"))

# The suite kills a connection that we have not ended half a second after a message that is wrong,
# which on a busy machine fails a case that is right. It takes no option for that.
PATIENT_WSTEST = """
from autobahntestsuite import fuzzing, wstest
kill_after = fuzzing.FuzzingProtocol.killAfter
fuzzing.FuzzingProtocol.killAfter = lambda self, delay_s: kill_after(self, 20 * delay_s)
wstest.run()
"""

ABOVE_64_KIB = [
    *(f"9.{group}.{case}" for group in (1, 2) for case in range(2, 7)),
    *(f"9.{group}.*" for group in range(3, 7)),
]
COMPRESSION = ["12.*", "13.*"]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        await socket.send({**message, "type": "websocket.send"})


def why_not() -> str:
    """Return why there is no suite to run, nothing when there is one."""
    if WSTEST.is_file():
        return ""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which("python2.7"), *map(str, kept.glob("2.7*/bin/python2.7"))]
    if not any(python is not None and _runs(python) for python in candidates):
        return "no Python 2.7 on this machine, and the Autobahn suite runs on no other"
    return "there is a Python 2.7, but no Autobahn suite: `make autobahn` installs it"


def _runs(python: str) -> bool:
    """Return whether an interpreter runs; a version manager's may be there and not do so."""
    return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_no_case_fails(lake: Lake, tmp_path: Path) -> None:
    with serving(lake.root, tmp_path) as served:
        app = served.server.config.app
        assert isinstance(app, Starlette)
        app.router.routes.insert(0, WebSocketRoute("/echo", echo))
        cases = run(served.port, tmp_path)
    assert len(cases) > 240
    assert failures(cases) == {}


def run(port: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Run the suite; return what it says of each case."""
    plan = {
        "outdir": str(folder / "reports"),
        "options": {"openHandshakeTimeout": 20, "closeHandshakeTimeout": 20},
        "servers": [{"agent": "spymaster", "url": f"ws://127.0.0.1:{port}/echo"}],
        "cases": ["*"],
        "exclude-cases": [*ABOVE_64_KIB, *COMPRESSION],
        "exclude-agent-cases": {},
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    python = str(WSTEST.with_name("python"))
    command = [python, "-c", PATIENT_WSTEST, "-m", "fuzzingclient", "-s", f"{folder}/plan.json"]
    subprocess.run(command, check=True, capture_output=True, timeout=240, cwd=folder)
    report = json.loads((folder / "reports" / "index.json").read_text())
    said: dict[str, dict[str, Any]] = report["spymaster"]
    return said


def failures(cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the cases that are not as the suite wants them."""
    good = {"OK", "NON-STRICT", "INFORMATIONAL"}
    return {
        name: case
        for name, case in cases.items()
        if case["behavior"] not in good or case["behaviorClose"] not in {"OK", "INFORMATIONAL"}
    }
