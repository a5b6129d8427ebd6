import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from heliostat_methods.fams.estimators.fams import FAMS, FCNET3

RNG = np.random.default_rng(0)
GROUPS = np.repeat([f"g{at}" for at in range(6)], 60)
X = RNG.standard_normal((len(GROUPS), 5))
Y = (X[:, 0] - X[:, 1] + 0.5 * RNG.standard_normal(len(X)) > 0).astype(int)
QUICK = {"rounds": 4, "inner": 2, "batch": 10, "hidden": (4,)}


def fitted(X=X, y=Y, groups=GROUPS, weights=None, **parameters):
    return FAMS(**(QUICK | parameters)).fit(X, y, sensitive_features=groups, sample_weight=weights)


# Weights scale the loss of the rows that are drawn; a row that stands twice is drawn twice as often
# and with other noise: the same in expectation, other numbers.
STOCHASTIC = {"check_sample_weight_equivalence_on_dense_data": "training draws rows at random"}


def test_keeps_scikit_learns_manners():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(
            FAMS(rounds=30, hidden=(8,)), expected_failed_checks=STOCHASTIC, on_skip=None
        )
    assert len(found) > 50


def test_learns_as_well_as_logistic_regression_where_that_is_right():
    test_x = np.random.default_rng(1).standard_normal((2000, 5))
    test_y = test_x[:, 0] - test_x[:, 1] > 0
    ours = fitted(rounds=40, inner=5, hidden=(16,)).score(test_x, test_y)
    assert ours > LogisticRegression().fit(X, Y).score(test_x, test_y) - 0.03


def test_same_seed_same_numbers_and_no_argument_changed():
    model, again, other = fitted(), fitted(), fitted(seed=1)
    assert (model.predict_proba(X) == again.predict_proba(X)).all()
    assert (model.predict_proba(X) != other.predict_proba(X)).any()
    assert model.get_params()["hidden"] == (4,)


def test_a_score_depends_on_its_row_alone():
    model = fitted()
    alone = np.concatenate([model.predict_proba(X[at : at + 1]) for at in range(20)])
    assert alone == pytest.approx(model.predict_proba(X)[:20], abs=1e-13)


@pytest.mark.parametrize("persist", ("restart", "persistent"))
def test_subgroups_predict_by_their_own_posterior_and_strangers_by_the_prior(persist):
    model = fitted(persist=persist)
    own = model.subgroup_predict_proba(X, GROUPS)
    assert (own != model.predict_proba(X)).any()
    strange = model.subgroup_predict_proba(X, np.where(GROUPS == "g1", "never seen", GROUPS))
    there = GROUPS == "g1"
    assert (strange[~there] == own[~there]).all()
    assert strange[there] == pytest.approx(model.predict_proba(X[there]), abs=1e-13)


@pytest.mark.parametrize(
    "changes",
    (
        {"lam": 0},
        {"eps": 0},
        {"divergence": "kl"},
        {"upper": "adagrad", "kappa": 0.001},
        {"damping": 0.5},
        {"persist": "persistent", "start": "random"},
        {"groups_per_round": 2},
        {"groups_per_round": 2, "persist": "persistent"},
        {"group_weights": "population"},
        {"group_weights": [1, 0, 0, 2, 0, 0]},
        {"group_weights": [1, 0, 0, 0, 0, 0], "groups_per_round": 1},
        {"normalise": True},
        {"loss": nn.CrossEntropyLoss()},
        {"hidden": ()},
        {"hidden": FCNET3, "rounds": 1},
        {"standardise": False},
        {"rounds": 0},
        {"device": "auto"},
    ),
    ids=str,
)
def test_every_variant_trains(changes):
    model = fitted(**changes)
    for chances in (model.predict_proba(X), model.subgroup_predict_proba(X, GROUPS)):
        assert np.isfinite(chances).all() and chances.sum(1) == pytest.approx(1)
    assert np.isfinite(model.divergence_bound_)


def test_without_upper_level_only_subgroups_are_predicted():
    model = fitted(upper="none", persist="persistent")
    assert model.subgroup_predict_proba(X, GROUPS).shape == (len(X), 2)
    with pytest.raises(ValueError, match=r"upper = 'none': .*use subgroup_predict_proba"):
        model.predict_proba(X)


def test_history_has_a_number_for_every_round_and_group_drawn():
    calls = []
    model = fitted(groups_per_round=2, callback=lambda *row: calls.append(row))
    loss = model.history_["loss"]
    assert loss.shape == (4, 6) and (np.isfinite(loss).sum(1) == 2).all()
    assert [row[0] for row in calls] == [0, 1, 2, 3] and len(calls[0][1]) == 2


def test_early_stopping_keeps_the_best_prior():
    model = fitted(early_stopping=True, patience=3, rounds=60, lr_posterior=0.5)
    judged = model.history_["validation"]
    assert model.rounds_ < 60 and judged.argmin() == len(judged) - 4
    assert model.stopped_ == "no better after 3 rounds"


def test_a_row_of_weight_zero_is_as_good_as_absent():
    weights = (np.arange(len(X)) % 3 > 0).astype(float)
    kept = weights > 0
    ours, other = fitted(weights=weights), fitted(X[kept], Y[kept], GROUPS[kept])
    assert ours.predict_proba(X) == pytest.approx(other.predict_proba(X), abs=1e-12)


def test_weights_change_what_is_learnt():
    weights = np.where(Y == 1, 5.0, 0.5)
    assert fitted(weights=weights).predict_proba(X)[:, 1].mean() > (
        fitted().predict_proba(X)[:, 1].mean() + 0.02
    )


def test_checkpoint_predicts_the_same_numbers():
    for model in (fitted(y=np.where(Y, "yes", "no")), fitted(standardise=False)):
        again = FAMS.from_checkpoint(model.to_checkpoint())
        assert (again.predict_proba(X) == model.predict_proba(X)).all()
        own = again.subgroup_predict_proba(X, GROUPS)
        assert (own == model.subgroup_predict_proba(X, GROUPS)).all()
        assert again.divergence_bound_ == model.divergence_bound_
        assert (again.classes_ == model.classes_).all()
    with pytest.raises(ValueError, match="checkpoint = 7: expected format 1"):
        FAMS.from_checkpoint({"format": 7})


def test_training_that_diverges_keeps_the_last_good_prior_and_says_where():
    with pytest.warns(ConvergenceWarning, match=r"group \d, round \d+: the loss is not finite"):
        model = fitted(lr_posterior=1e25, keep_posteriors=False)
    assert "not finite" in model.stopped_ and np.isfinite(model.predict_proba(X)).all()


def test_clamping_is_told_once():
    with pytest.warns(RuntimeWarning, match="log-variances were clamped") as told:
        fitted(lr_posterior=60.0)
    assert sum("clamped" in str(one.message) for one in told) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"divergence": "wasserstein"}, "divergence = 'wasserstein': expected 'kl' or 'w2'"),
        ({"lam": -1}, "lam = -1: expected a number from 0"),
        ({"lam": float("nan")}, "lam = nan: expected a number from 0"),
        ({"eps": -0.1}, "eps = -0.1"),
        ({"eps": "much"}, "eps = 'much'"),
        ({"upper": "open"}, "upper = 'open': expected one of 'closed', 'adagrad', 'none'"),
        ({"damping": 0}, "damping = 0"),
        ({"n_mc": 0}, "n_mc = 0: expected a whole number from 1"),
        ({"rounds": 1.5}, "rounds = 1.5"),
        ({"inner": 0}, "inner = 0"),
        ({"batch": 0}, "batch = 0"),
        ({"hidden": (4, 0)}, r"hidden\[1\] = 0"),
        ({"hidden": 4}, "hidden = 4: expected widths"),
        ({"lr_posterior": 0}, "lr_posterior = 0: expected a number above 0"),
        ({"lr_prior": -1}, "lr_prior = -1"),
        ({"lr_prior_decay": 3}, "lr_prior_decay = 3: expected a round and a factor"),
        ({"kappa": -1}, "kappa = -1"),
        ({"persist": "forever"}, "persist = 'forever'"),
        ({"start": "random"}, "start = 'random': .*persist='persistent'"),
        ({"upper": "none"}, "upper = 'none': .*persist='persistent'"),
        ({"groups_per_round": 0}, "groups_per_round = 0"),
        ({"group_weights": "mine"}, "group_weights = 'mine': expected 'uniform', 'population'"),
        ({"group_weights": [1, 2]}, r"group_weights has shape \(2,\), expected \(6,\)"),
        ({"group_weights": [-1] * 6}, r"group_weights\[0\] is -1.0"),
        ({"early_stopping": True, "patience": 0}, "patience = 0"),
        ({"early_stopping": True, "validation_fraction": 1}, "validation_fraction = 1"),
        ({"early_stopping": True, "validation_fraction": 1e-9}, "validation_fraction = 1e-09"),
        ({"loss": 3}, "loss = 3: expected None or a function"),
        ({"loss": nn.BCEWithLogitsLoss()}, r"loss = .*: expected a loss of logits \(rows, 2\)"),
        ({"loss": nn.CrossEntropyLoss(), "weights": 1 + Y}, "one with `per_sample`"),
        ({"device": "tpu"}, "device = 'tpu': expected one of 'cpu', 'cuda', 'auto'"),
        ({"seed": -1}, "seed = -1"),
        ({"standardise": False, "X": 1e7 * X}, "X, row 0 holds a number beyond 1e"),
    ),
    ids=str,
)
def test_unusable_parameters_are_named_with_their_value(changes, message):
    with pytest.raises(ValueError, match=message):
        fitted(**changes)


def test_predictions_of_subgroups_need_their_posteriors():
    with pytest.raises(ValueError, match="keep_posteriors = False"):
        fitted(keep_posteriors=False).subgroup_predict_proba(X, GROUPS)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 30), st.integers(-320, 307), st.booleans())
def test_the_whole_range_of_data_gives_chances_or_a_clear_refusal(seed, rows, size, scaled):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal((rows, 2)), rng.integers(0, 3)) * 10.0**size  # ties
    y, groups = rng.integers(0, 2, rows), rng.integers(0, rng.integers(1, 31), rows)
    model = FAMS(**(QUICK | {"rounds": 2}), standardise=scaled)
    try:
        model.fit(x, y, sensitive_features=groups)
    except ValueError as error:
        assert "X, row" in str(error) and not scaled
        return
    for chances in (model.predict_proba(x), model.subgroup_predict_proba(x, groups)):
        assert np.isfinite(chances).all() and chances.sum(1) == pytest.approx(1)
