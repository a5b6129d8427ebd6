"""scikit-learn's own checks of estimators, as far as they apply."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from heliostat_methods.fams.estimators.by_name import ESTIMATORS
from heliostat_methods.fams.estimators.erm import ERM, BalancedERM
from heliostat_methods.fams.estimators.fams import FAMS
from heliostat_methods.fams.estimators.fscs import FSCS
from heliostat_methods.fams.estimators.group_dro import GroupDRO
from heliostat_methods.fams.estimators.logistic import LogisticRegression

FAST: dict[str, Any] = {"hidden": (4,), "epochs": 10, "batch_size": 512, "lr": 0.1}

REASONS = {
    "ERM": "batches are shuffled in single precision: equal up to rounding alone",
    "GroupDRO": "batches are drawn: weights and copies agree in expectation alone",
    "LogisticRegression": "weights have mean 1, so that copies count more against the penalty",
}


def exceptions(estimator: Any) -> dict[str, str]:
    return {"check_sample_weight_equivalence_on_dense_data": REASONS[type(estimator).__name__]}


# the others share the base class and pass the same checks by hand; these are the three ways to fit
@pytest.mark.filterwarnings("ignore:.*trains on groups")
@parametrize_with_checks(
    [ERM(**FAST), GroupDRO(**FAST), LogisticRegression()],
    expected_failed_checks=exceptions,
)
def test_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_parameters_are_stored_as_given_and_cloned(name: str) -> None:
    made = ESTIMATORS[name].create()
    given = {**made.get_params(), "hidden": [3]} if "hidden" in made.get_params() else {}
    made.set_params(**given)
    assert clone(made).get_params() == made.get_params()
    if given:
        assert made.get_params()["hidden"] is given["hidden"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_sentence_of_an_estimator_says_whether_it_trains_on_groups(name: str) -> None:
    known = ESTIMATORS[name]
    assert known.load().trains_on_groups == ("needs groups" in known.sentence)


@pytest.mark.parametrize("kind", [FAMS, GroupDRO, BalancedERM, FSCS])
def test_training_on_groups_without_any_warns(kind: Any) -> None:
    x, y = np.linspace(-1, 1, 20)[:, None], np.arange(20) % 2
    few = {"hidden": (4,), **({"rounds": 1} if kind is FAMS else {"epochs": 1})}
    message = f"{kind.__name__} trains on groups, and sensitive_features is None: all rows are one"
    with pytest.warns(UserWarning, match=message) as told:
        kind(**few).fit(x, y)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        kind(**few).fit(x, y, sensitive_features=np.arange(20) % 3)
        kind(**few).fit(x, y, sensitive_features=np.zeros(20))
        ERM(epochs=1).fit(x, y)


def test_labels_may_be_words() -> None:
    x = np.linspace(-1, 1, 40)[:, None]
    words = np.where(x[:, 0] > 0, "yes", "no")
    fitted = LogisticRegression(C=10.0).fit(x, words)
    assert list(fitted.classes_) == ["no", "yes"]
    assert fitted.score(x, words) == 1.0
