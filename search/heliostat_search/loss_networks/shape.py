"""What a loss network is: widths, activations, and how its values become one number.

A loss network M(p, y) is a network 2-H-...-H-1 without biases on one prediction and one label,
applied to every entry. Imports no torch, so a configuration can name it.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

HiddenActivation = Literal["relu", "smooth_leaky_relu"]
OutputActivation = Literal["smooth_leaky_relu", "softplus"]
ClassReduction = Literal["sum", "mean"]

_LARGEST_WIDTH = 10_000
# Outside of this single precision has nothing left of the bend at 0: it is a line or a corner.
_BETAS = (1e-6, 1e6)


@dataclass(frozen=True)
class LossShape:
    """The settings of a loss network that its weights do not hold.

    Attributes:
        hidden: widths of the hidden layers, at least one, each from 1 to 10000.
        gamma: slope of the smooth leaky ReLU far below 0, in [0, 1].
        beta: sharpness of its bend at 0, from 1e-6 to 1e6.
        hidden_activation: of all hidden layers.
        output_activation: of the last layer; softplus takes neither gamma nor beta.
        class_reduction: how the values of one row's classes are taken together.
        add_task_loss: whether the task's own loss is added to the learned one.

    Raises ``ValueError`` naming the field, the value and what was expected.

    Source: Raymond et al. 2023, "Online loss function learning", arXiv 2301.13247.
    """

    hidden: tuple[int, ...] = (40, 40)
    gamma: float = 0.01
    beta: float = 10.0
    hidden_activation: HiddenActivation = "relu"
    output_activation: OutputActivation = "smooth_leaky_relu"
    class_reduction: ClassReduction = "sum"
    add_task_loss: bool = False

    def __post_init__(self) -> None:
        if not self.hidden or not all(_is_width(width) for width in self.hidden):
            raise ValueError(
                f"hidden: got {self.hidden!r}; expected at least one width, "
                f"each from 1 to {_LARGEST_WIDTH}"
            )
        object.__setattr__(self, "hidden", tuple(int(width) for width in self.hidden))
        check_gamma(self.gamma)
        check_beta(self.beta)
        for name, choices in (
            ("hidden_activation", HiddenActivation),
            ("output_activation", OutputActivation),
            ("class_reduction", ClassReduction),
        ):
            value = getattr(self, name)
            if value not in get_args(choices):
                expected = " or ".join(map(repr, get_args(choices)))
                raise ValueError(f"{name}: got {value!r}; expected {expected}")
        if not isinstance(self.add_task_loss, bool):
            raise ValueError(f"add_task_loss: got {self.add_task_loss!r}; expected True or False")

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the widths of all layers, from the pair to the one number."""
        return (2, *self.hidden, 1)

    @property
    def weights(self) -> int:
        """Return the number of weights."""
        return sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))

    @property
    def output_bend(self) -> tuple[float, float]:
        """Return (gamma, beta) of the output's activation: softplus is the one with (0, 1)."""
        return (0.0, 1.0) if self.output_activation == "softplus" else (self.gamma, self.beta)


def check_gamma(gamma: float) -> None:
    """Raise ``ValueError`` unless gamma is in [0, 1]."""
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(f"gamma: got {gamma!r}; expected a number from 0 to 1")


def check_beta(beta: float) -> None:
    """Raise ``ValueError`` unless beta is from 1e-6 to 1e6."""
    least, most = _BETAS
    if not (math.isfinite(beta) and least <= beta <= most):
        raise ValueError(f"beta: got {beta!r}; expected a number from {least:g} to {most:g}")


def _is_width(width: object) -> bool:
    whole = isinstance(width, int) and not isinstance(width, bool)
    return whole and 1 <= width <= _LARGEST_WIDTH  # type: ignore[operator]
