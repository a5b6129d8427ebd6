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
    from heliostat_methods.evomal.equivalence import (
        Probe,
        fingerprint,
        gradient_free,
        label_free,
        parametric_fingerprint,
        plain_fingerprint,
    )
    from heliostat_methods.evomal.expression import LossExpression, parse
    from heliostat_methods.evomal.landscape import (
        filter_normalised,
        module_filters,
        module_objective,
        module_vector,
    )
    from heliostat_methods.evomal.ml3 import LossNetwork
    from heliostat_methods.evomal.primitives import (
        SHIFTED,
        STANDARD,
        LossExpressionError,
        PrimitiveTable,
    )
    from heliostat_methods.evomal.problem import LearningProblem
    from heliostat_methods.evomal.program import LossProgram, initial_weights, stack_weights
    from heliostat_methods.evomal.rejection import RejectionConfig, accept
    from heliostat_methods.evomal.taylorglo import (
        taylor_glo,
        taylor_glo_expression,
        taylor_glo_gradient,
    )
    from heliostat_methods.evomal.torch_loss import TorchLoss
    from heliostat_methods.evomal.training import TrainedRuns, TrainingConfig, train, train_replicas
    from heliostat_methods.evomal.unrolled import TunedLosses, UnrolledConfig, tune

_HOME = {
    "LearningProblem": "problem",
    "LossCurve": "analysis",
    "LossExpression": "expression",
    "LossExpressionError": "primitives",
    "LossNetwork": "ml3",
    "LossProgram": "program",
    "PrimitiveTable": "primitives",
    "Probe": "equivalence",
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
    "filter_normalised": "landscape",
    "fingerprint": "equivalence",
    "gradient_free": "equivalence",
    "initial_weights": "program",
    "label_free": "equivalence",
    "loss_curve": "analysis",
    "module_filters": "landscape",
    "module_objective": "landscape",
    "module_vector": "landscape",
    "null_epoch_gradient": "analysis",
    "parametric_fingerprint": "equivalence",
    "parse": "expression",
    "plain_fingerprint": "equivalence",
    "stack_weights": "program",
    "taylor_glo": "taylorglo",
    "taylor_glo_expression": "taylorglo",
    "taylor_glo_gradient": "taylorglo",
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
    "LossNetwork",
    "LossProgram",
    "PrimitiveTable",
    "Probe",
    "RejectionConfig",
    "TorchLoss",
    "TrainedRuns",
    "TrainingConfig",
    "TunedLosses",
    "UnrolledConfig",
    "accept",
    "ace_equilibrium",
    "filter_normalised",
    "fingerprint",
    "gradient_free",
    "initial_weights",
    "label_free",
    "loss_curve",
    "module_filters",
    "module_objective",
    "module_vector",
    "null_epoch_gradient",
    "parametric_fingerprint",
    "parse",
    "plain_fingerprint",
    "stack_weights",
    "taylor_glo",
    "taylor_glo_expression",
    "taylor_glo_gradient",
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
