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

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.evomal.analysis.curves import (
        LossCurve,
        ace_equilibrium,
        loss_curve,
        null_epoch_gradient,
        zero_error_gradient,
    )
    from heliostat_methods.evomal.analysis.landscape import (
        filter_normalised,
        module_filters,
        module_objective,
        module_vector,
    )
    from heliostat_methods.evomal.commands.saved_losses import found_loss
    from heliostat_methods.evomal.learners.problem import LearningProblem
    from heliostat_methods.evomal.learners.rejection import RejectionConfig, accept
    from heliostat_methods.evomal.learners.training import (
        TrainedRuns,
        TrainingConfig,
        train,
        train_replicas,
    )
    from heliostat_methods.evomal.learners.unrolled import TunedLosses, UnrolledConfig, tune
    from heliostat_methods.evomal.losses.error import LossExpressionError
    from heliostat_methods.evomal.losses.expression import LossExpression, parse
    from heliostat_methods.evomal.losses.ml3 import LossNetwork
    from heliostat_methods.evomal.losses.operations import Operation
    from heliostat_methods.evomal.losses.primitives import (
        SHIFTED,
        STANDARD,
        PrimitiveTable,
    )
    from heliostat_methods.evomal.losses.reduction import reduced
    from heliostat_methods.evomal.losses.taylorglo import (
        taylor_glo,
        taylor_glo_expression,
        taylor_glo_gradient,
    )
    from heliostat_methods.evomal.losses.torch_loss import TorchLoss
    from heliostat_methods.evomal.population.equivalence import (
        Probe,
        fingerprint,
        gradient_free,
        label_free,
        parametric_fingerprint,
        plain_fingerprint,
    )
    from heliostat_methods.evomal.population.program import (
        LossProgram,
        initial_weights,
        stack_weights,
    )

_HOME = {
    "LearningProblem": "learners.problem",
    "LossCurve": "analysis.curves",
    "LossExpression": "losses.expression",
    "LossExpressionError": "losses.error",
    "LossNetwork": "losses.ml3",
    "LossProgram": "population.program",
    "Operation": "losses.operations",
    "PrimitiveTable": "losses.primitives",
    "Probe": "population.equivalence",
    "RejectionConfig": "learners.rejection",
    "SHIFTED": "losses.primitives",
    "STANDARD": "losses.primitives",
    "TorchLoss": "losses.torch_loss",
    "TrainedRuns": "learners.training",
    "TrainingConfig": "learners.training",
    "TunedLosses": "learners.unrolled",
    "UnrolledConfig": "learners.unrolled",
    "accept": "learners.rejection",
    "ace_equilibrium": "analysis.curves",
    "filter_normalised": "analysis.landscape",
    "fingerprint": "population.equivalence",
    "found_loss": "commands.saved_losses",
    "gradient_free": "population.equivalence",
    "initial_weights": "population.program",
    "label_free": "population.equivalence",
    "loss_curve": "analysis.curves",
    "module_filters": "analysis.landscape",
    "module_objective": "analysis.landscape",
    "module_vector": "analysis.landscape",
    "null_epoch_gradient": "analysis.curves",
    "parametric_fingerprint": "population.equivalence",
    "parse": "losses.expression",
    "plain_fingerprint": "population.equivalence",
    "reduced": "losses.reduction",
    "stack_weights": "population.program",
    "taylor_glo": "losses.taylorglo",
    "taylor_glo_expression": "losses.taylorglo",
    "taylor_glo_gradient": "losses.taylorglo",
    "train": "learners.training",
    "train_replicas": "learners.training",
    "tune": "learners.unrolled",
    "zero_error_gradient": "analysis.curves",
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
    "Operation",
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
    "found_loss",
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
    "reduced",
    "stack_weights",
    "taylor_glo",
    "taylor_glo_expression",
    "taylor_glo_gradient",
    "train",
    "train_replicas",
    "tune",
    "zero_error_gradient",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
