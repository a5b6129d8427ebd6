"""The whole range of what may be given: a right value or a refusal that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.estimators.by_name import ESTIMATORS
from heliostat_methods.fams.estimators.eiil import EIIL
from heliostat_methods.fams.estimators.erm import ERM, BalancedERM
from heliostat_methods.fams.estimators.fscs import FSCS
from heliostat_methods.fams.estimators.group_dro import GroupDRO
from heliostat_methods.fams.estimators.snn import SNN

TINY: dict[str, Any] = {"hidden": (3,), "epochs": 1, "batch_size": 4}
NETWORKS = ("erm", "balanced_erm", "snn", "group_dro", "eiil", "fscs")


def fast(name: str, **more: Any) -> Any:
    small = {**TINY, **more} if name in NETWORKS else {}
    if name == "eiil":
        small |= {"reference_epochs": 1, "environment_steps": 3}
    return ESTIMATORS[name].create(**small)


SIZES = st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1.0, -1.0, 3.0, 1e9, 1e154, 1.7e308, -1.7e308])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([*NETWORKS, "logistic"]), st.integers(1, 7))
def test_any_finite_rows_give_scores_from_0_to_1(data: Any, name: str, rows: int) -> None:
    column = st.lists(SIZES, min_size=rows, max_size=rows)
    x = np.array([data.draw(column), data.draw(column)]).T
    y = data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    a = data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    w = data.draw(
        st.none()
        | st.lists(st.sampled_from([0.0, 5e-324, 1.0, 2.0, 1e308]), min_size=rows, max_size=rows)
    )
    try:
        fitted = fast(name).fit(x, y, sensitive_features=a, sample_weight=w)
    except ValueError as error:
        assert "sample_weight is zero in every row" in str(error)
        return
    chances = fitted.predict_proba(x)
    assert chances.shape == (rows, len(set(y)))
    assert np.all((chances >= 0) & (chances <= 1))
    assert np.allclose(chances.sum(1), 1)


@pytest.mark.parametrize("name", [*NETWORKS, "logistic", "fairlearn_demographic_parity"])
def test_one_class_alone_is_predicted(name: str) -> None:
    fitted = fast(name).fit(np.arange(6.0)[:, None], [1] * 6, sensitive_features=[0, 0, 1, 1, 2, 2])
    assert fitted.predict_proba([[1.0], [9.0]]).tolist() == [[1.0], [1.0]]
    assert fitted.predict([[1.0]]).tolist() == [1]


@pytest.mark.parametrize("name", [*NETWORKS, "logistic"])
def test_groups_of_one_row_or_one_label_train(name: str) -> None:
    x = np.linspace(-1, 1, 12)[:, None]
    groups = [0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    fitted = fast(name).fit(x, x[:, 0] > 0, sensitive_features=groups)
    assert np.all(np.isfinite(fitted.predict_proba(x)))


def test_columns_that_never_change_are_ignored(small: Any) -> None:
    wide = np.column_stack([np.full(120, 0.1), small.x])
    fitted = ERM(**TINY).fit(wide, small.y)
    assert np.all(fitted.network_.scaling(wide)[:, 0] == 0)


BAD = [
    (ERM, "epochs", 0, "epochs = 0: expected an integer from 1 to"),
    (ERM, "epochs", 2.5, "epochs = 2.5: expected an integer from 1"),
    (ERM, "batch_size", True, "batch_size = True: expected an integer"),
    (ERM, "lr", 0.0, "lr = 0.0: expected a number above 0 and up to 10"),
    (BalancedERM, "lr", float("nan"), "lr = nan: expected a number above 0"),
    (ERM, "weight_decay", -1.0, "weight_decay = -1.0: expected a number from 0"),
    (ERM, "hidden", (8, 0), r"hidden\[1\] = 0: expected an integer from 1"),
    (ERM, "hidden", 8, "hidden = 8: expected widths of hidden layers"),
    (ERM, "device", "gpu", "device = 'gpu': expected one of cpu, cuda, auto"),
    (ERM, "seed", -1, "seed = -1: expected an integer from 0"),
    (ERM, "loss", "bce", "loss = 'bce': expected a callable of"),
    (ERM, "validation_fraction", 1.0, "validation_fraction = 1.0: expected a number from 0 to 0.9"),
    (ERM, "patience", 0, "patience = 0: expected an integer from 1"),
    (GroupDRO, "eta", -0.1, "eta = -0.1: expected a number from 0"),
    (GroupDRO, "balanced", "yes", "balanced = 'yes': expected True or False"),
    (FSCS, "lam", -1, "lam = -1: expected a number from 0"),
    (EIIL, "penalty", None, "penalty = None: expected a number from 0"),
    (EIIL, "environment_lr", 0, "environment_lr = 0: expected a number above 0"),
    (EIIL, "reference_epochs", 0, "reference_epochs = 0: expected an integer from 1"),
    (EIIL, "environment_steps", -1, "environment_steps = -1: expected an integer from 0"),
    (SNN, "eps", 0.0, "eps = 0.0: expected a number above 0"),
    (SNN, "n_mc", 0, "n_mc = 0: expected an integer from 1"),
    (SNN, "log_var_init_mean", 11, "log_var_init_mean = 11: expected a number from -20 to 10"),
    (SNN, "log_var_init_std", -1, "log_var_init_std = -1: expected a number from 0"),
]


@pytest.mark.parametrize(("kind", "name", "value", "message"), BAD)
def test_a_wrong_parameter_is_named(kind: Any, name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**{**TINY, name: value}).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_and_auto_does_without() -> None:
    with pytest.raises(ValueError, match="device = 'cuda': expected cpu or auto, since torch sees"):
        ERM(**TINY, device="cuda").fit([[0.0], [1.0]], [0, 1])
    ERM(**TINY, device="auto").fit([[0.0], [1.0]], [0, 1])


def test_weights_that_cannot_be_used_are_named() -> None:
    erm, x, y = ERM(**TINY), [[0.0], [1.0], [2.0]], [0, 1, 0]
    for weights, message in (
        ([1, -1, 1], "sample_weight, row 1 is -1, expected a number, 0 or more"),
        ([1, 1, np.inf], "sample_weight, row 2 is inf"),
        ([0, 0, 0], "sample_weight is zero in every row"),
        ([1, 1], "sample_weight has 2 rows, expected 3"),
        (["a", "b", "c"], "sample_weight, row 0 is 'a', expected a number"),
    ):
        with pytest.raises(ValueError, match=message):
            erm.fit(x, y, sample_weight=weights)


def test_too_few_rows_to_hold_some_out_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"X has 1 row\(s\) of positive weight, expected 2 or more"
    ):
        ERM(**TINY, validation_fraction=0.2).fit([[0.0], [1.0]], [0, 1], sample_weight=[1, 0])


def test_a_rate_that_explodes_is_refused(small: Any) -> None:
    def steep(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (1e30 * (logits - targets)).square().mean()

    with pytest.raises(ValueError, match=r"lr = 0\.001: expected a smaller rate: the loss is not"):
        ERM(**TINY, loss=steep).fit(small.x, small.y)


def test_a_loss_that_gives_no_number_is_refused(small: Any) -> None:
    with pytest.raises(ValueError, match="a loss that returns one number, got a tensor of shape"):
        ERM(**TINY, loss=lambda logits, targets: logits - targets).fit(small.x, small.y)


def test_a_loss_that_cannot_be_taken_by_rows_is_refused(small: Any) -> None:
    def branching(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return logits.mean() if bool(logits.mean() > 0) else -logits.mean()

    with pytest.raises(ValueError, match="a loss that works for each row by itself"):
        GroupDRO(**TINY, loss=branching).fit(small.x, small.y)
