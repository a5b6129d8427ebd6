"""Whatever a parameter is given, a fit goes through or refuses it by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from heliostat_methods.fams.estimators.by_name import ESTIMATORS
from heliostat_methods.fams.estimators.checkpoints import from_checkpoint
from heliostat_methods.fams.estimators.erm import ERM
from heliostat_methods.fams.estimators.fams import FAMS
from heliostat_methods.fams.groups.arguments import ArgumentError

X = np.random.default_rng(0).standard_normal((24, 2))
Y = np.arange(24) % 2
GROUPS = np.arange(24) // 8
FEW = {
    "rounds": 1, "inner": 1, "batch": 4, "epochs": 1, "hidden": (2,), "reference_epochs": 1,
    "environment_steps": 1, "max_iter": 5,
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    "x", None, 3, 2.0, 0.5, True, (), [2], {}, {"a": 1}, (1, 2, 3), np.array([1, 2]), 1j, object(),
)  # fmt: skip


def made(name: str, **values: Any) -> Any:
    known = ESTIMATORS[name].load()._get_param_names()
    few = {field: value for field, value in FEW.items() if field in known}
    return ESTIMATORS[name].create(**{**few, **values})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["fams", "erm", "snn", "group_dro", "eiil", "fscs", "logistic"])
def test_any_value_of_any_parameter_fits_or_is_refused_by_name(name: str) -> None:
    for field in made(name).get_params():
        for value in VALUES:
            if field == "loss" and value is not None and callable(value):
                continue
            try:
                made(name, **{field: value}).fit(X, Y, sensitive_features=GROUPS)
            except ArgumentError as error:
                assert error.field.split("[")[0] == field, (field, value, str(error))
            except ValueError as error:
                assert field in str(error), (field, value, str(error))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rounds": 3.0}, r"rounds = 3.0: expected a whole number from 0"),
        ({"batch": 10.0}, r"batch = 10.0: expected a whole number from 1"),
        ({"n_mc": 2.0}, r"n_mc = 2.0: expected a whole number from 1"),
        ({"inner": 2.0}, r"inner = 2.0: expected a whole number from 1"),
        ({"outer_steps": 5.0}, r"outer_steps = 5.0: expected a whole number from 0"),
        ({"groups_per_round": 2.0}, r"groups_per_round = 2.0: expected a whole number from 1"),
        ({"patience": 2.5}, r"patience = 2.5: expected a whole number from 1"),
        ({"hidden": (4.0,)}, r"hidden\[0\] = 4.0: expected a whole number from 1"),
        ({"callback": 3}, r"callback = 3: expected None or a function of round, losses and"),
        (
            {"early_stopping": True, "validation_fraction": "x"},
            r"validation_fraction = 'x': expected a number",
        ),
        ({"standardise": "no"}, r"standardise = 'no': expected True or False"),
        ({"early_stopping": "yes"}, r"early_stopping = 'yes': expected True or False"),
        ({"keep_posteriors": 0}, r"keep_posteriors = 0: expected True or False"),
        ({"normalise": 1}, r"normalise = 1: expected True or False"),
        ({"upper": "closd"}, r"upper = 'closd': expected one of .*did you mean 'closed'"),
    ],
)
def test_what_is_of_another_type_is_refused_with_its_value(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        made("fams", **values).fit(X, Y, sensitive_features=GROUPS)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    plain = made("fams", rounds=2).fit(X, Y, sensitive_features=GROUPS)
    other = made("fams", rounds=np.int64(2), inner=np.int32(1), standardise=np.True_)
    other.fit(X, Y, sensitive_features=GROUPS)
    assert torch.equal(plain.prior_.mean, other.prior_.mean)


@pytest.mark.parametrize("given", ["x", None, 3, [1]])
def test_what_is_no_checkpoint_is_refused(given: Any) -> None:
    with pytest.raises(ArgumentError, match=r"checkpoint = .*: expected what `to_checkpoint` gave"):
        FAMS.from_checkpoint(given)
    with pytest.raises(ArgumentError, match=r"state = .*: expected what `to_checkpoint` gave"):
        from_checkpoint(ERM(), given)


def test_a_checkpoint_that_lacks_something_is_refused_with_what_it_lacks() -> None:
    whole = made("fams").fit(X, Y, sensitive_features=GROUPS).to_checkpoint()
    assert FAMS.from_checkpoint(whole).predict_proba(X).shape == (24, 2)
    for name in ("parameters", "classes", "history", "mean", "rounds"):
        lacking = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(ArgumentError, match=f"checkpoint = .*: expected one with '{name}'"):
            FAMS.from_checkpoint(lacking)
