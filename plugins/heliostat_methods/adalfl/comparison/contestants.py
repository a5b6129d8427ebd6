"""What is compared: how each loss begins, whether it adapts, and what a training of it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliostat import PartRef
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.names import ADAPTIVE, METHODS

Adapts = Literal["nothing", "loss", "rate"]
COST: dict[Adapts, float] = {"nothing": 1.0, "loss": 8 / 3, "rate": 2.0}
"""Gradient evaluations of a step: a forward and a backward pass of a batch make one, and the
forward derivative of an adapting loss two thirds (three passes against eight)."""


@dataclass(frozen=True)
class Contestant:
    """One line of the comparison: ``frozen`` is a loss by name where nothing else is trained."""

    name: str
    label: str
    sentence: str
    adapts: Adapts
    meta_rate: float = 0.0
    beginning: Beginning | None = None
    frozen: PartRef | None = None

    @property
    def step_cost(self) -> float:
        """Gradient evaluations of one step."""
        return COST[self.adapts]

    @property
    def before(self) -> float:
        """Gradient evaluations before the first step."""
        return 0.0 if self.beginning is None else self.beginning.evaluations


def contestants(config: AdaLFLConfig) -> list[Contestant]:
    """Return what a configuration compares, in its order; sweeps follow what they vary."""
    found: list[Contestant] = []
    for name in config.methods:
        found.append(_named(config, name))
        if name == "adalfl":
            found += [
                _named(config, name, f"adalfl, rate {_exactly(rate)}", rate)
                for rate in config.meta_rates
            ]
        if name == "adalfl_offline":
            found += [
                _named(config, name, f"adalfl_offline, {inner} inner", inner=inner)
                for inner in config.inner_sweep
            ]
    for place, ref in enumerate(config.references):
        label = ref.name + "".join(f" {k}={v}" for k, v in sorted(ref.params.items()))
        found.append(
            Contestant(f"reference{place}", label, "a loss by name, frozen", "nothing", frozen=ref)
        )
    return found


def _exactly(rate: float) -> str:
    """Return a rate so that no two of them are written alike."""
    return repr(rate).removesuffix(".0")


def _named(
    config: AdaLFLConfig, name: str, label: str = "", rate: float | None = None, inner: int = 0
) -> Contestant:
    label = label or name
    if name == "task_loss":
        return Contestant(name, label, METHODS[name], "nothing")
    if name == "learning_rate":
        return Contestant(name, label, METHODS[name], "rate", config.log_rate_step)
    adapts: Adapts = "loss" if name in ADAPTIVE else "nothing"
    meta = config.meta_learning_rate if rate is None else rate
    return Contestant(
        label, label, METHODS[name], adapts,
        meta if adapts == "loss" else 0.0, _beginning(config, name, inner),
    )  # fmt: skip


def _beginning(config: AdaLFLConfig, name: str, inner: int) -> Beginning:
    settings, start = config.loss_network, config.start_of(name)
    output = settings.output_activation
    if name in ("ml3", "adalfl_softplus"):
        output = "softplus"
    hidden, activation = settings.hidden, settings.hidden_activation
    if name == "ml3":  # the published network, whatever that of AdaLFL is
        hidden, activation = config.ml3_hidden, "relu"
    steps, rate = 0, 0.0
    if start == "offline":
        steps, rate = config.offline.steps, config.offline.learning_rate
    elif start == "task_loss_regression":
        steps = config.regression_steps
    return Beginning(
        start, hidden, settings.gamma, settings.beta, activation, output,  # type: ignore[arg-type]
        "sum" if name == "ml3" else settings.class_reduction,
        False if name == "ml3" else settings.add_task_loss,
        steps, (inner or config.offline.inner) if start == "offline" else 0, rate,
    )  # fmt: skip
