"""Serve the browser tests' lake with the real service; says `ready` when its socket listens.

    python -m tests.web.ui.serve --lake FOLDER --port 0

writes the lake first when the folder holds none, so that a killed service can be started again.
"""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from tests.web.ui.market import write_lake
from web.service.app import create_app
from web.service.server import create_server


def main() -> None:
    """Write the lake if need be, then serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if not options.lake.exists():
        write_lake(str(options.lake))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen()
    port = listener.getsockname()[1]
    print(f"ready {port}", flush=True)
    server = create_server(create_app(str(options.lake)), port=port)
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
