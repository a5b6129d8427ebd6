"""How groups adapt: the hyper-parameters of the lower level, checked once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from heliostat_methods.fams.gaussian.divergence import Kind, checked_kind
from heliostat_methods.fams.groups.arguments import ArgumentError, likely

Loss = Callable[[Any, Any], Any]
"""loss(logits (rows, 2), targets (rows,) int64) -> mean loss: as `torch.nn.CrossEntropyLoss`."""
MOST_STEPS = 1 << 24


@dataclass(frozen=True)
class LowerLevel:
    """Minimise E_{w ~ Q_a} loss + lam D(Q_a, Q) by `inner` steps of Adagrad on one batch.

    `divergence` "w2" or "kl"; `lam` >= 0, times 1 / P if `normalise`; `n_mc` draws of the network a
    step; `eps` >= 0 scales the draws' noise, 0 for none; `seed` names the noise. `loss` None is
    binary cross-entropy; another takes logits (rows, 2), the first of them 0. `device` of torch;
    `chunk` groups are worked on at a time on a device other than the CPU.
    Raises ArgumentError naming the parameter.
    """

    divergence: Kind = "w2"
    lam: float = 0.4
    n_mc: int = 5
    eps: float = 0.08
    inner: int = 10
    seed: int = 0
    normalise: bool = False
    loss: Loss | None = None
    device: str = "cpu"
    chunk: int = 64

    def __post_init__(self) -> None:
        checked_kind(self.divergence, "divergence")
        for name in ("lam", "eps"):
            at_least_zero(name, getattr(self, name))
        for name in ("n_mc", "inner", "chunk"):
            whole(name, getattr(self, name), 1, MOST_STEPS - 1)
        whole("seed", self.seed, 0, (1 << 64) - 1)
        truth("normalise", self.normalise)
        if self.loss is not None and not callable(self.loss):
            raise ArgumentError("loss", self.loss, "None or a function of logits and targets")

    @property
    def draws(self) -> int:
        """Draws that are made: without noise one is as good as many."""
        return self.n_mc if self.eps > 0 else 1

    def strength(self, parameters: int) -> float:
        """Return what D is multiplied by for networks of that many parameters."""
        return self.lam / parameters if self.normalise else self.lam


LARGEST = 1e30
"""What float32 arithmetic can still square once without an infinity in sums of gradients."""


def at_least_zero(name: str, value: float) -> None:
    """Refuse what is not a finite number from 0 on, with an ArgumentError."""
    if not _is_number(value) or not 0 <= value <= LARGEST:
        raise ArgumentError(name, value, f"a number from 0 to {LARGEST:g}")


def positive(name: str, value: float) -> None:
    """Refuse what is not a finite number above 0."""
    if not _is_number(value) or not 0 < value <= LARGEST:
        raise ArgumentError(name, value, f"a number above 0, at most {LARGEST:g}")


def whole(name: str, value: int, least: int, most: int) -> None:
    """Refuse what is not a whole number in a range."""
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= value <= most:
        raise ArgumentError(name, value, f"a whole number from {least} to {most:,}")


def _is_number(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse what is not one of some words."""
    if not isinstance(value, str) or value not in choices:
        expected = f"one of {', '.join(map(repr, choices))}"
        raise ArgumentError(name, value, expected, likely(value, choices))


def truth(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(name, value, "True or False")
