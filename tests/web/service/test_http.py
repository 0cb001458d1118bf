"""The HTTP endpoints against a real server."""

from __future__ import annotations

from dataclasses import replace

import httpx
import numpy as np
import pytest

from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    FIRST_END_NS,
    FORECAST,
    INVALID_WINDOWS,
    OUTLIER_WINDOWS,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    WINDOWS,
)
from web.service.manifests import calibration_of
from web.service.surfaces import Surface

SESSION = "/v1/sessions/ESH6/2026-01-29"


def test_health_and_readiness(http: httpx.Client) -> None:
    assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/ready").json() == {"status": "ready", "sessions": 2}


def test_the_sessions_are_listed_with_their_tables(http: httpx.Client) -> None:
    body = http.get("/v1/sessions").json()
    assert body["symbols"] == [SYMBOL]
    assert body["dates"] == ["2026-01-29", "2026-01-30"]
    assert body["products"] == ["future_mbo"]
    assert body["scorecard"] is None
    whole, part = body["sessions"]
    assert whole["root"] == "ES"
    assert whole["tables"] == {"snap": True, "velocity": True, "options": False, "forecast": True}
    assert part["tables"] == {"snap": True, "velocity": False, "options": False, "forecast": False}
    assert not whole["calibrated"]


def test_a_session_says_what_a_viewer_must_know(http: httpx.Client) -> None:
    body = http.get(SESSION).json()
    assert (body["tick_int"], body["price_scale"], body["price_decimals"]) == (
        250_000_000,
        10**9,
        2,
    )
    assert body["grid"]["half_width"] == 200
    assert body["grid"]["cells"] == CELLS
    assert body["session"] == {
        "open": "09:30:00",
        "close": "09:34:59",
        "time_zone": "America/New_York",
        "first_window_end_ts_ns": str(FIRST_END_NS),
        "last_window_end_ts_ns": str(FIRST_END_NS + (WINDOWS - 1) * 10**9),
        "window_ns": 10**9,
        "windows": WINDOWS,
    }
    assert body["tiles"] == 5
    assert body["surfaces"]["velocity"]["contract_version"] == 1


def test_a_forecast_says_how_it_was_calibrated(lake: Lake) -> None:
    manifest = lake.manifest(FORECAST, SYMBOL, DT)
    assert manifest is not None
    said = {
        "calibrated": False,
        "uncalibrated_because": "5 s: the 50 % band held 60.0 % of moves",
        "role_in_calibration": "held_out",
        "calibration_sha256": "ab",
    }
    assert calibration_of({Surface.FORECAST: replace(manifest, parameters=said)}) == {
        "uncalibrated_because": "5 s: the 50 % band held 60.0 % of moves",
        "role": "held_out",
        "fit_sha256": "ab",
    }
    assert calibration_of({}) is None


def test_the_overview_equals_the_lake(http: httpx.Client, lake: Lake) -> None:
    overview = http.get(SESSION).json()["overview"]
    assert overview["stride_windows"] == 1
    mid = lake.read(SNAPSHOT, SYMBOL, DT).column("mid_price").to_pylist()
    assert overview["mid"] == pytest.approx(mid)
    energy = lake.read(SURFACE, SYMBOL, DT).column("u_wave_energy").to_numpy()
    mean = energy.reshape(WINDOWS, -1).mean(axis=1, dtype=np.float64)
    assert overview["wave_energy"] == pytest.approx(mean.tolist(), abs=1e-6)
    assert overview["quality_marks"] == [
        {
            "kind": "invalid",
            "first_window": INVALID_WINDOWS.start,
            "last_window": INVALID_WINDOWS.stop - 1,
        },
        {
            "kind": "price_outlier",
            "first_window": OUTLIER_WINDOWS.start,
            "last_window": OUTLIER_WINDOWS.stop - 1,
        },
    ]


def test_a_session_and_a_tile_are_fetched_once(http: httpx.Client) -> None:
    for path in ("/v1/sessions", SESSION, f"{SESSION}/tiles/snap/0"):
        first = http.get(path)
        again = http.get(path, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
        other = http.get(path, headers={"if-none-match": '"other"'})
        assert other.content == first.content


def test_a_tile_of_a_version_is_kept_for_ever_and_gone_with_it(http: httpx.Client) -> None:
    version = http.get(SESSION).json()["version"]
    path = f"{SESSION}/tiles/velocity/0"
    assert "immutable" in http.get(path).headers["cache-control"]
    kept = http.get(path, params={"v": version}).headers["cache-control"]
    assert kept == "public, max-age=31536000, immutable"
    assert http.get(path, params={"v": "0" * 16}).status_code == 410


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/sessions/ESZ6/2026-01-29", 404, "unknown_session"),
        ("/v1/sessions/ESH6/2026-01-28", 404, "unknown_session"),
        ("/v1/sessions/%2e%2e/2026-01-29", 400, "bad_symbol"),
        ("/v1/sessions/ES%00/2026-01-29", 400, "bad_symbol"),
        ("/v1/sessions/" + "E" * 3000 + "/2026-01-29", 400, "bad_symbol"),
        ("/v1/sessions/ESH6/%2e%2e", 400, "bad_dt"),
        ("/v1/sessions/ESH6/2026-13-01", 400, "bad_dt"),
        (f"{SESSION}/tiles/walls/0", 404, "unknown_surface"),
        (f"{SESSION}/tiles/options/0", 404, "missing_surface"),
        (f"{SESSION}/tiles/snap/5", 404, "unknown_tile"),
        (f"{SESSION}/tiles/snap/-1", 404, "unknown_tile"),
        (f"{SESSION}/tiles/snap/0x0", 404, "unknown_tile"),
        ("/v1/sessions/..%2f..%2fetc/passwd", 404, "http"),
        ("/v1/nothing", 404, "http"),
    ],
)
def test_refusals_are_named(http: httpx.Client, path: str, status: int, code: str) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/v1/sessions", SESSION, "/index.html", "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_only_reading_is_allowed(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error"]["code"] == "http"


@pytest.mark.parametrize(
    "path", ["/health", "/v1/sessions", SESSION, f"{SESSION}/tiles/snap/0", "/index.html"]
)
def test_a_head_is_the_answer_without_its_body(http: httpx.Client, path: str) -> None:
    whole, head = http.get(path), http.head(path)
    assert head.content == b""
    for name in ("content-length", "content-type", "cache-control", "etag"):
        assert head.headers.get(name) == whole.headers.get(name)
