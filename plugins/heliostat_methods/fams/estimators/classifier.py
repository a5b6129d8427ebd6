"""What all estimators share: checked data, groups for training alone, scikit-learn's manners."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliostat_methods.fams.groups.arguments import ArrayError, weights
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
    `sensitive_features` all rows are one group, which those that train on groups warn of.
    Subclasses implement `_fit` and `_scores`.
    """

    needs_groups: ClassVar[bool] = False
    """Whether it cannot predict without the group of each row."""
    trains_on_groups: ClassVar[bool] = False
    """Whether training means little without groups, so that a fit without any warns."""

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
        if sensitive_features is None and self.trains_on_groups:
            warnings.warn(self._one_group(), UserWarning, stacklevel=2)
        rows = len(inputs)
        groups = subgroups(
            np.zeros(rows, int) if sensitive_features is None else sensitive_features, rows
        )
        self.groups_ = groups.names
        of_rows = weights("sample_weight", sample_weight, rows)
        self._fit(TrainingData(inputs, codes.astype(np.float64), groups, of_rows))
        return self

    def _one_group(self) -> str:
        return (
            f"{type(self).__name__} trains on groups, and sensitive_features is None: all rows are "
            "one group"
        )

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
