"""The list of sessions over a lake of many days.

    python -m benchmarks.sessions --sessions 1000

Manifests alone, as those of a real day: the list reads nothing else. Each answer is one request to
the service in a process of its own; after some of them one partition is published anew.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import httpx
import numpy as np

from benchmarks.playback import PRODUCTS, memory_mb, service
from spymaster_resources.lake import Lake, Manifest
from tests.web.service.sample_lake import DT, SYMBOL
from tests.web.service.sample_products import write_products
from web.service.surfaces import datasets_of

COUNTERS = {f"records_of_kind_{n}": 1_000_003 * n for n in range(40)}
ANSWERS = 20


def write_manifests(lake: Lake, template: Lake, sessions: int) -> list[Path]:
    """Publish the manifests of `sessions` sessions; return where those of the snapshots lie."""
    written = []
    for product_symbol, product in PRODUCTS.items():
        for dataset in datasets_of(product).values():
            symbol = product_symbol
            source = template.manifest(dataset, symbol, DT)
            if source is None:
                continue
            (data,) = template.files(dataset, symbol, DT)
            below = Path(data).parent.relative_to(template.root)
            for n in range(sessions // len(PRODUCTS)):
                dt = date(2022, 1, 3) + timedelta(days=n)
                folder = Path(lake.root) / str(below).replace(DT.isoformat(), dt.isoformat())
                folder.mkdir(parents=True)
                (folder / "_SUCCESS").touch()
                (folder / Path(data).name).touch()
                path = folder / "_MANIFEST.json"
                path.write_bytes(replace(source, dt=dt, counters=COUNTERS).to_bytes())
                if "snapshot" in dataset:
                    written.append(path)
    return written


def publish_anew(path: Path, n: int) -> None:
    """Replace a manifest by one of other content, in one step."""
    manifest = Manifest.from_bytes(path.read_bytes())
    beside = path.with_name("beside")
    beside.write_bytes(replace(manifest, counters={**COUNTERS, "round": n}).to_bytes())
    beside.replace(path)


def timed(http: httpx.Client, path: str) -> tuple[float, httpx.Response]:
    """Return milliseconds of one request, and its answer."""
    asked = time.perf_counter()
    answer = http.get(path)
    return (time.perf_counter() - asked) * 1e3, answer


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        template = write_products(f"{folder}/template", windows=60)
        lake = Lake(f"{folder}/lake")
        paths = write_manifests(lake, template, options.sessions)
        with service(lake.root) as (url, pid):
            address = url.replace("ws", "http", 1)
            with httpx.Client(base_url=address, timeout=60) as http:
                first, answer = timed(http, "/v1/sessions")
                body = answer.json()
                assert len(body["sessions"]) == len(paths)
                print(f"{len(paths)} sessions, {len(answer.content) / 1e6:.1f} MB of JSON")
                same, replaced, ready, missing = [], [], [], []
                for n in range(ANSWERS):
                    same.append(timed(http, "/v1/sessions")[0])
                    ready.append(timed(http, "/ready")[0])
                    publish_anew(paths[n], n)
                    began = time.perf_counter()
                    while f'"round":{n}' not in http.get("/v1/sessions").text:
                        time.sleep(0.01)
                    replaced.append((time.perf_counter() - began) * 1e3)
                    missing.append(timed(http, f"/v1/sessions/{SYMBOL}/2021-01-04")[0])
                print(f"  first answer {first:.0f} ms")
                for name, times in (
                    ("nothing changed", same),
                    ("until a partition published anew shows", replaced),
                    ("/ready", ready),
                    ("a session that is not there", missing),
                ):
                    print(f"  {name}: median {np.median(times):.1f} ms, max {max(times):.1f} ms")
                print(f"  memory of the service {memory_mb(pid, 'VmRSS'):.0f} MB")


if __name__ == "__main__":
    main()
