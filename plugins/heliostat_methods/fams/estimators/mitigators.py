"""Fairlearn's reductions and thresholds behind the interface, on a logistic regression.

They aim at criteria other than sufficiency: parity of rates of positive decisions, or of errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression as LinearModel
from sklearn.utils.validation import check_is_fitted, validate_data

from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.parameters import integer, number, one_of
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError
from heliostat_methods.fams.groups.coding import Subgroups, subgroups

CONSTRAINTS = ("demographic_parity", "equalized_odds")


class FairlearnReduction(SubgroupClassifier):
    """Fairlearn's ExponentiatedGradient (Agarwal et al. 2018) under a parity constraint.

    `constraint` is "demographic_parity" or "equalized_odds", held to `eps`; `C` is that of the
    logistic regression inside. The score is the share of its mixture's votes for the second class,
    no probability of it. Fitted: `predictors_`, `shares_`. Takes no `sample_weight`.
    """

    trains_on_groups: ClassVar[bool] = True

    predictors_: list[Any]
    shares_: NDArray[np.float64]

    def __init__(
        self,
        *,
        constraint: str = "demographic_parity",
        eps: float = 0.02,
        max_iter: int = 15,
        C: float = 0.1,
    ) -> None:
        self.constraint = constraint
        self.eps = eps
        self.max_iter = max_iter
        self.C = C

    def _fit(self, data: TrainingData) -> None:
        one_of("constraint", self.constraint, CONSTRAINTS)
        eps = number("eps", self.eps, 0, 1, above=True)
        steps = integer("max_iter", self.max_iter, 1)
        model = _linear_model(self.C)
        _check_weights(data)
        reductions = _fairlearn("reductions")
        self._scaling = Scaling.of(data.inputs, data.weights)
        if len(self.classes_) == 1:
            return
        moments = (reductions.DemographicParity, reductions.EqualizedOdds)
        reduction = reductions.ExponentiatedGradient(
            model,
            moments[CONSTRAINTS.index(self.constraint)](difference_bound=eps),
            eps=eps,
            max_iter=steps,
        )
        _run(lambda: _fit_fairlearn(reduction, self._scaling(data.inputs), data))
        used = reduction.weights_[reduction.weights_ > 0]
        self.predictors_ = [reduction.predictors_[at] for at in used.index]
        self.shares_ = used.to_numpy(np.float64)

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = self._scaling(inputs)
        votes = [np.asarray(one.predict(rows), np.float64) for one in self.predictors_]
        share: NDArray[np.float64] = self.shares_ @ np.array(votes) / self.shares_.sum()
        return np.clip(share, 0.0, 1.0)


class FairlearnThresholds(SubgroupClassifier):
    """Fairlearn's ThresholdOptimizer (Hardt, Price, Srebro 2016): a threshold for each group.

    It needs the group of each row at prediction: `subgroup_predict_proba`. The score is the chance
    of its randomised decision for the second class. Every group has to have both labels. Takes no
    `sample_weight`.
    """

    needs_groups: ClassVar[bool] = True
    trains_on_groups: ClassVar[bool] = True

    def __init__(self, *, constraint: str = "demographic_parity", C: float = 0.1) -> None:
        self.constraint = constraint
        self.C = C

    def _fit(self, data: TrainingData) -> None:
        one_of("constraint", self.constraint, CONSTRAINTS)
        model = _linear_model(self.C)
        _check_weights(data)
        postprocessing = _fairlearn("postprocessing")
        self._scaling = Scaling.of(data.inputs, data.weights)
        if len(self.classes_) == 1:
            return
        _check_both_labels(data)
        self._thresholds = postprocessing.ThresholdOptimizer(
            estimator=model, constraints=self.constraint, predict_method="predict_proba"
        )
        _run(lambda: _fit_fairlearn(self._thresholds, self._scaling(data.inputs), data))

    def subgroup_predict_proba(
        self, X: ArrayLike, *, sensitive_features: Any
    ) -> NDArray[np.float64]:
        """Return the chances of both decisions, (rows, classes), given each row's group.

        Raises ArrayError naming the first row whose group was not seen in training.
        """
        check_is_fitted(self, "classes_")
        inputs = validate_data(self, X, dtype=np.float64, reset=False)
        if len(self.classes_) == 1:
            return np.ones((len(inputs), 1))
        names = _names(subgroups(sensitive_features, len(inputs)))
        unknown = np.flatnonzero(~np.isin(names, self.groups_))
        if len(unknown):
            raise ArrayError(
                f"sensitive_features, row {unknown[0]}: group {names[unknown[0]]!r} was not seen "
                "in training, so that it has no threshold"
            )
        found: NDArray[np.float64] = self._thresholds._pmf_predict(
            self._scaling(inputs), sensitive_features=names
        )
        return found

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        raise ArgumentError(
            "sensitive_features",
            None,
            "the group of each row, since each has its own threshold",
            "call subgroup_predict_proba",
        )


def _linear_model(strength: object) -> LinearModel:
    return LinearModel(C=number("C", strength, 0, 1e9, above=True), max_iter=1000)


def _fairlearn(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"fairlearn.{module}")
    except ImportError as error:
        raise ArgumentError(
            "estimator",
            "fairlearn",
            "an installed fairlearn, which is optional",
            "pip install 'heliostat[fairness]'",
        ) from error


def _check_weights(data: TrainingData) -> None:
    uneven = np.flatnonzero(data.weights != data.weights[0])
    if len(uneven):
        raise ArrayError(
            f"sample_weight, row {uneven[0]} differs from row 0: fairlearn takes no weights here"
        )


def _check_both_labels(data: TrainingData) -> None:
    """Raise ArrayError naming the first group with one label, to which no threshold can be fit."""
    sizes = data.groups.sizes
    positives = np.bincount(data.groups.codes, data.labels, len(sizes))
    alone = np.flatnonzero((sizes > 0) & ((positives == 0) | (positives == sizes)))
    if len(alone):
        group = data.groups.names[alone[0]]
        more = f", and {len(alone) - 1} more" if len(alone) > 1 else ""
        raise ArrayError(
            f"y has one label only in group {group!r} ({sizes[alone[0]]} rows{more}): fairlearn's "
            "ThresholdOptimizer needs both labels in every group"
        )


def _fit_fairlearn(mitigator: Any, inputs: NDArray[np.float64], data: TrainingData) -> None:
    mitigator.fit(inputs, data.labels.astype(np.int64), sensitive_features=_names(data.groups))


def _run(fit: Callable[[], None]) -> None:
    """Fit; a failure inside fairlearn becomes an ArrayError that says what it said."""
    try:
        fit()
    except (ValueError, ArithmeticError, LookupError, AssertionError) as error:
        raise ArrayError(f"fairlearn cannot be fitted on these rows: {error}") from error


def _names(groups: Subgroups) -> NDArray[Any]:
    return np.array(groups.names, dtype=object)[groups.codes]
