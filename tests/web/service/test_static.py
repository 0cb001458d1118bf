"""The built pages and the hint that stands in for them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from spymaster_resources.lake import Lake
from tests.web.service.serving import serving


@pytest.mark.parametrize(
    ("path", "kind", "keep"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/particle-wave.html", "text/html; charset=utf-8", "no-cache"),
        (
            "/assets/main-4f2a.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
    ],
)
def test_pages_have_their_type_and_lifetime(
    http: httpx.Client, path: str, kind: str, keep: str
) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == keep
    again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == keep


@pytest.mark.parametrize(
    "path",
    ["/%2e%2e/secret", "/..%2fsecret", "/a%00b", "/" + "a" * 5000, "/assets/../../secret"],
)
def test_nothing_outside_the_folder_is_served(http: httpx.Client, pages: Path, path: str) -> None:
    (pages.parent / "secret").write_text("secret")
    answer = http.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_pages_appear_as_soon_as_they_are_built(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    with serving(lake.root, folder) as served, httpx.Client(base_url=served.url) as http:
        hint = http.get("/")
        assert hint.status_code == 503
        assert "npm run build" in hint.text
        folder.mkdir()
        (folder / "index.html").write_text("<!doctype html>")
        assert http.get("/").text == "<!doctype html>"
