"""Caps on viewers and on control messages, as arithmetic."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from web.service.limits import GESTURE_S, MAX_MESSAGES, PERIOD_S, Admissions, MessageRate
from web.service.protocol import CloseCode, Credit, Pause, RefusalError, Seek


class TestAdmissions:
    def test_an_address_has_a_cap_and_all_have_one(self) -> None:
        admissions = Admissions(in_all=3, per_address=2)
        with ExitStack() as stack:
            for address in ("a", "a", "b"):
                stack.enter_context(admissions.admit(address))
            assert admissions.count == 3
            with pytest.raises(RefusalError, match="3 streams") as refused, admissions.admit("c"):
                pass
            assert refused.value.close_code is CloseCode.BUSY
        with ExitStack() as stack:
            for address in ("a", "a"):
                stack.enter_context(admissions.admit(address))
            with pytest.raises(RefusalError, match="one address") as refused, admissions.admit("a"):
                pass
            assert refused.value.close_code is CloseCode.BUSY
            stack.enter_context(admissions.admit("b"))

    def test_who_leaves_in_whatever_way_makes_room(self) -> None:
        admissions = Admissions(in_all=1, per_address=1)
        with pytest.raises(KeyError), admissions.admit("a"):
            raise KeyError
        assert admissions.count == 0
        with admissions.admit("a"):
            assert admissions.count == 1


class TestMessageRate:
    def test_the_hundredth_message_of_a_minute_is_the_last(self) -> None:
        rate = MessageRate()
        for n in range(MAX_MESSAGES):
            rate.count(Pause(), n * 0.1)
        with pytest.raises(RefusalError, match="100 control messages in 60 s") as refused:
            rate.count(Credit(1), PERIOD_S - 0.001)
        assert refused.value.close_code is CloseCode.POLICY
        rate.count(Pause(), PERIOD_S)

    def test_a_steady_hundred_a_minute_goes_on_for_ever(self) -> None:
        rate = MessageRate()
        for n in range(1000):
            rate.count(Pause(), n * 1.001 * PERIOD_S / MAX_MESSAGES)

    def test_the_seeks_of_one_gesture_count_once(self) -> None:
        rate = MessageRate()
        for n in range(10_000):
            rate.count(Seek(n), n * 0.01)
        for n in range(MAX_MESSAGES - 1):
            rate.count(Pause(), 100.0 + n * 0.01)

    def test_seeks_apart_count_like_any_message(self) -> None:
        rate = MessageRate()
        for n in range(MAX_MESSAGES - 2):
            rate.count(Pause(), n * 0.1)
        rate.count(Seek(1), 20.0)
        rate.count(Seek(2), 20.0 + GESTURE_S)
        with pytest.raises(RefusalError):
            rate.count(Seek(3), 20.0 + 2 * GESTURE_S)
