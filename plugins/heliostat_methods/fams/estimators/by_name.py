"""All estimators by name: what each is, what it needs, and which of its parameters are tuned.

Loads no estimator before it is asked for one.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliostat.errors import did_you_mean
from heliostat_methods.fams.groups.arguments import ArgumentError
from heliostat_search.strategies.space import Integer, Real, Space

if TYPE_CHECKING:
    from heliostat_methods.fams.estimators.classifier import SubgroupClassifier

HOME = "heliostat_methods.fams.estimators"
RATE = Real(1e-4, 1e-2, log=True)
EPOCHS = Integer(5, 120, log=True)
DECAY = Real(1e-6, 1e-2, log=True)
STRENGTH = Real(1e-4, 1e2, log=True)


@dataclass(frozen=True)
class NamedEstimator:
    """An estimator's class `kind` in module `home`, parameters it is made with, its tunable space.

    `needs_groups`: whether it asks for each row's group when it predicts.
    """

    home: str
    kind: str
    sentence: str
    space: Space
    fixed: Mapping[str, Any]
    needs_groups: bool = False

    def load(self) -> type[SubgroupClassifier]:
        """Return the class; loads torch where it has a network."""
        before = random.getstate()
        try:
            home = importlib.import_module(f"{HOME}.{self.home}")
        finally:
            random.setstate(before)  # rich, which comes with scikit-learn, draws when it is loaded
        found: type[SubgroupClassifier] = getattr(home, self.kind)
        return found

    def create(self, **parameters: Any) -> SubgroupClassifier:
        """Return an estimator with these parameters beside its fixed ones."""
        return self.load()(**{**self.fixed, **parameters})


def named(name: str) -> NamedEstimator:
    """Return the estimator of that name; raises ArgumentError with the nearest name."""
    if name not in ESTIMATORS:
        hint = did_you_mean(name, ESTIMATORS)
        raise ArgumentError("estimator", name, "the name of an estimator", hint)
    return ESTIMATORS[name]


ESTIMATORS: dict[str, NamedEstimator] = {
    "fams": NamedEstimator(
        "fams",
        "FAMS",
        "A distribution of networks that every group adapts for itself and that moves close to all "
        "of them; needs groups to train, none to predict.",
        {
            "lam": Real(0.01, 10.0, log=True),
            "lr_posterior": Real(0.005, 0.2, log=True),
            "rounds": Integer(10, 120, log=True),
        },
        {},
    ),
    "erm": NamedEstimator(
        "erm",
        "ERM",
        "A network that minimises the mean loss of all rows; needs no group, neither to train nor "
        "to predict.",
        {"lr": RATE, "epochs": EPOCHS, "weight_decay": DECAY},
        {},
    ),
    "balanced_erm": NamedEstimator(
        "erm",
        "BalancedERM",
        "ERM that draws every group equally often; needs groups to train, none to predict.",
        {"lr": RATE, "epochs": EPOCHS, "weight_decay": DECAY},
        {},
    ),
    "snn": NamedEstimator(
        "snn",
        "SNN",
        "ERM with noise in the weights whose size is learned; needs no group, neither to train nor "
        "to predict.",
        {"lr": RATE, "epochs": EPOCHS, "eps": Real(0.01, 1.0, log=True)},
        {},
    ),
    "group_dro": NamedEstimator(
        "group_dro",
        "GroupDRO",
        "A network trained on groups weighted by how badly they do; needs groups to train, none to "
        "predict.",
        {"lr": RATE, "epochs": EPOCHS, "eta": Real(1e-3, 1.0, log=True)},
        {},
    ),
    "eiil": NamedEstimator(
        "eiil",
        "EIIL",
        "A network that is optimal at once where a first network is right and where it is wrong; "
        "needs no group, neither to train nor to predict.",
        {
            "lr": RATE,
            "environment_steps": Integer(10, 1000, log=True),
            "penalty": Real(1e-2, 1e2, log=True),
        },
        {},
    ),
    "fscs": NamedEstimator(
        "fscs",
        "FSCS",
        "A network whose features serve every group's own head alike; needs groups to train, none "
        "to predict.",
        {"lr": RATE, "epochs": EPOCHS, "lam": Real(0.05, 5.0, log=True)},
        {},
    ),
    "logistic": NamedEstimator(
        "logistic",
        "LogisticRegression",
        "A linear logit with an L2 penalty; needs no group, neither to train nor to predict.",
        {"C": STRENGTH},
        {},
    ),
    "fairlearn_demographic_parity": NamedEstimator(
        "mitigators",
        "FairlearnReduction",
        "Fairlearn's reduction to equal rates of positive decisions; needs groups to train, none "
        "to predict.",
        {"C": STRENGTH, "eps": Real(0.005, 0.2, log=True)},
        {"constraint": "demographic_parity"},
    ),
    "fairlearn_equalized_odds": NamedEstimator(
        "mitigators",
        "FairlearnReduction",
        "Fairlearn's reduction to equal rates of both errors; needs groups to train, none to "
        "predict.",
        {"C": STRENGTH, "eps": Real(0.005, 0.2, log=True)},
        {"constraint": "equalized_odds"},
    ),
    "fairlearn_thresholds": NamedEstimator(
        "mitigators",
        "FairlearnThresholds",
        "Fairlearn's thresholds, one a group, for equal rates of positive decisions; needs groups "
        "of both labels to train, and the group to predict.",
        {"C": STRENGTH},
        {"constraint": "demographic_parity"},
        needs_groups=True,
    ),
}
"""Estimators by name, in the order in which tables show them."""
