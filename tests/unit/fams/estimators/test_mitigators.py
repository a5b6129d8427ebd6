"""Fairlearn behind the interface: what it returns, and refusals that name the group."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from heliostat_methods.fams.estimators.by_name import named
from heliostat_methods.fams.estimators.mitigators import FairlearnReduction, FairlearnThresholds

pytest.importorskip("fairlearn")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def parity(small: Any) -> FairlearnReduction:
    return FairlearnReduction(max_iter=6).fit(small.x, small.y, sensitive_features=small.a)


def test_a_score_is_the_share_of_votes(parity: FairlearnReduction, small: Any) -> None:
    scores = parity.predict_proba(small.x)[:, 1]
    assert parity.shares_.sum() == pytest.approx(1)
    possible = {0.0}
    for share in parity.shares_:
        possible |= {one + share for one in possible}
    assert all(min(abs(score - one) for one in possible) < 1e-9 for score in scores)


def test_parity_narrows_the_spread_of_decisions(parity: FairlearnReduction, small: Any) -> None:
    def spread(scores: Any) -> float:
        rates = [scores[small.a == a].mean() for a in range(3)]
        return float(max(rates) - min(rates))

    plain = named("logistic").create().fit(small.x, small.y)
    assert spread(parity.predict_proba(small.x)[:, 1]) < spread(plain.predict(small.x))


def test_thresholds_need_the_group_to_predict(small: Any) -> None:
    found = FairlearnThresholds().fit(small.x, small.y, sensitive_features=small.a)
    chances = found.subgroup_predict_proba(small.x, sensitive_features=small.a)
    assert np.all((chances >= 0) & (chances <= 1))
    with pytest.raises(ValueError, match=r"expected the group of each row.*subgroup_predict_proba"):
        found.predict_proba(small.x)
    with pytest.raises(ValueError, match="sensitive_features, row 1: group '7' was not seen"):
        found.subgroup_predict_proba(small.x[:2], sensitive_features=[0, 7])


def test_equalized_odds_take_a_group_with_one_label(small: Any) -> None:
    one_label = np.where(small.a == 1, 1, small.y)
    reduction: Any = named("fairlearn_equalized_odds").create(max_iter=3)
    fitted = reduction.fit(small.x, one_label, sensitive_features=small.a)
    assert np.all(np.isfinite(fitted.predict_proba(small.x)))


def test_what_fails_inside_fairlearn_is_told(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("no rows of event 3")

    monkeypatch.setattr("fairlearn.reductions.ExponentiatedGradient.fit", fails)
    with pytest.raises(ValueError, match=r"fairlearn cannot be fitted.*: no rows of event 3"):
        FairlearnReduction().fit(small.x, small.y, sensitive_features=small.a)


def test_thresholds_name_a_group_with_one_label(small: Any) -> None:
    one_label = np.where(small.a == 1, 1, small.y)
    message = r"y has one label only in group 'home=1' \(40 rows\): fairlearn's"
    with pytest.raises(ValueError, match=message):
        FairlearnThresholds().fit(small.x, one_label, sensitive_features={"home": small.a})


def test_weights_are_refused(small: Any) -> None:
    with pytest.raises(ValueError, match="sample_weight, row 1 differs from row 0"):
        FairlearnReduction().fit(small.x, small.y, sample_weight=np.arange(1, 121))


def test_an_unknown_constraint_is_named(small: Any) -> None:
    with pytest.raises(ValueError, match="constraint = 'parity': expected one of demographic"):
        FairlearnThresholds(constraint="parity").fit(small.x, small.y)


def test_without_fairlearn_it_says_what_to_install(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fairlearn.reductions", None)
    with pytest.raises(ValueError, match=r"pip install 'heliostat\[fairness\]'"):
        FairlearnReduction().fit(small.x, small.y, sensitive_features=small.a)
