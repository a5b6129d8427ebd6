import re

import numpy as np
import pytest
import torch
from torch.autograd import grad

from heliostat_methods.adalfl.stacks.objectives import label_rows, objective

TASKS = [
    ("regression", 1),
    ("regression", 3),
    ("classification", 1),
    ("classification", 2),
    ("classification", 10),
]


@pytest.mark.parametrize(("task", "classes"), TASKS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_losses_and_slopes_are_those_of_autograd(task, classes, scale, plain, draw):
    outputs = (draw(3, 7, classes) * scale).requires_grad_()
    labels = plain.labels(3, 7, classes, task, torch.Generator().manual_seed(2))
    values, slopes = objective(outputs.detach(), labels, task)
    wanted = torch.stack([plain.task_loss(outputs[r], labels[r], task) for r in range(3)])
    torch.testing.assert_close(values, wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(slopes, grad(wanted.sum(), outputs)[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_logits_overflow_nowhere(dtype):
    logits = torch.tensor([[[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]]], dtype=dtype)
    labels = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]], dtype=dtype)
    values, slopes = objective(logits, labels, "classification")
    assert values.item() == pytest.approx((2e4 + np.log(2)) / 2)
    wanted = torch.tensor([[[0.5, -0.5, 0.0], [0.0, 0.25, -0.25]]], dtype=dtype)
    torch.testing.assert_close(slopes, wanted)
    values, slopes = objective(logits[:, :, :1], labels[:, :, 1:2], "classification")
    assert values.item() == 0.0
    assert slopes.abs().max() == 0.0


def test_neither_outputs_nor_labels_are_changed(draw):
    outputs, labels = draw(2, 4, 3), torch.eye(3).double()[torch.tensor([[0, 1, 2, 0]] * 2)]
    # both as they are, and as views whose memory runs along classes first
    for outer, wanted in (
        (outputs, labels),
        (outputs.mT.contiguous().mT, labels.mT.contiguous().mT),
    ):
        before = outer.clone(), wanted.clone()
        for task in ("regression", "classification"):
            objective(outer, wanted, task)
        assert torch.equal(outer, before[0])
        assert torch.equal(wanted, before[1])


def test_labels_have_one_column_per_output():
    wanted = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert label_rows([2, 0], "classification", 3, torch.float64).tolist() == wanted
    assert label_rows(np.array([2.0, 0.0]), "classification", 3, torch.float64).tolist() == wanted
    assert label_rows([1, 0], "classification", 1, torch.float32).tolist() == [[1.0], [0.0]]
    assert label_rows([1.5, -2.0], "regression", 1, torch.float32).tolist() == [[1.5], [-2.0]]
    assert label_rows([1, 0], "classification", 2, torch.float32).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 3], "classification", 3), "targets: got 3; expected whole numbers from 0 to 2"),
        (([0, -1], "classification", 3), "targets: got -1; expected whole numbers from 0 to 2"),
        (([0, 0.5], "classification", 3), "targets: got 0.5; expected whole numbers from 0 to 2"),
        (([0.0, np.nan], "classification", 3), "targets: got nan; expected whole numbers"),
        (([0, 2], "classification", 1), "targets: got 2; expected whole numbers from 0 to 1"),
        (([0, 1], "classification", 0), "classes: got 0; expected at least 1"),
        (([0.0, 1.0], "regression", 2), "classes: got 2; expected 1 for a regression"),
        (([0.0, np.inf], "regression", 1), "targets: not all are finite"),
        (([], "regression", 1), "targets: shape (0,); expected (n,) with n >= 1"),
        (([[1.0]], "regression", 1), "targets: shape (1, 1); expected (n,) with n >= 1"),
        (([0], "ranking", 1), "task: got 'ranking'; expected 'regression' or 'classification'"),
    ],
)
def test_targets_that_are_none_are_named(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        label_rows(*arguments, torch.float64)


def test_batches_that_do_not_fit_are_named():
    x = torch.zeros(2, 3, 1)
    with pytest.raises(ValueError, match=re.escape("labels: shape (2, 3, 2); expected that of")):
        objective(x, torch.zeros(2, 3, 2), "regression")
    with pytest.raises(ValueError, match=re.escape("outputs: shape (2, 0, 1); expected (R, B, C)")):
        objective(x[:, :0], x[:, :0], "regression")
    with pytest.raises(ValueError, match="task: got 'both'"):
        objective(x, x, "both")
