"""When something is tried again, and when a server is left alone."""

import pytest

from answering.generation.remote.client import Breaker, RetryPolicy


def test_pauses_double_and_a_part_of_each_is_left_to_chance() -> None:
    retries = RetryPolicy(attempts=5, first_seconds=1.0, longest_seconds=3.0)
    assert [retries.pause(failures, None, 0.0) for failures in (1, 2, 3, 4)] == [0.5, 1.0, 1.5, 1.5]
    assert [retries.pause(failures, None, 1.0) for failures in (1, 2, 3, 4)] == [1.0, 2.0, 3.0, 3.0]
    assert retries.pause(5, None, 0.0) is None


def test_a_server_that_says_how_long_to_wait_is_obeyed_unless_that_is_too_long() -> None:
    retries = RetryPolicy(first_seconds=1.0, longest_seconds=20.0)
    assert retries.pause(1, 7.0, 0.0) == 7.0
    assert retries.pause(1, 7.0, 1.0) == 7.5
    assert retries.pause(1, 21.0, 0.0) is None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broken(clock: Clock) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(failures=2, pause_seconds=10, clock=clock)
    breaker.record(is_down=True)
    assert breaker.refuses_for() is None
    breaker.record(is_down=True)
    return breaker


def test_it_opens_after_failures_in_a_row(broken: Breaker, clock: Clock) -> None:
    assert broken.refuses_for() == 10
    clock.now = 4
    assert broken.refuses_for() == 6


def test_a_success_between_failures_keeps_it_closed(clock: Clock) -> None:
    breaker = Breaker(failures=2, clock=clock)
    for _ in range(5):
        breaker.record(is_down=True)
        breaker.record(is_down=False)
    assert breaker.refuses_for() is None


def test_after_the_pause_one_call_finds_out(broken: Breaker, clock: Clock) -> None:
    clock.now = 10
    assert broken.refuses_for() is None
    assert broken.refuses_for() == 0
    broken.record(is_down=True)
    assert broken.refuses_for() == 10
    clock.now = 20
    assert broken.refuses_for() is None
    broken.record(is_down=False)
    assert [broken.refuses_for(), broken.refuses_for()] == [None, None]


def test_a_call_that_is_given_up_lets_another_find_out(broken: Breaker, clock: Clock) -> None:
    clock.now = 10
    assert broken.refuses_for() is None
    broken.record(None)
    assert broken.refuses_for() is None
