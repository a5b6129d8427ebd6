"""Whose fault lost workers are: an item that dies alone, or a machine that takes any."""

from __future__ import annotations

import random

import pytest

from heliostat.executors.ray.blame import (
    DOUBTFUL_LOSSES,
    IN_A_ROW,
    LATELY_SECONDS,
    MOST_LOSSES,
    NEIGHBOUR_SECONDS,
    OTHERS,
    Blame,
)

RETRIES = 3
LONGEST_REST = 4.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def blame(**more: bool) -> tuple[Blame, Clock]:
    clock = Clock()
    return Blame(RETRIES, clock=clock, **more), clock


def lose(whose: Blame, clock: Clock, *keys: int, after: float = 1.0) -> None:
    clock.now += after
    whose.lost([(key,) for key in keys])


def test_an_item_that_is_lost_again_and_again_is_given_up_at_its_fourth_loss() -> None:
    whose, clock = blame()
    for _ in range(RETRIES):
        lose(whose, clock, 1)
        assert not whose.is_given_up((1,))
        whose.done([(2,)])
    lose(whose, clock, 1)
    assert whose.is_given_up((1,))
    assert not whose.machine


def test_several_that_kill_workers_among_others_that_are_done_are_each_given_up() -> None:
    whose, clock = blame()
    killers = range(40)
    for _ in range(RETRIES + 1):
        for killer in killers:
            lose(whose, clock, killer)
            whose.done([(1000 + killer,)])
    assert all(whose.is_given_up((killer,)) for killer in killers)
    assert not whose.machine


def test_bisection_to_one_item_blames_no_machine() -> None:
    whose, clock = blame()
    items = list(range(4096))
    while len(items) > 1:
        lose(whose, clock, *items)
        items = items[: len(items) // 2]
    for _ in range(RETRIES + 1):
        lose(whose, clock, *items)
    assert whose.is_given_up((0,))
    assert not whose.machine


def test_one_after_the_other_with_none_done_blames_the_machine_and_no_item() -> None:
    whose, clock = blame()
    for number in range(IN_A_ROW - 1):
        lose(whose, clock, number)
    assert not whose.machine
    lose(whose, clock, IN_A_ROW)
    assert f"{IN_A_ROW} different items lost their workers" in whose.machine


def test_a_chunk_that_is_lost_with_all_its_parts_blames_the_machine_after_few_of_them() -> None:
    whose, clock = blame()
    again, count = [list(range(4096))], 0
    while not whose.machine:
        items = again.pop(0)
        lose(whose, clock, *items)
        half = len(items) // 2
        again += [items[:half], items[half:]]
        count += 1
    assert count <= 2 * IN_A_ROW


def test_few_items_all_of_which_are_lost_blame_the_machine_before_one_is_given_up() -> None:
    whose, clock = blame()
    while not whose.machine:
        for number in range(OTHERS + 1):
            lose(whose, clock, number)
            assert not whose.is_given_up((number,))


def test_what_killed_its_neighbours_does_not_count_against_an_item() -> None:
    whose, clock = blame()
    for number in range(RETRIES + 1):  # each time another one is lost beside it, and done later
        lose(whose, clock, 0)
        lose(whose, clock, 1 + number, after=0.1)
        whose.done([(1 + number,)])
    assert not whose.is_given_up((0,))
    clock.now += NEIGHBOUR_SECONDS + LATELY_SECONDS
    for _ in range(RETRIES):
        lose(whose, clock, 0)
        whose.done([(99,)])
        assert not whose.is_given_up((0,))
    lose(whose, clock, 0)
    assert whose.is_given_up((0,))


def test_an_item_that_is_lost_without_end_beside_others_pauses_the_run() -> None:
    whose, clock = blame()
    for number in range(MOST_LOSSES):
        assert not whose.machine
        lose(whose, clock, 1000 + number)
        whose.done([(1000 + number,)])
        lose(whose, clock, 0, after=0.1)
    assert "item 0 lost its worker 16 times" in whose.machine
    assert not whose.is_given_up((0,))


def test_without_pauses_every_loss_counts() -> None:
    whose, clock = blame(may_pause=False)
    for _ in range(RETRIES + 1):
        for number in range(2 * IN_A_ROW):
            lose(whose, clock, number)
    assert not whose.machine
    assert all(whose.is_given_up((number,)) for number in range(2 * IN_A_ROW))


def test_progress_lets_nothing_count_any_more() -> None:
    whose, clock = blame()
    for _ in range(3 * RETRIES):
        lose(whose, clock, 0)
        whose.forget((0,))
    assert whose.losses((0,)) == 0
    assert not whose.is_given_up((0,))


def killed_every_second(seed: int, seconds: float, slots: int) -> tuple[Blame, int]:
    """Run items of so many seconds while one running item is killed each second."""
    whose, clock = blame()
    chance = random.Random(seed)
    queue, running, resting = list(range(10_000)), {}, []
    given_up = 0
    for _ in range(60 * 10):
        clock.now += 0.1
        queue[:0] = [key for at, key in resting if at <= clock.now]
        resting = [(at, key) for at, key in resting if at > clock.now]
        while len(running) < slots:
            running[queue.pop(0)] = clock.now + seconds * chance.uniform(0.8, 1.2)
        if round(clock.now * 10) % 10 == 0:
            key = chance.choice(list(running))
            del running[key]
            whose.lost([(key,)])
            if whose.machine:
                break
            given_up += whose.is_given_up((key,))
            resting.append(
                (clock.now + min(0.5 * 2 ** (whose.losses((key,)) - 1), LONGEST_REST), key)
            )
        for key in [key for key, end in running.items() if end <= clock.now]:
            del running[key]
            whose.done([(key,)])
    return whose, given_up


@pytest.mark.parametrize("slots", [1, 2, 8])
@pytest.mark.parametrize("seconds", [0.1, 0.5, 3.0, 10.0])
def test_no_item_is_given_up_while_a_worker_is_killed_every_second(
    seconds: float, slots: int
) -> None:
    for seed in range(20):
        assert killed_every_second(seed, seconds, slots)[1] == 0


def test_an_item_in_doubt_is_given_up_later() -> None:
    whose, clock = blame()
    count = 0
    while not whose.is_given_up((0,)):
        for number in range(2):  # both end every worker, and nothing else is left to be done
            lose(whose, clock, number)
        count += 1
    assert count == DOUBTFUL_LOSSES
    assert not whose.machine
