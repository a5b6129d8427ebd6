"""The losses of a comparison, by name: the standard one, found ones and references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat import ConfigError, PartRef, Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.standard import STANDARD_TREES, USUAL


@dataclass(frozen=True)
class Contestant:
    """A loss as data, with the part it plays: standard, found or reference."""

    role: str
    label: str
    loss: dict[str, Any]


def loss_data(ref: PartRef, task: str, run: Run, field: str = "loss") -> dict[str, Any]:
    """Return a named loss as data: its name, and its tree, its network or its part.

    Raises ConfigError naming the field for a loss of the other kind of task.
    """
    if ref.name in STANDARD_TREES and not ref.params:
        if USUAL[task] != ref.name:
            raise ConfigError(field, ref.name, f"a loss for {task}, such as {USUAL[task]}")
        return {"name": ref.name, "loss": parse(STANDARD_TREES[ref.name]).to_dict()}
    part = run.part("loss", ref)
    if task not in part.tasks:
        raise ConfigError(field, ref.name, f"a loss for {task}, such as {USUAL[task]}")
    expression = getattr(part, "expression", None)
    if isinstance(expression, LossExpression):
        return {"name": ref.name, "loss": expression.to_dict()}
    if hasattr(part, "to_dict"):
        return {"name": ref.name, "loss": part.to_dict()}
    label = ref.name + "".join(f" {k}={v}" for k, v in sorted(ref.params.items()))
    return {"name": label, "loss": {"part": ref}}


def opponents_for(config: EvoMALConfig, task: str, run: Run) -> list[Contestant]:
    """Return the standard loss and the further ones that a found loss meets."""
    usual = loss_data(config.loss or PartRef(USUAL[task], {}, "loss"), task, run)
    references = _references(config, task, run)
    return [
        Contestant("standard", usual["name"], usual["loss"]),
        *(Contestant("reference", one["name"], one["loss"]) for one in references),
    ]


def _references(config: EvoMALConfig, task: str, run: Run) -> list[dict[str, Any]]:
    """Return the further losses of the comparison; usual ones if `fixed` names none."""
    if config.references or config.baseline != "fixed" or config.initial:
        return [loss_data(ref, task, run, f"references[{i}]")
                for i, ref in enumerate(config.references)]  # fmt: skip
    if task == "regression":
        trees = {"absolute error": "abs(sub(y, f))",
                 "pseudo-Huber": "sqrt(add(1, square(sub(y, f))))"}  # fmt: skip
        return [{"name": name, "loss": parse(tree).to_dict()} for name, tree in trees.items()]
    names = ("label_smoothing", "sparse_label_smoothing", "focal", "ace", "polyloss")
    return [loss_data(PartRef(name, {}, "loss"), task, run) for name in names]
