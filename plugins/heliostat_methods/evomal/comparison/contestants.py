"""The losses of a comparison, by name: the standard one, found ones and references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat import ConfigError, PartRef, Run
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.standard import STANDARD_TREES, USUAL


@dataclass(frozen=True)
class Contestant:
    """A loss as data, with the part it plays: standard, found or reference."""

    role: str
    label: str
    loss: dict[str, Any]


def loss_data(ref: PartRef, task: str, run: Run) -> dict[str, Any]:
    """Return a named loss as data: its name, and its tree, its network or its part."""
    if ref.name in STANDARD_TREES and not ref.params:
        if USUAL[task] != ref.name:
            raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
        return {"name": ref.name, "loss": parse(STANDARD_TREES[ref.name]).to_dict()}
    part = run.part("loss", ref)
    if task not in part.tasks:
        raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
    expression = getattr(part, "expression", None)
    if isinstance(expression, LossExpression):
        return {"name": ref.name, "loss": expression.to_dict()}
    if hasattr(part, "to_dict"):
        return {"name": ref.name, "loss": part.to_dict()}
    label = ref.name + "".join(f" {k}={v}" for k, v in sorted(ref.params.items()))
    return {"name": label, "loss": {"part": ref}}
