"""EvoMAL: symbolic loss functions by genetic programming and unrolled differentiation.

    >>> from heliostat_methods.evomal import loss_curve, parse
    >>> loss = parse("mul(-1, mul(1.02*y, log(0.9*f)))")  # cross-entropy, with a twist
    >>> print(loss)
    -1.02*y*log|0.9*f|
    >>> curve = loss_curve(loss, label=1)  # its value and slope over probabilities
    >>> bool(curve.slope[0] < 0)
    True

``loss.to_torch_module("classification")`` trains any network with it. A population of losses is
tuned by ``tune``, filtered by ``accept`` and scored by ``train``, given a ``LearningProblem``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliostat_methods.evomal.analysis import (
        LossCurve,
        ace_equilibrium,
        loss_curve,
        null_epoch_gradient,
        zero_error_gradient,
    )
    from heliostat_methods.evomal.expression import LossExpression, parse
    from heliostat_methods.evomal.primitives import (
        SHIFTED,
        STANDARD,
        LossExpressionError,
        PrimitiveTable,
    )
    from heliostat_methods.evomal.problem import LearningProblem
    from heliostat_methods.evomal.program import LossProgram, initial_weights, stack_weights
    from heliostat_methods.evomal.rejection import RejectionConfig, accept
    from heliostat_methods.evomal.torch_loss import TorchLoss
    from heliostat_methods.evomal.training import TrainedRuns, TrainingConfig, train, train_replicas
    from heliostat_methods.evomal.unrolled import TunedLosses, UnrolledConfig, tune

_HOME = {
    "LearningProblem": "problem",
    "LossCurve": "analysis",
    "LossExpression": "expression",
    "LossExpressionError": "primitives",
    "LossProgram": "program",
    "PrimitiveTable": "primitives",
    "RejectionConfig": "rejection",
    "SHIFTED": "primitives",
    "STANDARD": "primitives",
    "TorchLoss": "torch_loss",
    "TrainedRuns": "training",
    "TrainingConfig": "training",
    "TunedLosses": "unrolled",
    "UnrolledConfig": "unrolled",
    "accept": "rejection",
    "ace_equilibrium": "analysis",
    "initial_weights": "program",
    "loss_curve": "analysis",
    "null_epoch_gradient": "analysis",
    "parse": "expression",
    "stack_weights": "program",
    "train": "training",
    "train_replicas": "training",
    "tune": "unrolled",
    "zero_error_gradient": "analysis",
}

__all__ = [
    "SHIFTED",
    "STANDARD",
    "LearningProblem",
    "LossCurve",
    "LossExpression",
    "LossExpressionError",
    "LossProgram",
    "PrimitiveTable",
    "RejectionConfig",
    "TorchLoss",
    "TrainedRuns",
    "TrainingConfig",
    "TunedLosses",
    "UnrolledConfig",
    "accept",
    "ace_equilibrium",
    "initial_weights",
    "loss_curve",
    "null_epoch_gradient",
    "parse",
    "stack_weights",
    "train",
    "train_replicas",
    "tune",
    "zero_error_gradient",
]


def __getattr__(name: str) -> Any:
    # Found when first used, so that importing this package loads no numerical library.
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
