"""What a search loses without a word is told: a warning with a count, and a label of the run."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from heliostat_test_methods import METHODS

from heliostat import hookimpl
from heliostat.driver.start import start
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView


def all_of_a_map_fail(config: Any, run: Any) -> Any:
    run.map(tasks.square, range(3))
    return [o.failure is None for o in run.map(tasks.always_fails, range(5))]


def all_of_two_calls_fail(config: Any, run: Any) -> Any:
    run.map(tasks.fail_on_odd, range(4))
    run.map(tasks.fail_on_odd, [1, 3])
    return len([*run.stream(tasks.always_fails, range(3))])


def all_single_calls_fail(config: Any, run: Any) -> Any:
    run.map(tasks.square, range(3))
    for number in range(5):
        run.submit(tasks.always_fails, number)
    return sum(run.next().ok for _ in range(5))


def the_only_one_fails(config: Any, run: Any) -> Any:
    return run.call(tasks.always_fails, 0).ok


def outcomes_are_left(config: Any, run: Any) -> Any:
    for number in range(3):
        run.submit(tasks.square, number)
    run.branch(lambda sub: 1)

    def inside(sub: Any) -> None:
        sub.submit(tasks.square, 1)

    run.gather(inside, inside)
    return run.next().value


def threads_swallow_errors(config: Any, run: Any) -> Any:
    def breaks() -> None:
        raise ValueError("nobody\x1b[2J sees it")

    found: list[Any] = []
    for target in (breaks, breaks, lambda: found.append(run.map(tasks.square, range(3)))):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    return len(found)


def a_pool_swallows_a_use_of_run(config: Any, run: Any) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run.call, tasks.square, 3)
    return run.call(tasks.square, 3).value


def nothing_is_lost(config: Any, run: Any) -> Any:
    run.map(tasks.fail_on_odd, range(6))
    run.call(tasks.always_fails, 0)
    run.submit(tasks.square, 3)
    run.next()
    threading.Thread(target=lambda: None).start()
    return run.map(tasks.square, [])


LOST = [
    (all_of_a_map_fail, "5 tasks, all of call 1, to failures (heliostat_test_tasks:always_fails: "),
    (all_of_two_calls_fail, "5 tasks, all of call 1 and 1 more, to failures"),
    (all_single_calls_fail, "5 tasks, all of its calls, to failures"),
    (the_only_one_fails, "1 task, all of its calls, to failures"),
    (outcomes_are_left, "5 outcomes that it asked for and never took (next)"),
    (threads_swallow_errors, "3 errors in threads; the first: ValueError: nobody\\x1b[2J sees it"),
    (a_pool_swallows_a_use_of_run, "1 error in threads; the first: MisuseError: run was used from"),
]


class Runs:
    """Runs of one search."""

    @hookimpl
    def heliostat_methods(self) -> Any:
        return [self.method]

    def __init__(self, folder: Path, search: Any) -> None:
        self.method = dataclasses.replace(METHODS["ends_badly"], name="careless", search=search)
        self.plugins = Registry()
        self.plugins.register(self, "careless")
        self.execution = Execution(workers=0, runs=folder, cache_dir=folder / "cache")

    def start(self) -> dict[str, Any]:
        return start(self.method, execution=self.execution, plugins=self.plugins)


@pytest.mark.parametrize(("search", "said"), LOST)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_is_lost_is_told_with_its_count(tmp_path: Path, search: Any, said: str) -> None:
    account = Runs(tmp_path, search).start()
    (label,) = account["labels"]
    assert label.startswith(f"the search lost {said}")
    assert account["warnings"] == [label]
    view = RunView(RunFolder(Path(account["folder"])))
    assert view.labels == [label]
    assert [text for _, kind, text in view.events() if kind == "warning"] == [label]


def test_failures_among_values_and_outcomes_that_were_taken_are_not_told(tmp_path: Path) -> None:
    account = Runs(tmp_path, nothing_is_lost).start()
    assert (account["labels"], account["warnings"]) == ([], [])


def test_the_hook_for_threads_is_put_back(tmp_path: Path) -> None:
    before = threading.excepthook
    Runs(tmp_path, nothing_is_lost).start()
    assert threading.excepthook is before


def test_the_summary_shows_it(here: Any) -> None:
    done = here("run", "forgetful", "--workers", "serial", "--no-report")
    assert done.returncode == 0
    said = "the search lost 2 outcomes that it asked for and never took (next)"
    assert f"label    {said}" in done.stdout
    assert f"warning: {said}" in done.stderr
    again = here.json("resume", "last", "--workers", "serial", "--no-report")
    assert again["labels"] == [said]
