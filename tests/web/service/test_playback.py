"""The transport of one viewer, with a clock that the test sets."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.service.playback import MAX_CATCH_UP_S, Batch, Playback


def playing(windows: int = 10_801, start: int = 0, speed: float = 1.0) -> Playback:
    return Playback(windows=windows, start=start, speed=speed, now_s=100.0)


def first_of(batch: Batch | None) -> int:
    assert batch is not None
    return batch.first


class TestSchedule:
    def test_the_first_window_is_due_at_once_and_each_other_one_second_later(self) -> None:
        playback = playing(start=7)
        assert playback.take(100.0, 1) == Batch(first=7, count=1, epoch=0, seq=0)
        assert playback.take(100.999, 1) is None
        assert playback.wait_s(100.75) == pytest.approx(0.25)
        assert playback.take(101.0, 1) == Batch(first=8, count=1, epoch=0, seq=1)

    @pytest.mark.parametrize("speed", [0.1, 1.0, 16.0, 64.0, 1000.0])
    def test_late_wake_ups_do_not_add_up(self, speed: float) -> None:
        """Each wake-up is up to 20 ms late; the last window still is at most one late."""
        playback = playing(speed=speed)
        rng = random.Random(3)
        now, sent = 100.0, 0
        while sent < 2000:
            batch = playback.take(now, 64)
            if batch is not None:
                sent += batch.count
                last_due = 100.0 + (sent - 1) / speed
                assert last_due <= now + 1e-6
            else:
                wait = playback.wait_s(now)
                assert wait is not None
                now += wait + rng.uniform(0, 0.02)
        assert now - 100.0 == pytest.approx((sent - 1) / speed, rel=0.01, abs=0.04)

    def test_windows_that_fell_due_together_come_together_up_to_the_limit(self) -> None:
        for late, count in ((0.5, 50), (0.9, 64)):
            playback = playing(speed=100)
            playback.take(100.0, 64)
            assert playback.take(100.0 + late, 64) == Batch(1, count, 0, 1)

    def test_the_schedule_begins_with_the_first_window_taken(self) -> None:
        """It had to be read from the disk first: those after it are not late for that."""
        playback = playing(speed=10)
        first = playback.take(100.7, 64)
        assert first == Batch(0, 1, 0, 0)
        assert first.late_s == pytest.approx(0.7)
        assert playback.wait_s(100.7) == pytest.approx(0.1)
        playback.seek(500, 101.0)
        assert playback.take(101.3, 64) == Batch(500, 1, 1, 0)
        assert playback.wait_s(101.3) == pytest.approx(0.1)

    def test_lateness_counts_from_the_instant_a_window_could_go(self) -> None:
        playback = playing(speed=10)
        playback.take(100.0, 64)
        batch = playback.take(100.25, 64)
        assert batch is not None
        assert list(batch.lateness_s(10)) == pytest.approx([0.15, 0.05])
        playback.grant(1, 100.25)
        playback.take(100.3, 64)
        playback.grant(1, 100.75)
        batch = playback.take(100.76, 64)
        assert batch is not None
        assert batch.late_s == pytest.approx(0.01)

    def test_a_stream_that_fell_far_behind_goes_on_from_the_present(self) -> None:
        playback = playing()
        playback.take(100.0, 64)
        late = 101.0 + MAX_CATCH_UP_S + 0.5
        assert playback.take(late, 64) == Batch(1, 1, 0, 1)
        assert playback.wait_s(late) == pytest.approx(1.0)

    def test_it_ends_after_the_last_window(self) -> None:
        playback = playing(windows=2, speed=1000)
        assert not playback.ended
        playback.take(100.0, 64)
        playback.take(100.5, 64)
        assert playback.ended
        assert playback.wait_s(101.0) is None


class TestPauseAndSpeed:
    def test_resume_goes_on_within_the_window_where_pause_held(self) -> None:
        playback = playing()
        playback.take(100.0, 1)
        playback.pause(100.4)
        assert playback.wait_s(500.0) is None
        playback.resume(500.0)
        assert playback.wait_s(500.0) == pytest.approx(0.6)

    def test_pausing_twice_or_resuming_twice_changes_nothing(self) -> None:
        playback = playing()
        playback.take(100.0, 1)
        playback.pause(100.4)
        playback.pause(200.0)
        playback.resume(300.0)
        playback.resume(300.3)
        assert playback.wait_s(300.3) == pytest.approx(0.3)
        assert playback.epoch == 0

    def test_a_new_speed_counts_from_now_on(self) -> None:
        playback = playing()
        playback.take(100.0, 1)
        playback.set_speed(4.0, 100.5)
        assert playback.wait_s(100.5) == pytest.approx(0.125)
        assert playback.take(100.625, 1) == Batch(1, 1, 1, 0)

    @pytest.mark.parametrize("speed", [0.0, -1.0, 0.09, 1000.1, float("nan"), float("inf")])
    def test_a_speed_out_of_range_is_refused(self, speed: float) -> None:
        with pytest.raises(ValueError, match="speed"):
            playing().set_speed(speed, 100.0)
        with pytest.raises(ValueError, match="speed"):
            playing(speed=speed)


class TestSeekAndStep:
    def test_seek_is_due_at_once_and_keeps_playing(self) -> None:
        playback = playing()
        playback.take(100.0, 1)
        playback.seek(5000, 100.3)
        assert playback.take(100.3, 64) == Batch(5000, 1, 1, 0)
        assert playback.wait_s(100.3) == pytest.approx(1.0)

    def test_seek_while_paused_lets_one_window_out(self) -> None:
        playback = playing()
        playback.pause(100.0)
        playback.seek(5000, 200.0)
        assert playback.take(200.0, 64) == Batch(5000, 1, 1, 0)
        assert playback.take(300.0, 64) is None
        playback.resume(300.0)
        assert playback.wait_s(300.0) == pytest.approx(1.0)

    def test_step_pauses_and_counts_from_the_window_sent_last(self) -> None:
        playback = playing(start=50)
        playback.take(100.0, 1)
        playback.step(10, 100.1)
        assert playback.paused
        assert first_of(playback.take(100.1, 64)) == 60
        playback.step(-1, 100.2)
        assert first_of(playback.take(100.2, 64)) == 59

    def test_step_stops_at_the_ends(self) -> None:
        playback = playing(windows=10)
        playback.step(-3, 100.0)
        assert first_of(playback.take(100.0, 64)) == 0
        playback.step(99, 100.0)
        assert first_of(playback.take(100.0, 64)) == 9
        assert not playback.ended
        playback.resume(100.0)
        assert playback.ended

    @pytest.mark.parametrize("index", [-1, 10])
    def test_seek_outside_is_refused(self, index: int) -> None:
        with pytest.raises(ValueError, match="outside"):
            playing(windows=10).seek(index, 100.0)


class TestCredit:
    def test_without_a_grant_there_is_no_limit(self) -> None:
        assert playing().credit is None

    def test_windows_wait_for_credit_and_do_not_pour_out_after_it(self) -> None:
        playback = playing(speed=10)
        playback.take(100.0, 64)
        playback.grant(2, 100.0)
        assert playback.take(100.9, 64) == Batch(1, 2, 0, 1)
        assert playback.wait_s(101.0) is None
        playback.grant(50, 200.0)
        batch = playback.take(200.0, 64)
        assert batch == Batch(3, 1, 0, 3)
        assert playback.credit == 49


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.floats(0, 3)),
            st.tuples(st.just("take"), st.integers(1, 64)),
            st.tuples(st.just("pause"), st.none()),
            st.tuples(st.just("resume"), st.none()),
            st.tuples(st.just("speed"), st.floats(0.1, 1000)),
            st.tuples(st.just("seek"), st.integers(0, 199)),
            st.tuples(st.just("step"), st.integers(-50, 50)),
            st.tuples(st.just("grant"), st.integers(1, 30)),
        ),
        max_size=60,
    )
)
def test_whatever_is_asked_each_epoch_is_consecutive_and_credit_holds(
    script: list[tuple[str, float]],
) -> None:
    now, granted, spent, epoch = 0.0, 0, 0, 0
    playback = Playback(windows=200, start=0, speed=1.0, now_s=now)
    expected_seq, following = 0, 0
    for action, value in script:
        match action:
            case "wait":
                now += value
            case "pause":
                playback.pause(now)
            case "resume":
                playback.resume(now)
            case "speed":
                playback.set_speed(value, now)
            case "seek":
                playback.seek(int(value), now)
            case "step":
                playback.step(int(value), now)
            case "grant":
                playback.grant(int(value), now)
                granted += int(value)
            case "take":
                batch = playback.take(now, int(value))
                if batch is not None:
                    assert 1 <= batch.count <= value
                    assert (batch.epoch, batch.seq) == (epoch, expected_seq)
                    assert batch.first == following
                    expected_seq += batch.count
                    following += batch.count
                    spent += batch.count if granted else 0
        if action in ("speed", "seek", "step"):
            epoch, expected_seq, following = epoch + 1, 0, playback.next_index
        assert playback.epoch == epoch
        assert playback.next_index == following <= 200
        assert spent <= granted or not granted
        wait = playback.wait_s(now)
        assert wait is None or wait >= 0
