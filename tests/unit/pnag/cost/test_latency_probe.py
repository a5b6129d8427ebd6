"""Rounds on a clock that the test moves: no test here depends on how fast the machine is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.cost.latency_probe import (
    ProbeSettings,
    Readings,
    judged,
    one_round,
    probe,
    wants_more,
)


class Clock:
    """A clock that calls move."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, list[str]()

    def __call__(self) -> float:
        return self.now

    def call(self, name: str, seconds: Callable[[], float]) -> Callable[[], None]:
        def run() -> None:
            self.calls.append(name)
            self.now += seconds()

        return run


class Quiet:
    """Cores that nobody else uses."""

    def __init__(self, free: float = 4.0) -> None:
        self._free = free

    def begin(self) -> None: ...

    def free(self) -> float:
        return self._free


def readings(*rounds: tuple[float, float], free: float = 4.0) -> list[Readings]:
    """Rounds of one candidate: its least time, and how slow the reference became."""
    return [Readings(np.array([t]), np.array([1.0, r]), free) for t, r in rounds]


def test_the_reference_runs_around_every_candidate_in_a_random_order() -> None:
    clock, some = Clock(), ProbeSettings(rounds=1, repeats=2, warm_up=1, most_rounds=1)
    calls = [clock.call(name, lambda: 1.0) for name in "abc"]
    found = one_round(
        calls, clock.call("r", lambda: 2.0), np.random.default_rng(1), some, clock, Quiet()
    )
    names = [clock.calls[i] for i in range(0, len(clock.calls), 3)]  # warm-up and two calls each
    assert names[0::2] == ["r"] * 4
    assert sorted(names[1::2]) == ["a", "b", "c"]
    assert found.least.tolist() == [1.0] * 3
    assert found.reference.tolist() == [2.0] * 4
    orders = set()
    for seed in range(20):
        clock.calls.clear()
        one_round(calls, calls[0], np.random.default_rng(seed), some, clock, Quiet())
        orders.add("".join(clock.calls))
    assert len(orders) > 3


def test_the_fastest_of_calls_in_a_row_counts_and_warm_up_does_not() -> None:
    clock, slow = Clock(), iter([0.001, 5.0, 3.0, 4.0])
    some = ProbeSettings(rounds=1, repeats=3, warm_up=1, most_rounds=1)
    found = one_round(
        [clock.call("a", lambda: next(slow))], clock.call("r", lambda: 1.0),
        np.random.default_rng(0), some, clock, Quiet(),
    )  # fmt: skip
    assert found.least.tolist() == [3.0]


def test_a_time_is_the_median_of_rounds_with_its_spread() -> None:
    some = ProbeSettings(rounds=5, most_rounds=5)
    (timing,) = judged(readings(*((t, 1.0) for t in (5, 1, 2, 4, 3))), some).timings
    assert (timing.count, timing.median, timing.iqr, timing.least) == (5, 3.0, 2.0, 1.0)
    assert timing.variance == pytest.approx(2.5)


def test_a_round_in_which_the_reference_drifts_is_rejected_and_another_is_timed() -> None:
    some = ProbeSettings(rounds=2, most_rounds=4)
    rounds = readings((1, 1.04), (9, 1.06))
    assert wants_more(rounds, some)
    rounds += readings((3, 1.049))
    assert not wants_more(rounds, some)
    found = judged(rounds, some)
    assert (found.kept, found.rejected, found.noisy) == (2, 1, "")
    assert found.timings[0].median == 2.0


def test_a_machine_that_was_faster_once_makes_slower_rounds_drift() -> None:
    """A whole round at a lower clock rate has a steady reference, and is another machine."""
    slower = Readings(np.array([1.0]), np.array([1.2, 1.2]), 4.0)
    found = judged([slower, *readings((1, 1.0))], ProbeSettings(rounds=1, most_rounds=2))
    assert (found.kept, found.rejected) == (1, 1)


def test_where_no_round_is_steady_it_ends_with_the_steadiest_and_says_so() -> None:
    some = ProbeSettings(rounds=2, most_rounds=3)
    rounds = readings((1, 1.5), (2, 1.2), (4, 1.3))
    assert not wants_more(rounds, some)
    found = judged(rounds, some)
    assert found.timings[0].median == 3.0
    assert "drifted by more than 5% in 3 of 3 rounds; the steadiest were taken" in found.noisy


@pytest.mark.parametrize(
    ("free", "words"), [(2.0, ""), (1.6, ""), (1.4, "1.4 cores were free, 2 are wanted"),
                        (-0.3, "0.0 cores were free")],
)  # fmt: skip
def test_fewer_than_two_free_cores_are_told(free: float, words: str) -> None:
    found = judged(readings((1, 1), free=free), ProbeSettings(rounds=1, most_rounds=1))
    assert found.noisy == words or (words and found.noisy.startswith(words))


def test_candidates_are_probed_until_enough_rounds_are_steady() -> None:
    clock, ticks = Clock(), iter([1.0, 2.0] + [1.0] * 99)
    some = ProbeSettings(rounds=3, repeats=1, warm_up=1, most_rounds=9)

    def reference() -> None:
        clock.now += next(ticks)

    found = probe(
        [clock.call("a", lambda: 0.5)], reference, np.random.default_rng(0), some, clock, Quiet()
    )
    assert (found.kept, found.rejected, found.noisy) == (3, 1, "")
    assert found.timings[0].median == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"rounds": 0}, "rounds = 0: expected at least 1"),
        ({"repeats": 0}, "repeats = 0: expected at least 1"),
        ({"warm_up": 0}, "warm_up = 0: expected at least 1"),
        ({"rounds": 4, "most_rounds": 3}, "most_rounds = 3: expected at least rounds, 4"),
        ({"drift": 0.0}, "drift = 0.0: expected a share above 0"),
        ({"drift": float("nan")}, "drift = nan: expected a share above 0"),
    ],
)
def test_settings_that_are_none_are_refused(given_: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ProbeSettings(**given_)
    assert words in str(caught.value)


def test_nothing_to_time_is_refused() -> None:
    with pytest.raises(ConfigError, match="candidates = 0: expected something to time"):
        one_round([], lambda: None, np.random.default_rng(0), ProbeSettings())
    with pytest.raises(ConfigError, match="rounds = 0: expected at least one round"):
        judged([], ProbeSettings())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-9, 1e6), st.floats(1.0, 10.0)), min_size=1, max_size=12),
    st.integers(1, 6),
)
def test_timings_lie_within_what_was_read(rounds: Any, wanted: int) -> None:
    found = judged(readings(*rounds), ProbeSettings(rounds=wanted, most_rounds=12))
    (timing,) = found.timings
    times = [time for time, _ in rounds]
    assert found.kept + found.rejected == len(rounds)
    assert min(times) <= timing.least <= timing.median <= max(times)
    assert timing.iqr >= 0 and timing.variance >= 0
