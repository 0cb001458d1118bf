"""Kernels are cached under the sources they were made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from book_engines.kernel import _source_digest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "top.py").write_text("from book_engines.middle import (\n    one,\n)\n")
    (tmp_path / "middle.py").write_text("from book_engines.bottom import two\n")
    (tmp_path / "bottom.py").write_text("two = 2\n")
    (tmp_path / "other.py").write_text("three = 3\n")
    return tmp_path


def digest(folder: Path) -> str:
    _source_digest.cache_clear()
    return _source_digest("book_engines", folder, "top")


def test_a_change_of_an_imported_module_makes_another_digest(package: Path) -> None:
    before = digest(package)
    assert digest(package) == before
    (package / "bottom.py").write_text("two = 3\n")
    assert digest(package) != before


def test_a_change_of_a_module_that_is_not_imported_makes_no_difference(package: Path) -> None:
    before = digest(package)
    (package / "other.py").write_text("three = 4\n")
    assert digest(package) == before


def test_a_kernel_carries_the_digest_in_its_cache_key() -> None:
    from book_engines.cell_engine import replay_levels

    function = getattr(replay_levels, "py_func", None)
    if function is None:
        pytest.skip("compilation is switched off")
    cells = [cell.cell_contents for cell in function.__closure__]
    folder = Path(function.__code__.co_filename).parent
    assert cells == [_source_digest("book_engines", folder, "cell_engine")]
