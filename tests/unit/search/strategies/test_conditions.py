"""Parameters that are there only while others have certain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
import tune_tasks as tasks
from engine_runs import drive

from heliostat.errors import ConfigError
from heliostat_search.strategies.bayesian import SAMPLERS, Optimiser, minimize
from heliostat_search.strategies.conditions import in_order, is_active, named_in, read_values
from heliostat_search.strategies.space import Choice, Integer, Real, Space

SPACE: Space = {
    "damping": Real(0.0, 1.0),
    "momentum": Real(0.0, 0.99),
    "nesterov": Choice((True, False)),
    "optimiser": Choice(("sgd", "adam", "lbfgs")),
    "layers": Integer(1, 3),
    "width": Integer(1, 9),
}
WHEN = {
    "damping": {"nesterov": (False,)},
    "momentum": {"optimiser": ("sgd",)},
    "nesterov": {"optimiser": ("sgd",)},
    "width": {"optimiser": ("sgd", "adam"), "layers": (2, 3)},
}


def consistent(params: dict[str, Any]) -> bool:
    """Return whether what is there is what should be there."""
    sgd = params["optimiser"] == "sgd"
    width = params["optimiser"] != "lbfgs" and params["layers"] > 1
    damping = sgd and params["nesterov"] is False
    expected = {"optimiser", "layers", *(["momentum", "nesterov"] if sgd else []),
                *(["width"] if width else []), *(["damping"] if damping else [])}  # fmt: skip
    return set(params) == expected


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_only_what_its_condition_admits_is_there(sampler: str, tmp_path: Path) -> None:
    count = 12 if sampler == "gp" else 24  # it takes a second a trial
    done = drive(
        lambda run: minimize(run, tasks.counted, SPACE, count, sampler=sampler, when=WHEN), tmp_path
    )
    trials = done.result.trials
    assert all(consistent(trial.params) for trial in trials)
    assert all(SPACE[k].holds(v) for trial in trials for k, v in trial.params.items())
    assert {len(trial.params) for trial in trials} >= {2, 3}
    again = drive(
        lambda run: minimize(run, tasks.counted, SPACE, count, sampler=sampler, when=WHEN), tmp_path
    )
    assert (again.digest, again.result, again.evaluated) == (done.digest, done.result, 0)


def test_optuna_itself_proposes_the_same() -> None:
    ours = Optimiser(SPACE, ["min"], seed=3, when=WHEN)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    from heliostat_search.strategies.samplers import make_sampler, quiet

    with quiet():
        study = optuna.create_study(sampler=make_sampler("tpe", 3))
    for _ in range(25):
        number, params = ours.ask()
        trial = study.ask()
        theirs: dict[str, Any] = {}
        theirs["optimiser"] = trial.suggest_categorical("optimiser", ["sgd", "adam", "lbfgs"])
        if theirs["optimiser"] == "sgd":
            nesterov = trial.suggest_categorical("nesterov", ["true", "false"])
            theirs["nesterov"] = nesterov == "true"
            if not theirs["nesterov"]:
                theirs["damping"] = trial.suggest_float("damping", 0.0, 1.0)
            theirs["momentum"] = trial.suggest_float("momentum", 0.0, 0.99)
        theirs["layers"] = trial.suggest_int("layers", 1, 3)
        if theirs["layers"] > 1 and theirs["optimiser"] != "lbfgs":
            theirs["width"] = trial.suggest_int("width", 1, 9)
        assert set(params) == set(theirs)
        value = float(len(params))
        ours.tell(number, [value])
        study.tell(trial, value)
        assert params["optimiser"] == theirs["optimiser"]


def test_an_initial_trial_may_lack_what_is_not_there() -> None:
    first = {"optimiser": "adam", "layers": 1}
    _, params = Optimiser(SPACE, ["min"], initial=[first], when=WHEN).ask()
    assert params == first


def test_parents_come_before_what_needs_them() -> None:
    order = in_order(SPACE, WHEN)
    assert sorted(order) == sorted(SPACE)
    for name, condition in WHEN.items():
        assert all(order.index(other) < order.index(name) for other in condition)
    assert in_order(["b", "a"], {}) == ["b", "a"]


def test_conditions_do_not_go_round_in_a_circle() -> None:
    with pytest.raises(ConfigError, match="a needs b needs c needs a"):
        in_order(["a", "b", "c"], {"a": ["b"], "b": ["c"], "c": ["a"]})


def test_values_are_compared_with_their_types() -> None:
    assert is_active({"n": (1,)}, {"n": 1}) and not is_active({"n": (1,)}, {"n": True})
    assert not is_active({"n": (1,)}, {})
    assert is_active({}, {})


def test_a_condition_names_what_the_space_has() -> None:
    assert named_in({"section": {"kind": "a"}, "b.c": 1}, ["section.kind", "b.c"]) == {
        "section.kind": "a", "b.c": 1,
    }  # fmt: skip
    # a choice may be a table itself
    assert named_in({"loss": {"name": "focal"}}, ["loss", "loss.gamma"]) == {
        "loss": {"name": "focal"}
    }
    for wrong in ({"optimizer": "sgd"}, {"section": {"kind": 1}}, {}, 3):
        with pytest.raises(ConfigError):
            named_in(wrong, SPACE)


def test_a_condition_means_values_that_the_other_takes() -> None:
    layers = Choice(([8], [32, 32]))
    assert read_values("hidden", layers, [8]) == ([8],)  # itself a choice
    assert read_values("hidden", layers, [[8]]) == ([8],)
    assert read_values("optimiser", SPACE["optimiser"], ["sgd", "adam"]) == ("sgd", "adam")
    with pytest.raises(ConfigError, match="did you mean 'adam'"):
        read_values("optimiser", SPACE["optimiser"], "adamm")
    with pytest.raises(ConfigError, match="integers from 1 to 3"):
        read_values("layers", SPACE["layers"], 4)
    with pytest.raises(ConfigError, match="choices or of integers"):
        read_values("damping", SPACE["damping"], 0.5)
    with pytest.raises(ConfigError, match="at least one value"):
        read_values("optimiser", SPACE["optimiser"], [])
