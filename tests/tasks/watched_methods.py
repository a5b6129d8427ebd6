"""Methods that say what they do, for tests of what people see of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, TaskContext, hookimpl

WAIT_SECONDS = 60


class PhasesConfig(MethodConfig):
    """Data sets by name, worked on side by side."""

    datasets: tuple[str, ...] = Field(("digits", "wine"), description="names")
    steps: int = Field(5, ge=1, description="steps on each")
    fails_at: int = Field(-1, description="step whose task fails")
    waits: bool = Field(False, description="wait at the end for the file `go`")


def worth(item: tuple[int, int], ctx: TaskContext) -> float:
    step, fails_at = item
    if step == fails_at:
        return _never(step)
    return 1.0 / (step + 1)


def _never(step: int) -> float:
    raise ArithmeticError(f"no worth\nof step {step}")


def phases(config: PhasesConfig, run: Run) -> dict[str, Any]:
    """Improve a little on each data set, then wait."""

    def part(name: str) -> Callable[[Run], float]:
        def search(sub: Run) -> float:
            sub.phase(f"{name}: searching")
            best = 1.0
            for step in range(config.steps):
                best = min(best, sub.call(worth, (step, config.fails_at)).unwrap())
                sub.report(step + 1, of=config.steps, value=best)
            sub.save(f"best-{name}", best)
            return best

        return search

    run.phase("searching")
    found = run.gather(*map(part, config.datasets))
    run.report(1, of=2)
    run.phase("waiting")
    until = time.monotonic() + WAIT_SECONDS
    while config.waits and not Path("go").exists() and time.monotonic() < until:
        run.call(worth, (1, -1))
        time.sleep(0.02)
        if Path("break").exists():
            raise RuntimeError("told to break")
    return {"value": min(found)}


METHOD = MethodSpec(
    name="phases",
    summary="test: says its phases",
    paper="none",
    config=PhasesConfig,
    search=phases,
    outputs={"value": Metric("min")},
    on=lambda config: ", ".join(config.datasets),
    unit="worths",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
