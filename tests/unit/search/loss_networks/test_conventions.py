"""A loss of entries as the loss of a batch, beside torch's own losses; what it refuses."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from heliostat_search.loss_networks.conventions import batch_loss, one_hot, task_objective

QUICK = settings(max_examples=30, deadline=None)
SEEDS = st.integers(0, 2**32)


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def classes(seed, rows, number):
    return torch.randint(number, (rows,), generator=torch.Generator().manual_seed(seed))


def squared(labels, values):
    return (labels - values) ** 2


def surprise(labels, values):
    return -labels * values.log()


def both_sides(labels, values):
    return -labels * values.log() - (1 - labels) * (1 - values).log()


def equal(found, expected):
    assert found.shape == ()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


@given(SEEDS, st.sampled_from([(7,), (7, 1), (7, 3)]))
@QUICK
def test_squares_of_a_regression_are_the_mean_squared_error(seed, shape):
    f, y = normal(seed, *shape), normal(seed + 1, *shape)
    equal(batch_loss(squared, "regression", f, y), functional.mse_loss(f, y))
    equal(task_objective("regression", f, y), functional.mse_loss(f, y))


@pytest.mark.parametrize(("outputs", "targets"), [((7, 1), (7,)), ((7,), (7, 1)), ((1, 3), (3,))])
def test_an_axis_of_length_one_is_no_difference_of_shape(outputs, targets):
    f, y = normal(0, *outputs), normal(1, *targets)
    expected = functional.mse_loss(f.reshape(-1), y.reshape(-1))
    equal(batch_loss(squared, "regression", f, y), expected)
    equal(task_objective("regression", f, y), expected)


@given(SEEDS, st.integers(2, 6))
@QUICK
def test_the_surprise_at_the_label_is_the_cross_entropy(seed, number):
    f, y = normal(seed, 5, number), classes(seed, 5, number)
    expected = functional.cross_entropy(f, y)
    equal(batch_loss(surprise, "classification", f, y), expected)
    equal(task_objective("classification", f, y), expected)
    mean = batch_loss(surprise, "classification", f, y, "mean")
    equal(mean, expected / number)


def test_rows_of_labels_may_be_soft():
    f, y = normal(0, 5, 3), normal(1, 5, 3).softmax(1)
    expected = functional.cross_entropy(f, y)
    equal(batch_loss(surprise, "classification", f, y), expected)
    equal(task_objective("classification", f, y), expected)


def test_logits_far_apart_have_a_finite_objective():
    f = torch.tensor([[1e4, -1e4, 0.0]], dtype=torch.float64)
    assert task_objective("classification", f, torch.tensor([1])).item() == 2e4
    one = task_objective("classification", f[:, :1], torch.tensor([0]))
    assert one.item() == 1e4


@given(SEEDS, st.booleans(), st.booleans())
@QUICK
def test_one_logit_is_a_probability_of_label_one(seed, whole, column):
    f, y = normal(seed, 6, 1), classes(seed, 6, 2)
    expected = functional.binary_cross_entropy_with_logits(f[:, 0], y.double())
    given_as = (y if whole else y.double()).reshape((6, 1) if column else (6,))
    equal(batch_loss(both_sides, "classification", f, given_as), expected)
    equal(task_objective("classification", f, given_as), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_class_indices_may_be_integers_of_any_type(dtype):
    f, y = normal(0, 4, 3), torch.tensor([0, 2, 1, 2])
    equal(task_objective("classification", f, y.to(dtype)), functional.cross_entropy(f, y))
    rows = one_hot(y.to(dtype), 3)
    assert rows.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_yes_and_no_are_class_indices():
    f = normal(0, 3, 2)
    found = task_objective("classification", f, torch.tensor([True, False, True]))
    equal(found, functional.cross_entropy(f, torch.tensor([1, 0, 1])))


def test_labels_take_the_type_of_the_outputs():
    seen = []

    def entries(labels, values):
        seen.append((labels.dtype, values.dtype))
        return labels * values

    batch_loss(entries, "regression", normal(0, 3), torch.tensor([1, 2, 3]))
    batch_loss(entries, "classification", normal(0, 3, 2).float(), torch.tensor([1, 0, 1]))
    assert seen == [(torch.float64, torch.float64), (torch.float32, torch.float32)]


REFUSED = [
    ("regression", (4,), torch.zeros(3), r"targets: shape \(3,\); expected \(4,\)"),
    ("regression", (4, 3), torch.zeros(3, 4), r"targets: shape \(3, 4\); expected \(4, 3\)"),
    ("regression", (4, 3), torch.zeros(12), r"targets: shape \(12,\); expected \(4, 3\)"),
    ("classification", (4,), torch.zeros(4).long(),
     r"outputs: shape \(4,\); expected \(batch, classes\)"),
    ("classification", (4, 3), torch.zeros(4), "targets: got torch.float32; expected integers"),
    ("classification", (4, 3), torch.tensor([0, 1, 3, 0]), r"targets: range 0\.\.3; expected 0"),
    ("classification", (4, 3), torch.tensor([0, -1, 2, 0]), r"targets: range -1\.\.2; expected 0"),
    # one label would be broadcast to all rows
    ("classification", (4, 3), torch.tensor([1]), r"targets: shape \(1,\); expected \(4,\) class"),
    ("classification", (4, 3), torch.tensor([1, 0, 1]), r"\(3,\); expected \(4,\) class indices"),
    ("classification", (4, 3), torch.zeros(4, 2), r"\(4, 2\); .* or \(4, 3\) one-hot rows"),
    ("classification", (4, 3), torch.zeros(1, 3), r"\(1, 3\); .* or \(4, 3\) one-hot rows"),
    ("classification", (4, 3), torch.tensor(1), r"targets: shape \(\); expected \(4,\) class"),
    ("classification", (4, 1), torch.zeros(3), r"targets: shape \(3,\); expected \(4,\) class"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "outputs", "targets", "message"), REFUSED)
def test_shapes_that_do_not_fit_are_refused_alike(task, outputs, targets, message):
    with pytest.raises(ValueError, match=message):
        batch_loss(squared, task, torch.zeros(outputs), targets)
    with pytest.raises(ValueError, match=message):
        task_objective(task, torch.zeros(outputs), targets)
