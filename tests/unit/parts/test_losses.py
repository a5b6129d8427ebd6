import math

import pytest
import torch
from torch.nn import functional

from heliostat.contract.part import Loss
from heliostat.errors import DataError
from heliostat_methods.parts.losses import (
    AbsoluteCrossEntropy,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    MeanSquaredError,
    PolyLoss,
    SparseLabelSmoothing,
)

LOGITS = torch.tensor([[2, -1, 0.5], [0, 0, 0], [-1, 3, 1], [4, 0, -2]], dtype=torch.float64)
TARGETS = torch.tensor([0, 1, 2, 0])
FOR_CLASSES = [
    CrossEntropy(),
    Focal(2.0),
    Focal(0.5),
    LabelSmoothing(0.1),
    SparseLabelSmoothing(0.1),
    AbsoluteCrossEntropy(1.0, 1.1),
    PolyLoss(1.0),
]

# Computed once in float64 with autograd from the formulas in the docstrings.
ORACLES = [
    (LabelSmoothing(0.1), [0.3913112967, 1.0986122887, 2.1429316285, 0.3539144723]),
    (SparseLabelSmoothing(0.1), [0.3740935568, 1.0986122887, 2.0545981120, 0.3249957502]),
    (LabelSmoothing(0.3), [0.6913112967, 1.0986122887, 2.1429316285, 1.0205811389]),
    (SparseLabelSmoothing(0.3), [0.6396580772, 1.0986122887, 1.8779310790, 0.9338249729]),
    (AbsoluteCrossEntropy(1, 1), [46.293013156, 47.150314148, 48.194633488, 46.072282999]),
    (AbsoluteCrossEntropy(1, 1.5), [45.404925455, 45.933918824, 46.978238163, 45.625655613]),
]


def gradient(loss, logits, targets):
    logits = logits.clone().requires_grad_()
    (grad,) = torch.autograd.grad(loss.per_sample(logits, targets).sum(), logits)
    return grad


@pytest.mark.parametrize(("loss", "values"), ORACLES)
def test_losses_have_the_values_of_their_formulas(loss, values):
    assert loss.per_sample(LOGITS, TARGETS).tolist() == pytest.approx(values, abs=2e-9)
    assert float(loss(LOGITS, TARGETS)) == pytest.approx(sum(values) / 4, abs=2e-9)
    assert loss.per_sample(LOGITS.float(), TARGETS).tolist() == pytest.approx(values, rel=1e-5)


def test_the_gradient_of_ace_turns_where_the_probability_passes_its_pull():
    # p = 0.786 of sample 0 lies between 1 / 1.5 and 1 / 1.1.
    wanted = torch.tensor([-0.214402965, 0.039112573, 0.175290392], dtype=torch.float64)
    assert torch.allclose(gradient(AbsoluteCrossEntropy(1, 1.1), LOGITS, TARGETS)[0], wanted)
    assert torch.allclose(gradient(AbsoluteCrossEntropy(1, 1.5), LOGITS, TARGETS)[0], -wanted)


@pytest.mark.parametrize(
    "loss",
    [CrossEntropy(), Focal(0), LabelSmoothing(0), SparseLabelSmoothing(0), PolyLoss(0)],
)
def test_without_its_parameter_each_is_cross_entropy(loss):
    wanted = functional.cross_entropy(LOGITS, TARGETS, reduction="none")
    assert torch.allclose(loss.per_sample(LOGITS, TARGETS), wanted, rtol=1e-12)


def test_label_smoothing_agrees_with_torch():
    for xi in (0.1, 0.3):
        wanted = functional.cross_entropy(LOGITS, TARGETS, label_smoothing=xi)
        assert torch.allclose(LabelSmoothing(xi)(LOGITS, TARGETS), wanted)


def test_focal_and_poly_by_hand():
    # Uniform over 3 classes: p = 1/3.
    uniform = torch.zeros(1, 3, dtype=torch.float64)
    target = torch.tensor([2])
    assert float(Focal(2)(uniform, target)) == pytest.approx(4 / 9 * math.log(3))
    assert float(PolyLoss(1.5)(uniform, target)) == pytest.approx(math.log(3) + 1.5 * 2 / 3)


def test_sparse_smoothing_is_never_above_smoothing():
    logits = torch.randn(200, 5, generator=torch.Generator().manual_seed(0)) * 3
    targets = torch.arange(200) % 5
    for xi in (0.05, 0.3, 0.8):
        sparse = SparseLabelSmoothing(xi).per_sample(logits, targets)
        dense = LabelSmoothing(xi).per_sample(logits, targets)
        assert (sparse <= dense + 1e-5).all()


def test_mean_squared_error_takes_a_column_of_outputs():
    loss = MeanSquaredError()
    targets = torch.tensor([1.0, 2.0, 4.0])
    assert float(loss(torch.zeros(3, 1), targets)) == pytest.approx(7)
    assert float(loss(torch.zeros(3), targets)) == pytest.approx(7)
    assert loss.per_sample(torch.zeros(3, 1), targets).tolist() == [1, 4, 16]


def test_losses_say_what_they_can_train():
    assert isinstance(MeanSquaredError(), Loss)
    assert MeanSquaredError().tasks == ("regression",)
    for loss in FOR_CLASSES:
        assert isinstance(loss, Loss)
        assert loss.tasks == ("classification",)


@pytest.mark.parametrize("loss", FOR_CLASSES, ids=repr)
def test_swapping_classes_swaps_the_gradient(loss):
    order = torch.tensor([2, 0, 1])
    swapped = gradient(loss, LOGITS[:, order], torch.argsort(order)[TARGETS])
    assert torch.allclose(swapped, gradient(loss, LOGITS, TARGETS)[:, order])


@pytest.mark.parametrize("loss", FOR_CLASSES, ids=repr)
def test_derivatives_of_first_and_second_order_are_right(loss):
    logits = LOGITS[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, TARGETS[:3]), logits)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, TARGETS[:3]), logits)


@pytest.mark.parametrize("loss", FOR_CLASSES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_stay_finite(loss, dtype):
    logits = torch.tensor([[200.0, -200, 0], [-200, 200, 0]], dtype=dtype)
    targets = torch.tensor([0, 0])
    assert torch.isfinite(loss(logits, targets))
    assert torch.isfinite(gradient(loss, logits, targets)).all()


@pytest.mark.parametrize("loss", FOR_CLASSES, ids=repr)
@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (LOGITS, torch.tensor([0, 1, 3, 0]), "label 3 at position 2 of the batch is outside 0..2"),
        (LOGITS, torch.tensor([0, -100, 1, 0]), "label -100 at position 1"),
        (LOGITS, TARGETS.float(), "dtype int64"),
        (LOGITS, TARGETS[:3], r"got \(4, 3\) and \(3,\)"),
        (LOGITS[:, :1], TARGETS, "at least 2 logits"),
        (LOGITS[0], TARGETS, "logits"),
    ],
)
def test_targets_that_are_no_class_numbers_are_refused(loss, logits, targets, message):
    with pytest.raises(DataError, match=message):
        loss(logits, targets)


@pytest.mark.parametrize("outputs", [torch.zeros(3, 2), torch.zeros(2, 1), torch.zeros(1, 3)])
def test_outputs_that_would_broadcast_are_refused(outputs):
    with pytest.raises(DataError, match="mse needs outputs"):
        MeanSquaredError()(outputs, torch.zeros(3))
