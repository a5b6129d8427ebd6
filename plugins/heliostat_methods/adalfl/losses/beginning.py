"""How loss networks begin, as a value: their shape, the way, and the settings of that way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliostat import stored
from heliostat_search.loss_networks.shape import LossShape

Start = Literal["none", "task_loss_regression", "offline", "random"]


@stored("adalfl.beginning")
@dataclass(frozen=True)
class Beginning:
    """How loss networks begin: their shape, how, and the settings of that way; 0 where unused."""

    start: Start
    hidden: tuple[int, ...]
    gamma: float
    beta: float
    hidden_activation: Literal["relu", "smooth_leaky_relu"]
    output_activation: Literal["smooth_leaky_relu", "softplus"]
    class_reduction: Literal["sum", "mean"]
    add_task_loss: bool
    steps: int = 0
    inner: int = 0
    rate: float = 0.0

    @property
    def shape(self) -> LossShape:
        """The shape of the networks."""
        return LossShape(
            self.hidden, self.gamma, self.beta, self.hidden_activation, self.output_activation,
            self.class_reduction, self.add_task_loss,
        )  # fmt: skip

    @property
    def evaluations(self) -> float:
        """Gradient evaluations of a model that the beginning takes.

        Offline every inner step is taken twice, since parameters are computed again, and has a
        second derivative, which counts for two; the validation batch is one.
        """
        return self.steps * (4.0 * self.inner + 1.0) if self.start == "offline" else 0.0
