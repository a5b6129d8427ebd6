"""Tasks that fail by the machine while a file says so, and searches in which much follows from it.

The file of this process's variable `TEST_BROKEN` holds the items that fail, and how.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from heliostat import MethodConfig, MethodSpec, Run, TaskContext, hookimpl

BROKEN = "TEST_BROKEN"

WorkerLost = type("WorkerLost", (Exception,), {"__module__": "builtins"})
Deadline = type("Deadline", (Exception,), {"__module__": "builtins"})
KINDS = {"WorkerLost": WorkerLost, "Deadline": Deadline, "MemoryError": MemoryError}


def draw(item: Any, ctx: TaskContext) -> float:
    """One draw of the task's own stream, unless the machine is broken for that item."""
    path = Path(os.environ.get(BROKEN, ""))
    kind = json.loads(path.read_text()).get(str(item)) if path.is_file() else None
    if kind is not None:
        raise KINDS[kind]
    return float(ctx.rng().random())


def scaled(item: tuple[str, float], ctx: TaskContext) -> float:
    return float(item[1] + ctx.rng().random())


class NothingConfig(MethodConfig):
    """Nothing to set."""


def _value(outcome: Any) -> float:
    return -1.0 if outcome.failure else float(outcome.value)


def follows(config: NothingConfig, run: Run) -> Any:
    """Use every verb; what is asked, and how often, follows from the outcomes before."""
    step, total = run.restore((0, 0.0))
    for number in range(step, 3):
        total += sum(map(_value, run.map(draw, [f"map{number}-{i}" for i in range(4)])))
        run.report(number, total=total)
        run.checkpoint(number + 1, total)
    run.save("total", total)

    def part(number: int) -> Any:
        def search(sub: Run) -> float:
            at, found = sub.restore((0, total))
            for turn in range(at, 3):
                found += _value(sub.call(draw, f"part{number}-{turn}"))
                found += sum(_value(o) for o in sub.map(scaled, [("p", found)] * 2))
                sub.report(turn, found=found)
                sub.checkpoint(turn + 1, found)
            return found

        return search

    parts = run.gather(*(part(i) for i in range(3)))
    order = []
    for number in range(8):
        run.submit(draw, f"submit{number}", cost=1.0 + 7 * (number % 3 == 0))
        if run.outstanding == 3:
            outcome = run.next()
            order.append([list(outcome.key), _value(outcome)])
            if outcome.failure:
                break
    rest = [_value(run.next()) for _ in range(run.outstanding)]
    branch = run.branch(part(7))
    more = _value(run.call(scaled, ("after", sum(rest))))
    run.report(99, more=more)
    last = _value(run.call(draw, "last"))
    # another verb, and another number of items, at the same call
    if last < 0:
        shape = [_value(o) for o in run.map(scaled, [("shape", x) for x in range(5)])]
        run.save("only-after-a-failure", 1)
    else:
        run.submit(scaled, ("single", last))
        shape = [_value(run.next()) for _ in range(2)]
        shape += [_value(o) for o in run.map(scaled, [("shape", x) for x in range(2)])]
    while run.outstanding:
        shape.append(float(run.next().value))
    return [total, parts, order, rest, more, last, shape, list(branch)]


def other_shape(config: NothingConfig, run: Run) -> Any:
    """Ask for items where a failure had one outcome asked for, and the other way round."""
    first, second = (o.failure is None for o in run.map(draw, ["first", "second"]))
    if first:
        run.call(scaled, ("one", 1.0))
    else:
        run.map(scaled, [("many", x) for x in range(3)])
    if second:
        return [_value(o) for o in run.map(scaled, [("many", x) for x in range(3)])]
    return _value(run.call(scaled, ("one", 1.0)))


def detours(config: NothingConfig, run: Run) -> Any:
    """Ask for more only after a failure."""
    if _value(run.call(draw, "first")) < 0:
        run.call(draw, "second")
    return None


def strays(config: NothingConfig, run: Run) -> Any:
    """Ask something else at each start before what failed."""
    run.call(scaled, ("at", float(os.environ["TEST_STRAY"])))
    return _value(run.call(draw, "last"))


class MapConfig(MethodConfig):
    """Items that take their time, on a machine that may be broken."""

    items: int = 24
    seconds: float = 0.0
    folder: str = ""


def survives(item: tuple[str, int, float], ctx: TaskContext) -> float:
    """One draw of the task's stream; its worker is killed while the folder holds a file for it."""
    folder, number, seconds = item
    if Path(folder, "broken").exists() or Path(folder, f"broken-{number}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return float(ctx.rng().random())


def endures(config: MapConfig, run: Run) -> list[float]:
    """Map twice; what is asked then follows from the first."""
    items = [(config.folder, number, config.seconds) for number in range(config.items)]
    first = [_value(o) for o in run.map(survives, items)]
    return [*first, *(_value(o) for o in run.map(scaled, [("x", x) for x in first]))]


def draws(config: NothingConfig, run: Run) -> list[float]:
    return [_value(o) for o in run.map(draw, range(4))]


@hookimpl
def heliostat_methods() -> Any:
    return [
        MethodSpec("endures", "items on a machine that breaks", "none", MapConfig, endures),
        MethodSpec("draws", "items that fail while a file says so", "none", NothingConfig, draws),
    ]
