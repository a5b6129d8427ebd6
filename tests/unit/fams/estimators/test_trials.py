"""Names, tunable spaces, trials and checkpoints."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import log_loss

from heliostat_methods.fams.estimators.by_name import ESTIMATORS, named
from heliostat_methods.fams.estimators.checkpoints import from_checkpoint, to_checkpoint
from heliostat_methods.fams.estimators.erm import ERM
from heliostat_methods.fams.estimators.logistic import LogisticRegression
from heliostat_methods.fams.estimators.snn import SNN
from heliostat_methods.fams.estimators.trial import Part, trial, tuned, without_groups

METRICS = {"nll": without_groups(log_loss), "one": lambda y, s, *, sensitive_features: 1.0}


@pytest.fixture
def parts(small: Any) -> tuple[Part, Part]:
    def part(rows: slice) -> Part:
        return Part(small.x[rows], small.y[rows], small.a[rows])

    return part(slice(0, None, 2)), part(slice(1, None, 2))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_tuned_parameter_exists_and_holds_its_default(name: str) -> None:
    entry = ESTIMATORS[name]
    known = entry.create().get_params()
    for parameter, dimension in entry.space.items():
        assert parameter in known
        # the default is among the values, but for a penalty that is off
        assert dimension.holds(known[parameter]) or known[parameter] == 0
    assert entry.needs_groups == entry.load().needs_groups
    assert entry.sentence.endswith(".")


def test_networks_tune_equally_many_parameters() -> None:
    sizes = [len(one.space) for one in ESTIMATORS.values() if "lr" in one.space]
    assert set(sizes) == {3}


def test_names_load_no_torch() -> None:
    home = "heliostat_methods.fams.estimators.by_name"
    script = f"import sys; import {home}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"estimator = 'group-dro'.*did you mean 'group_dro'"):
        named("group-dro")


def test_a_trial_measures_the_judged_part(parts: tuple[Part, Part]) -> None:
    found = trial(LogisticRegression(), {"C": 0.5}, *parts, METRICS)
    fitted = LogisticRegression(C=0.5).fit(parts[0].inputs, parts[0].labels)
    scores = fitted.predict_proba(parts[1].inputs)[:, 1]
    assert found.metrics == {"nll": log_loss(parts[1].labels, scores), "one": 1.0}
    assert found.parameters == {"C": 0.5} and not found.refused


def test_a_trial_that_cannot_be_fitted_says_why(parts: tuple[Part, Part]) -> None:
    found = trial(LogisticRegression(), {"C": -1}, *parts, METRICS)
    assert not found.metrics
    assert found.refused.startswith("C = -1: expected a number above 0")


def test_the_best_by_the_criterion_is_chosen(parts: tuple[Part, Part]) -> None:
    candidates = [{"C": c} for c in (1e-4, 0.1, -1.0)]
    best, all_of_them = tuned(LogisticRegression(), candidates, *parts, METRICS)
    assert best.parameters == {"C": 0.1}
    assert [bool(one.refused) for one in all_of_them] == [False, False, True]
    worst, _ = tuned(LogisticRegression(), candidates, *parts, METRICS, direction="max")
    assert worst.parameters == {"C": 1e-4}


def test_what_cannot_be_tuned_is_refused(parts: tuple[Part, Part]) -> None:
    logistic: Any = LogisticRegression()
    with pytest.raises(ValueError, match=r"criterion = 'nl'.*did you mean 'nll'"):
        tuned(logistic, [{}], *parts, METRICS, "nl")
    with pytest.raises(ValueError, match="direction = 'up': expected min or max"):
        tuned(logistic, [{}], *parts, METRICS, "nll", "up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"first: C = -1: expected"):
        tuned(logistic, [{"C": -1}], *parts, METRICS)
    with pytest.raises(ValueError, match="first: there is none"):
        tuned(logistic, [], *parts, METRICS)


def test_one_label_in_training_scores_that_label(small: Any) -> None:
    ones = Part(small.x[:9], np.ones(9), small.a[:9])
    found = trial(
        LogisticRegression(), {}, ones, ones, {"mean": without_groups(lambda y, s: s.mean())}
    )
    assert found.metrics == {"mean": 1.0}


@pytest.mark.parametrize("made", [ERM(hidden=(3,), epochs=1), LogisticRegression()])
def test_a_checkpoint_predicts_the_same(made: Any, small: Any) -> None:
    fitted = made.fit(small.x, small.y, sensitive_features=small.a)
    state = to_checkpoint(fitted)
    assert all(isinstance(one, np.ndarray) and one.dtype != object for one in state.values())
    again = from_checkpoint(type(made)(), state)
    assert_array_equal(again.predict_proba(small.x), fitted.predict_proba(small.x))
    assert again.groups_ == fitted.groups_


def test_what_is_no_checkpoint_is_refused(small: Any) -> None:
    with pytest.raises(ValueError, match="estimator = 'SNN': expected a fitted estimator with"):
        to_checkpoint(SNN())
    state = to_checkpoint(LogisticRegression().fit(small.x, small.y))
    del state["scaling.scale"]
    with pytest.raises(ValueError, match=r"the checkpoint has no scaling\.scale"):
        from_checkpoint(LogisticRegression(), state)
