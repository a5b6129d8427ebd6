"""What an engine can be asked for: settings checked by name, type and range before it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from heliostat.errors import did_you_mean
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    flag,
    number,
    whole_number,
)

RANGES: dict[str, tuple[int, int]] = {
    "burn_in": (0, 1 << 32), "chains": (2, 1 << 16), "chunk": (1, 1 << 30),
    "first_steps": (1, 10_000), "iterations": (1, 1 << 32), "n_paths": (1, 1 << 40),
    "n_points": (2, 1 << 24), "n_steps": (1, 10_000), "nodes": (4, 2_000),
    "panel_nodes": (3, 64), "replicates": (2, 1 << 16), "seed": (0, (1 << 64) - 1),
    "slices": (1, 10_000), "steps": (1, 1_000_000), "strata": (1, 1 << 20),
}  # fmt: skip
"""Least and largest whole numbers; engines may be narrower."""
NODES: dict[str, tuple[int, int]] = {"laplace": (4, 64), "pde": (20, 20_000)}
"""Where they are not in RANGES; rules of Gauss take the square of them in memory."""


def check_settings(engine: Callable[..., Any], method: str, settings: dict[str, Any]) -> None:
    """Raise InvalidInput for a setting that the engine does not have or cannot use."""
    known = {
        name: str(parameter.annotation)
        for name, parameter in list(inspect.signature(engine).parameters.items())[3:]
    }
    for name, value in settings.items():
        if name not in known:
            raise InvalidInput("settings", name, f"a setting of method={method!r}",
                               did_you_mean(name, sorted(known)))  # fmt: skip
        kind = known[name]
        if value is None and "None" in kind:
            continue
        if kind.startswith("int"):
            least, most = RANGES.get(name, (0, 1 << 40))
            if name == "nodes":
                least, most = NODES.get(method, (least, most))
            whole_number(name, value, least=least, most=most)
        elif kind.startswith("float"):
            number(name, value)
        elif kind == "bool":
            flag(name, value)
