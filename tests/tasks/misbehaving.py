"""Tasks and searches that break a rule of `run`; worker processes import them by name."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import numpy as np

from heliostat import TaskContext
from heliostat.contract.run import Run


def adds_to_list(item: int, ctx: TaskContext) -> int:
    ctx.shared()["rows"].append(item)
    return item


def sets_entry(item: int, ctx: TaskContext) -> int:
    if item % 2:
        ctx.shared()["rate"] = item
    return int(ctx.shared()["rate"])


def deletes_entry(item: int, ctx: TaskContext) -> int:
    return len(ctx.shared().popitem())


def changes_tensor(item: int, ctx: TaskContext) -> float:
    weight = ctx.shared()["weight"]
    weight -= 0.5
    return float(weight.sum())


def changes_array(item: int, ctx: TaskContext) -> float:
    ctx.shared()["x"][0] = item
    return 0.0


def only_reads(item: int, ctx: TaskContext) -> float:
    data = ctx.shared()
    rows = [*data["rows"], item]
    return float(data["weight"].sum()) + len(rows) + float(np.sum(data["x"]))


def nothing_outstanding(config: Any, run: Run) -> Any:
    run.map(tasks.square, range(3))
    run.report(2)
    return run.next()


def reports_a_word(config: Any, run: Run) -> Any:
    run.report(1, loss="high")  # type: ignore[arg-type]


def no_items(config: Any, run: Run) -> Any:
    return run.map(tasks.square, None)  # type: ignore[arg-type]


def nothing_outstanding_inside(config: Any, run: Run) -> Any:
    return run.gather(
        lambda sub: sub.map(tasks.slow_square, range(20)),
        lambda sub: [sub.map(tasks.square, range(2)), sub.next()],
    )


def another_thread(config: Any, run: Run) -> Any:
    seen: list[BaseException] = []

    def use() -> None:
        try:
            run.map(tasks.square, range(3))
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    raise seen[0]


def item_is_a_function(config: Any, run: Run) -> Any:
    return run.map(tasks.square, [1, 2, len])  # type: ignore[list-item]


def result_is_a_set(config: Any, run: Run) -> Any:
    return {"found": [1, {2}]}


def checkpoint_is_a_lock(config: Any, run: Run) -> Any:
    run.checkpoint(4, {"lock": threading.Lock()})


def lambda_as_task(config: Any, run: Run) -> Any:
    return run.map(lambda item, ctx: item, range(3))


def large_items(config: Any, run: Run) -> Any:
    theta = np.zeros(200_000)
    for step in range(2):
        run.map(tasks.whoami, [(theta, i) for i in range(2)])
        run.report(step)
    return None


def returns_when_stopped(config: Any, run: Run) -> Any:
    os.kill(os.getpid(), signal.SIGINT)
    try:
        return run.map(tasks.square, range(3))
    except BaseException:
        return "half a result"


def fails_when_stopped(config: Any, run: Run) -> Any:
    os.kill(os.getpid(), signal.SIGINT)
    try:
        return run.map(tasks.square, range(3))
    except BaseException:
        raise ValueError("something else") from None


def never_ends(config: Any, run: Run) -> Any:
    """Keep every interruption to itself, also one that comes while another is being caught."""
    while True:
        try:
            while True:
                with contextlib.suppress(BaseException):
                    run.map(tasks.nap, [0.02] * 4)
        except BaseException:
            continue


def waits_in_a_sub_search(config: Any, run: Run) -> Any:
    """Hold a sub-search up in a task that touches a file and does not return."""
    return run.gather(lambda sub: sub.map(touches_and_sleeps, ["waiting"]))


def touches_and_sleeps(item: str, ctx: TaskContext) -> None:
    Path(item).touch()
    time.sleep(600)
