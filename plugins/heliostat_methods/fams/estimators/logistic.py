"""Logistic regression of scikit-learn on the same standardised columns as the networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model

from heliostat_methods.fams.estimators.classifier import SubgroupClassifier, TrainingData
from heliostat_methods.fams.estimators.networks import FittedNetwork
from heliostat_methods.fams.estimators.parameters import integer, number
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.groups.arguments import ArgumentError


class LogisticRegression(SubgroupClassifier):
    """A linear logit with the L2 penalty |w|^2 / (2 `C`), minimised to the end; no randomness.

    Weights have mean 1 in it, so that their scale does not change what `C` means. `max_iter` bounds
    the steps of L-BFGS. Fitted: `network_`, one layer without hidden ones, and `n_iter_`.
    """

    network_: FittedNetwork
    n_iter_: int

    def __init__(self, *, C: float = 0.1, max_iter: int = 1000) -> None:
        self.C = C
        self.max_iter = max_iter

    def _fit(self, data: TrainingData) -> None:
        strength = number("C", self.C, 0, 1e9, above=True)
        steps = integer("max_iter", self.max_iter, 1)
        used = data.weights > 0
        inputs, labels, weights = data.inputs[used], data.labels[used], data.weights[used]
        scaling = Scaling.of(inputs, weights)
        if np.all(labels == labels[0]):  # the likelihood has its maximum at infinity
            intercept = np.inf if labels[0] else -np.inf
            self.n_iter_ = 1
            layer = np.zeros((1, inputs.shape[1])), np.array([intercept])
        else:
            model = linear_model.LogisticRegression(C=strength, max_iter=steps)
            model.fit(scaling(inputs), labels, weights)
            self.n_iter_ = int(model.n_iter_[0])
            layer = model.coef_, model.intercept_
        self.network_ = FittedNetwork(scaling, (layer,))
        if not np.all(np.isfinite(layer[0])):
            raise ArgumentError("C", self.C, "a smaller C: coefficients are not finite")

    def _scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.network_.scores(inputs)
