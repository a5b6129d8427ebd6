"""What all estimators share: checked data, groups for training alone, scikit-learn's manners."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliostat_methods.fams.groups.arguments import ArrayError, column
from heliostat_methods.fams.groups.coding import Subgroups, subgroups


@dataclass(frozen=True, eq=False)
class TrainingData:
    """`inputs` (rows, features) float64, `labels` (rows,) 0 or 1, `weights` (rows,) of mean 1."""

    inputs: NDArray[np.float64]
    labels: NDArray[np.float64]
    groups: Subgroups
    weights: NDArray[np.float64]


class SubgroupClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of two classes that may look at subgroups while it trains.

    `fit(X, y, sensitive_features=...)`; `predict_proba(X)` needs no group. Without
    `sensitive_features` all rows are one group. Subclasses implement `_fit` and `_scores`.
    """

    needs_groups: ClassVar[bool] = False
    """Whether it cannot predict without the group of each row."""

    classes_: NDArray[Any]
    n_features_in_: int
    groups_: tuple[str, ...]

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sensitive_features: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train; `sensitive_features` as in `sufficiency_gap`.

        Raises ValueError naming the argument, and row or group, that cannot be used.
        """
        inputs, answers = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(answers)
        self.classes_, codes = np.unique(answers, return_inverse=True)
        if len(self.classes_) > 2:
            raise ArrayError(
                f"Only binary classification is supported: y has {len(self.classes_)} classes"
            )
        rows = len(inputs)
        groups = subgroups(
            np.zeros(rows, int) if sensitive_features is None else sensitive_features, rows
        )
        self.groups_ = groups.names
        weights = _weights(sample_weight, rows)
        self._fit(TrainingData(inputs, codes.astype(np.float64), groups, weights))
        return self

    @abstractmethod
    def _fit(self, data: TrainingData) -> None:
        """Train on checked data; fitted attributes end in an underscore."""

    @abstractmethod
    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the second class, (rows,)."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of the classes, (rows, classes)."""
        check_is_fitted(self, "classes_")
        inputs = validate_data(self, X, dtype=np.float64, reset=False)
        if len(self.classes_) == 1:
            return np.ones((len(inputs), 1), np.float64)
        scores = self._scores(inputs)
        chances = np.empty((len(inputs), 2))
        chances[:, 0], chances[:, 1] = 1 - scores, scores
        return chances

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the more probable class of each row."""
        chances = self.predict_proba(X)
        chosen: NDArray[Any] = self.classes_[np.argmax(chances, axis=1)]
        return chosen

    def __sklearn_tags__(self) -> Any:
        """Say what scikit-learn's own checks have to know."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _weights(given: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    """Return weights (rows,) of mean 1."""
    if given is None:
        return np.ones(rows)
    weights = _numbers(column("sample_weight", given, rows))
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ArrayError(
            f"sample_weight, row {bad[0]} is {weights[bad[0]]}, expected a number, 0 or more"
        )
    largest = weights.max()
    if not largest > 0:
        raise ArrayError("sample_weight is zero in every row, expected a positive sum")
    weights = weights / largest  # so that the sum does not overflow
    even: NDArray[np.float64] = weights * (rows / weights.sum())
    return even


def _numbers(weights: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return weights.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ArrayError(f"sample_weight holds something else than numbers: {error}") from error
