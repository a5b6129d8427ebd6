"""A fitted network estimator as a dict of arrays and numbers, for storage without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.estimators.classifier import SubgroupClassifier
from heliostat_methods.fams.estimators.networks import FittedNetwork
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError

E = TypeVar("E", bound=SubgroupClassifier)
SCALING = ("centre", "scale")


def to_checkpoint(estimator: SubgroupClassifier) -> dict[str, NDArray[Any]]:
    """Return what a fitted estimator with a `FittedNetwork` predicts by; parameters stay outside.

    Raises ArgumentError for an estimator without one.
    """
    network = getattr(estimator, "network_", None)
    if not isinstance(network, FittedNetwork):
        name = type(estimator).__name__
        raise ArgumentError("estimator", name, "a fitted estimator with a network of fixed weights")
    state = {
        "classes": estimator.classes_,
        "features": np.array(estimator.n_features_in_),
        "groups": np.array(estimator.groups_, dtype=str),
    }
    state |= {f"scaling.{name}": getattr(network.scaling, name) for name in SCALING}
    for depth, (weight, bias) in enumerate(network.layers):
        state |= {f"layers.{depth}.weight": weight, f"layers.{depth}.bias": bias}
    return state


def from_checkpoint(estimator: E, state: Mapping[str, Any]) -> E:
    """Return the estimator, fitted as `state` says; raises ArrayError naming what is missing."""
    if not isinstance(state, Mapping):
        raise ArgumentError("state", state, "what `to_checkpoint` gave")
    depth = sum(name.startswith("layers.") for name in state) // 2
    layers = [f"layers.{at}.{part}" for at in range(depth) for part in ("weight", "bias")]
    wanted = ["classes", "features", "groups", *(f"scaling.{name}" for name in SCALING), *layers]
    missing = next((name for name in wanted if name not in state), None)
    if missing is not None or not depth:
        raise ArrayError(f"the checkpoint has no {missing or 'layers'}")
    network: Any = FittedNetwork(
        Scaling(*(np.asarray(state[f"scaling.{name}"]) for name in SCALING)),
        tuple(
            (np.asarray(state[weight]), np.asarray(state[bias]))
            for weight, bias in zip(layers[::2], layers[1::2], strict=True)
        ),
    )
    found: Any = estimator
    found.classes_ = np.asarray(state["classes"])
    found.n_features_in_ = int(state["features"])
    found.groups_ = tuple(map(str, np.asarray(state["groups"])))
    found.network_ = network
    return estimator
