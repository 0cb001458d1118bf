"""The shared cache: bounded, least recently used first, each value loaded once."""

from __future__ import annotations

import threading

import pytest

from web.service.cache import BoundedCache


def load(cache: BoundedCache, key: str, size: int = 10) -> list[str]:
    """Return [key], or what the cache kept for it; the first element tells which load made it."""
    return cache.get(key, lambda: [key], lambda _: size)


def test_a_value_is_kept_and_given_to_all() -> None:
    cache = BoundedCache(100)
    assert load(cache, "a") is load(cache, "a")


def test_the_least_recently_used_goes_first_and_the_bound_holds() -> None:
    cache = BoundedCache(30)
    a, b, c = (load(cache, key) for key in "abc")
    assert load(cache, "a") is a
    load(cache, "d")
    assert cache.size_bytes == 30
    assert load(cache, "a") is a
    assert load(cache, "c") is c
    assert load(cache, "b") is not b


def test_a_value_above_the_bound_is_given_but_not_kept() -> None:
    cache = BoundedCache(30)
    a = load(cache, "a")
    big = load(cache, "big", 31)
    assert load(cache, "big", 31) is not big
    assert load(cache, "a") is a


def test_a_failed_load_is_tried_again() -> None:
    cache = BoundedCache(30)

    def fail() -> list[str]:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        cache.get("a", fail, len)
    assert load(cache, "a") == ["a"]


@pytest.mark.parametrize("fails", [False, True])
def test_callers_at_the_same_time_share_one_load(fails: bool) -> None:
    cache = BoundedCache(30)
    loading, go_on = threading.Event(), threading.Event()
    loads: list[int] = []
    outcomes: list[object] = []

    def slow() -> str:
        loads.append(1)
        loading.set()
        go_on.wait(10)
        if fails:
            raise OSError("disk")
        return "value"

    def call() -> None:
        try:
            outcomes.append(cache.get("a", slow, len))
        except OSError as error:
            outcomes.append(str(error))

    first = threading.Thread(target=call)
    first.start()
    loading.wait(10)
    second = threading.Thread(target=call)
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert set(outcomes) == ({"disk"} if fails else {"value"})
    assert len(loads) == 1 or fails
