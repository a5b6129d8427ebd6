"""Sub-searches side by side: own keys, own streams, one failure for all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive
from scrambled_executors import ScrambledExecutor

from heliostat import TaskError
from heliostat.errors import Interrupted


def part(length: int, ends: list[int] | None = None) -> Any:
    def search(run: Any) -> Any:
        values = []
        for _ in range(length):
            values += [o.value for o in run.map(tasks.draw, range(3))]
        values.append(run.rng("own").random())
        run.submit(tasks.draw, 0)
        values.append(run.next().value)
        if ends is not None:
            ends.append(length)
        return values

    return search


def test_a_sub_search_does_not_notice_its_siblings(tmp_path: Path) -> None:
    alone = drive(lambda run: run.gather(part(4)), tmp_path / "alone").result[0]
    among = drive(
        lambda run: run.gather(part(4), part(1), part(6)),
        tmp_path / "among",
        executor=lambda s: ScrambledExecutor(s, 2, 20),
    ).result[0]
    assert among == alone


def test_sub_searches_draw_from_streams_of_their_own(tmp_path: Path) -> None:
    done = drive(lambda run: [run.rng("own").random(), *run.gather(part(1), part(1))], tmp_path)
    own = [done.result[0], done.result[1][-2], done.result[2][-2]]
    assert len(set(own)) == 3
    assert done.result[1] != done.result[2]


def test_keys_are_paths_through_the_gather(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        run.map(tasks.square, [1])
        inner = lambda sub: sub.map(tasks.square, [2])[0].key  # noqa: E731
        return run.gather(inner, lambda sub: [sub.scope, *sub.gather(inner, inner)])

    done = drive(search, tmp_path)
    assert done.result == [(1, 0, 0, 0), [(1, 1), (1, 1, 0, 0, 0, 0), (1, 1, 0, 1, 0, 0)]]


def test_results_come_in_the_order_of_the_searches_not_of_their_ends(tmp_path: Path) -> None:
    ends: list[int] = []
    done = drive(lambda run: run.gather(*(part(n, ends) for n in (6, 1, 3))), tmp_path)
    assert [len(r) for r in done.result] == [20, 5, 11]
    assert ends == [1, 3, 6]


def test_exactly_one_sub_search_runs_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def search(run: Any) -> None:
        nonlocal inside, most
        for _ in range(20):
            inside += 1
            most = max(most, inside)
            for _ in range(2000):
                pass
            inside -= 1
            run.map(tasks.square, range(3))

    drive(lambda run: run.gather(*[search] * 5), tmp_path)
    assert most == 1


def failing(after: int) -> Any:
    def search(run: Any) -> Any:
        for number in range(after):
            run.map(tasks.square, [number])
        return run.call(tasks.always_fails, after).unwrap()

    return search


def test_a_failing_sub_search_ends_its_siblings_and_its_error_is_raised(tmp_path: Path) -> None:
    rounds = 0

    def endless(run: Any) -> Any:
        nonlocal rounds
        while rounds < 10_000:
            run.map(tasks.square, [rounds])
            rounds += 1

    with pytest.raises(TaskError, match="RuntimeError"):
        drive(lambda run: run.gather(failing(3), endless, endless), tmp_path)
    assert rounds < 10_000
    assert not [t for t in threading.enumerate() if t.name.startswith("sub-search")]


def test_a_failure_in_a_nested_gather_reaches_the_outer_one(tmp_path: Path) -> None:
    def outer(run: Any) -> Any:
        return run.gather(part(3), lambda sub: sub.gather(part(9), failing(1)), part(9))

    with pytest.raises(TaskError, match=r"task 0\.1\.0\.1\.1 failed"):
        drive(outer, tmp_path)


def test_a_search_goes_on_after_a_gather_whose_failure_it_caught(tmp_path: Path) -> None:
    """What siblings had done by then depends on arrival, so it may not be in the digest."""

    def search(run: Any) -> Any:
        try:
            run.gather(part(5), failing(2), part(5))
        except TaskError as error:
            caught = str(error)
        return caught, [o.value for o in run.map(tasks.draw, range(2))]

    plain = drive(search, tmp_path / "serial")
    digests = set()
    for seed in range(8):
        done = drive(
            search, tmp_path / str(seed), executor=lambda s, n=seed: ScrambledExecutor(s, n, 30)
        )
        assert done.result == plain.result
        digests.add(done.digest)
    assert digests == {plain.digest}


def test_which_of_two_failures_is_raised_does_not_depend_on_arrival(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        try:
            run.gather(failing(3), failing(2))
        except TaskError as error:
            return error.key
        return None

    keys = {
        drive(
            search, tmp_path / str(seed), executor=lambda s, n=seed: ScrambledExecutor(s, n, 30)
        ).result
        for seed in range(12)
    }
    assert len(keys) == 1


def test_a_sub_search_keeps_checkpoints_of_its_own(tmp_path: Path) -> None:
    starts: list[tuple[Any, int]] = []

    def counted(run: Any) -> Any:
        step, total = run.restore((0, 0.0))
        starts.append((run.scope, step))
        for number in range(step, 3):
            total += sum(o.value for o in run.map(tasks.draw, range(3)))
            run.checkpoint(number + 1, total)
        return total

    first = drive(lambda run: run.gather(counted, counted), tmp_path)
    second = drive(lambda run: run.gather(counted, counted), tmp_path)
    assert second.result == first.result
    assert second.digest == first.digest
    assert starts == [((0, 0), 0), ((0, 1), 0), ((0, 0), 3), ((0, 1), 3)]


def test_an_ordinary_error_of_a_sub_search_keeps_its_type_and_traceback(tmp_path: Path) -> None:
    def wrong(run: Any) -> Any:
        return {}["missing"]

    with pytest.raises(KeyError, match="missing") as caught:
        drive(lambda run: run.gather(part(2), wrong), tmp_path)
    assert any(entry.name == "wrong" for entry in caught.traceback)


def test_many_sub_searches_finish(tmp_path: Path) -> None:
    done = drive(
        lambda run: run.gather(*(part(1 + n % 4) for n in range(60))),
        tmp_path,
        executor=lambda s: ScrambledExecutor(s, 9, 50),
    )
    assert len(done.result) == 60


@pytest.mark.parametrize("rounds_before_the_stop", [3, 8, 13])
def test_a_gather_stopped_between_checkpoints_resumes_to_the_same_digest(
    tmp_path: Path, rounds_before_the_stop: int
) -> None:
    """Also what the sub-searches had seen before their checkpoints still counts."""
    left = rounds_before_the_stop

    def steps(stops: bool) -> Any:
        def search(run: Any) -> Any:
            nonlocal left
            step, total = run.restore((0, 0.0))
            for t in range(step, 10):
                if stops and left <= 0:
                    raise Interrupted("the run was asked to stop")
                left -= 1
                total += sum(o.value for o in run.map(tasks.draw, range(2)))
                run.checkpoint(t + 1, total)
            return total

        return search

    whole = drive(lambda run: run.gather(steps(False), steps(False)), tmp_path / "whole")
    left = rounds_before_the_stop
    with pytest.raises(Interrupted):
        drive(lambda run: run.gather(steps(True), steps(True)), tmp_path / "stopped")
    resumed = drive(lambda run: run.gather(steps(False), steps(False)), tmp_path / "stopped")
    assert resumed.result == whole.result
    assert resumed.digest == whole.digest
