"""Tasks that the tests of the core run; worker processes import them by this module's name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from heliostat import TaskContext


def square(item: int, ctx: TaskContext) -> int:
    return item * item


def same(item: Any, ctx: TaskContext) -> Any:
    return item


def computes_on(item: Any, ctx: TaskContext) -> str:
    """Return the name of the device that the item may use."""
    return ctx.device


def draw(item: Any, ctx: TaskContext) -> float:
    """One draw of the task's own stream: shows where a key or a stream moved."""
    return float(ctx.rng().random())


def draw_by_name(item: Any, ctx: TaskContext) -> float:
    return float(ctx.rng("batches", item).random())


def total(item: int, ctx: TaskContext) -> float:
    return float(np.sum(ctx.shared()["x"])) + item


def total_of(item: Any, ctx: TaskContext) -> float:
    return float(np.sum(ctx.shared(item)["x"]))


def variable(item: str, ctx: TaskContext) -> str | None:
    """A variable of the process that runs the task."""
    return os.environ.get(item)


def prints(item: str, ctx: TaskContext) -> str:
    print(item)
    return item


def slow_square(item: int, ctx: TaskContext) -> int:
    time.sleep(0.02)
    return item * item


NODE = "TEST_NODE"
"""A variable in which a test gives a node a name."""


def tells_its_node(item: tuple[str, int], ctx: TaskContext) -> int:
    """Return the square; where the node has a name, leave a file `name-number`."""
    folder, number = item
    time.sleep(0.02)
    if NODE in os.environ:
        Path(folder, f"{os.environ[NODE]}-{number}").touch()
    return number * number


def outlives_its_node(item: tuple[str, int], ctx: TaskContext) -> int:
    """Return the square once a task is held; on a node with a name, be held until it dies."""
    folder, number = item
    held, until = Path(folder, "held"), time.monotonic() + 240
    if NODE in os.environ:
        held.touch()
        while time.monotonic() < until:
            time.sleep(0.05)
        return -1
    while not held.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return number * number


def nap(item: float, ctx: TaskContext) -> float:
    time.sleep(item)
    return item


def fail_on_odd(item: int, ctx: TaskContext) -> int:
    if item % 2:
        raise ValueError(f"odd: {item}")
    return item


def always_fails(item: int, ctx: TaskContext) -> int:
    raise RuntimeError("never works")


class NeedsTwo(Exception):
    """An exception that pickle cannot build again: its arguments are not those of __init__."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__("two numbers")
        self.handle = open(os.devnull)  # noqa: SIM115


def raises_unpicklable(item: int, ctx: TaskContext) -> int:
    raise NeedsTwo(1, 2)


class Panic(BaseException):
    """Not an Exception, like pyo3's PanicException or asyncio's CancelledError."""


def panics(item: int, ctx: TaskContext) -> int:
    if item == 1:
        raise Panic("a library written in another language gave up")
    return item


def gives_a_set(item: int, ctx: TaskContext) -> Any:
    return {item}


def big_text(item: int, ctx: TaskContext) -> str:
    return str(item) * 40_000


def vector(item: int, ctx: TaskContext) -> Any:
    return ctx.rng().standard_normal(item)


def kills_its_worker(item: int, ctx: TaskContext) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def kills_its_worker_once(item: tuple[str, int], ctx: TaskContext) -> int:
    folder, number = item
    marker = Path(folder) / f"died-{number}"
    if number % 5 == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def saves_then_dies(item: int, ctx: TaskContext) -> int:
    """A poison item that always sends the same checkpoint before it takes its worker down."""
    ctx.checkpoint({"epoch": 1})
    time.sleep(0.3)  # let the checkpoint leave
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def train(item: tuple[str, int, int], ctx: TaskContext) -> list[Any]:
    """A training of some epochs that notes each in a file; dies once in the epoch given."""
    folder, epochs, dies_in = item
    log, marker = Path(folder) / "epochs.txt", Path(folder) / "died"
    first, weight = ctx.restore((0, 1.0))
    for epoch in range(first, epochs):
        if epoch == dies_in and not marker.exists():
            marker.touch()
            time.sleep(0.5)  # let the checkpoint leave the process
            os.kill(os.getpid(), signal.SIGKILL)
        weight = 0.9 * weight + float(ctx.rng("epoch", epoch).random())
        with log.open("a") as file:
            file.write(f"{epoch}\n")
        ctx.checkpoint((epoch + 1, weight))
    return [epochs, weight]


def platform_module(item: int, ctx: TaskContext) -> list[str]:
    import platform

    return [platform.system(), platform.__file__]


def whoami(item: int, ctx: TaskContext) -> int:
    time.sleep(0.05)
    return os.getpid()


def cached_with_closure(item: int, ctx: TaskContext) -> float:
    """Wrong use: what is built depends on the item, so it depends on who came first."""
    handle = ctx._work.shared[0]
    from heliostat import Shared

    return ctx.cached(Shared(handle), lambda data: float(data["x"][0]) + item)


def build_sum(data: Any) -> float:
    return float(np.sum(data["x"]))


def cached_sum(item: Any, ctx: TaskContext) -> float:
    return ctx.cached(item, build_sum)


def seen_type(item: Any, ctx: TaskContext) -> str:
    return type(item).__name__


def recurses(item: int, ctx: TaskContext) -> int:
    """Fail with a message that tells how deep the stack was."""
    return recurses(item, ctx) + 1


class Holder:
    def method(self, item: int, ctx: TaskContext) -> int:
        return item
