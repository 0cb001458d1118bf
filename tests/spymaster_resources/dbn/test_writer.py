"""The writer writes whole files or none, and refuses what a version cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.prefetch import prefetched
from tests.spymaster_resources.dbn.conftest import Write
from tests.spymaster_resources.dbn.dbn_records import some_records


def test_equal_input_gives_equal_bytes(write: Write) -> None:
    first = write(some_records(500), "a.dbn.zst").read_bytes()
    assert write(some_records(500), "b.dbn.zst").read_bytes() == first


def test_nothing_is_left_of_a_failed_file(write: Write, tmp_path: Path) -> None:
    records = some_records(3)
    records["length"][1] = 13
    with pytest.raises(ConfigurationError, match="record 1: expected the length byte 14, found 13"):
        write(records)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 4}, "expected a DBN version"),
        ({"schema": "mbo-2"}, "found 'mbo-2'"),
        ({"stype_in": "ticker"}, "found 'ticker'"),
        ({"version": 1, "symbols": ["S" * 22]}, "longer than the 21 bytes of DBN 1"),
        ({"version": 3, "symbols": ["S" * 71]}, "longer than the 70 bytes of DBN 3"),
    ],
)
def test_refuses_what_the_version_cannot_hold(
    write: Write, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        write(some_records(1), **options)
    assert list(tmp_path.iterdir()) == []


def test_prefetched_keeps_order_and_raises_in_place() -> None:
    def numbers() -> Iterator[int]:
        yield from range(1, 11)
        raise KeyError("at ten")

    items = prefetched(numbers(), 4)
    assert [next(items) for _ in range(10)] == list(range(1, 11))
    with pytest.raises(KeyError, match="at ten"):
        next(items)


def test_prefetched_stops_early_without_the_rest() -> None:
    made = []

    def numbers() -> Iterator[int]:
        for number in range(1_000):
            made.append(number)
            yield number

    items = prefetched(numbers(), 3)
    assert next(items) == 0
    items.close()
    assert len(made) <= 5
