import itertools
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad

from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_search.loss_networks.shape import LossShape

TASKS = [("regression", 1), ("classification", 1), ("classification", 2), ("classification", 10)]
HIDDEN = [(4,), (5, 3), (3, 4, 5), (4, 3, 2, 5)]
ACTIVATIONS = list(
    itertools.product(("relu", "smooth_leaky_relu"), ("smooth_leaky_relu", "softplus"))
)


def near(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def check(plain, shape, task, phi, outputs, labels, tangent):
    """Hold values, slopes and mixed derivatives of a stack to autograd's."""
    stack = LossNetworkStack(phi, shape, task)
    values, slopes = stack.slopes(outputs, labels)
    mixed = stack.by_weights(tangent)
    for r in range(len(phi)):
        weights, raw = phi[r].clone().requires_grad_(), outputs[r].clone().requires_grad_()
        value = plain.learned(weights, shape, raw, labels[r], task)
        (by_outputs,) = grad(value, raw, create_graph=True)
        near(values[r], value)
        near(slopes[r], by_outputs)
        (by_weights,) = grad((by_outputs * tangent[r]).sum(), weights, allow_unused=True)
        near(mixed[r], torch.zeros_like(weights) if by_weights is None else by_weights)


@pytest.mark.parametrize(("task", "classes"), TASKS)
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("within", "at_end"), ACTIVATIONS)
def test_loss_slopes_and_mixed_derivative_are_those_of_autograd(
    task, classes, hidden, within, at_end, plain, draw
):
    labels = plain.labels(3, 6, classes, task, torch.Generator().manual_seed(1))
    for reduction, add in itertools.product(("sum", "mean"), (False, True)):
        shape = LossShape(hidden, 0.25, 5.0, within, at_end, reduction, add)
        phi = draw(3, shape.weights)
        check(plain, shape, task, phi, draw(3, 6, classes), labels, draw(3, 6, classes))


@given(
    hidden=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    within=st.sampled_from(["relu", "smooth_leaky_relu"]),
    gamma=st.floats(0.0, 1.0),
    beta=st.floats(0.1, 20.0),
    kind=st.sampled_from(TASKS),
    rows=st.integers(1, 5),
    seeds=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=60)
def test_they_are_so_for_any_shape(hidden, within, gamma, beta, kind, rows, seeds, seed, plain):
    task, classes = kind
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    shape = LossShape(tuple(hidden), gamma, beta, within)
    labels = plain.labels(seeds, rows, classes, task, generator)
    batch = seeds, rows, classes
    check(plain, shape, task, normal(seeds, shape.weights), normal(*batch), labels, normal(*batch))


@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
def test_labels_that_are_not_one_hot_are_pairs_like_any(within, plain, draw):
    shape = LossShape((5, 3), hidden_activation=within)
    soft = draw(2, 6, 4).softmax(-1)
    check(
        plain, shape, "classification", draw(2, shape.weights), draw(2, 6, 4), soft, draw(2, 6, 4)
    )
    some = soft.clone()
    some[:, ::2] = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=some.dtype)
    check(
        plain, shape, "classification", draw(2, shape.weights), draw(2, 6, 4), some, draw(2, 6, 4)
    )
    two = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=some.dtype).expand(2, 6, 4)
    check(plain, shape, "classification", draw(2, shape.weights), draw(2, 6, 4), two, draw(2, 6, 4))


def test_one_row_of_a_stack_is_the_stack_of_one(plain, draw):
    for within, (task, classes) in itertools.product(("relu", "smooth_leaky_relu"), TASKS):
        shape = LossShape((7, 5), hidden_activation=within)
        phi, outputs, tangent = draw(3, shape.weights), draw(3, 8, classes), draw(3, 8, classes)
        labels = plain.labels(3, 8, classes, task, torch.Generator().manual_seed(1))
        many = LossNetworkStack(phi, shape, task)
        wanted = *many.slopes(outputs, labels), many.by_weights(tangent)
        for r in range(3):
            row = slice(r, r + 1)
            one = LossNetworkStack(phi[row], shape, task)
            got = *one.slopes(outputs[row], labels[row]), one.by_weights(tangent[row])
            for a, b in zip(got, wanted, strict=True):
                near(a, b[row], 1e-12)


def test_networks_in_blocks_are_those_of_one_block(plain, draw, monkeypatch):
    shape = LossShape((5, 3), hidden_activation="smooth_leaky_relu")
    phi, outputs, tangent = draw(5, shape.weights), draw(5, 6, 4), draw(5, 6, 4)
    labels = plain.labels(5, 6, 4, "classification", torch.Generator().manual_seed(1))
    stack = LossNetworkStack(phi, shape, "classification")
    whole = *stack.slopes(outputs, labels), stack.by_weights(tangent)
    # two networks of 5 x 24 numbers a layer, then one although it is too large
    for most in (240, 1, 1 << 17):
        monkeypatch.setattr("heliostat_methods.adalfl.stacks.smooth_pairs._BLOCK", most)
        again = *stack.slopes(outputs, labels), stack.by_weights(tangent)
        for a, b in zip(again, whole, strict=True):
            near(a, b, 1e-12)


@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
def test_the_mixed_derivative_may_be_asked_for_twice(within, plain, draw):
    shape = LossShape((5, 3), hidden_activation=within)
    stack = LossNetworkStack(draw(2, shape.weights), shape, "classification")
    labels = plain.labels(2, 6, 4, "classification", torch.Generator().manual_seed(1))
    stack.slopes(draw(2, 6, 4), labels)
    tangent = draw(2, 6, 4)
    first = stack.by_weights(tangent).clone()
    assert torch.equal(stack.by_weights(tangent), first)
    near(stack.by_weights(2 * tangent), 2 * first)


@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
def test_classes_permuted_permute_slopes_and_rows_reordered_change_nothing(within, draw):
    shape = LossShape((7, 5), hidden_activation=within)
    stack = LossNetworkStack(draw(2, shape.weights), shape, "classification")
    outputs, tangent = draw(2, 6, 4), draw(2, 6, 4)
    labels = torch.eye(4).double()[torch.tensor([[0, 3, 1, 1, 2, 0]] * 2)]
    values, slopes = stack.slopes(outputs, labels)
    mixed = stack.by_weights(tangent)
    order = torch.tensor([2, 0, 3, 1])
    permuted, turned = stack.slopes(outputs[:, :, order], labels[:, :, order])
    near(permuted, values)
    near(turned, slopes[:, :, order])
    near(stack.by_weights(tangent[:, :, order]), mixed)
    order = torch.tensor([5, 2, 0, 3, 1, 4])
    near(stack.slopes(outputs[:, order], labels[:, order])[0], values)
    near(stack.by_weights(tangent[:, order]), mixed)


def test_a_saturated_softplus_moves_nothing_and_the_smooth_leaky_relu_still_does():
    # z = -relu(f), which is -40
    weights = torch.tensor([[1.0, 0.0, -1.0]], dtype=torch.float64)
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    flat = LossShape((1,), output_activation="softplus")
    stack = LossNetworkStack(weights, flat, "regression")
    assert stack.slopes(40 * one, one)[1].abs().max() < 1e-15
    assert stack.by_weights(one).abs().max() < 1e-15
    stack = LossNetworkStack(weights, LossShape((1,), gamma=0.01), "regression")
    assert stack.slopes(40 * one, one)[1].abs().min() >= 0.01
    assert stack.by_weights(one).abs().max() >= 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
@pytest.mark.parametrize(("task", "classes"), TASKS)
def test_huge_outputs_give_finite_numbers(dtype, within, task, classes, plain, draw):
    shape = LossShape((6, 5), hidden_activation=within)
    stack = LossNetworkStack(draw(2, shape.weights).to(dtype), shape, task)
    labels = plain.labels(2, 5, classes, task, torch.Generator().manual_seed(1)).to(dtype)
    for scale in (0.0, 1e4):
        values, slopes = stack.slopes((draw(2, 5, classes) * scale).to(dtype), labels)
        mixed = stack.by_weights(draw(2, 5, classes).to(dtype))
        assert all(bool(each.isfinite().all()) for each in (values, slopes, mixed))
        assert mixed.dtype == slopes.dtype == dtype


@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
def test_a_network_that_diverged_shows_in_its_own_numbers_alone(within, plain, draw):
    shape = LossShape((5, 3), hidden_activation=within)
    stack = LossNetworkStack(draw(3, shape.weights), shape, "classification")
    labels = plain.labels(3, 6, 4, "classification", torch.Generator().manual_seed(1))
    outputs, tangent = draw(3, 6, 4), draw(3, 6, 4)
    wanted = *stack.slopes(outputs, labels), stack.by_weights(tangent)
    outputs[1, 2, 3] = torch.nan
    got = *stack.slopes(outputs, labels), stack.by_weights(tangent)
    for a, b in zip(got, wanted, strict=True):
        assert bool(a[1].isnan().any())
        assert torch.equal(a[::2], b[::2])


def test_weights_and_outputs_that_want_gradients_do_no_harm(draw):
    shape = LossShape((5, 3))
    phi, outputs = draw(2, shape.weights), draw(2, 6, 1)
    plainly = LossNetworkStack(phi.clone(), shape, "regression").slopes(outputs, outputs)
    phi.requires_grad_()
    wanting = outputs.clone().requires_grad_()
    values, slopes = LossNetworkStack(phi, shape, "regression").slopes(wanting, outputs)
    assert torch.equal(values, plainly[0])
    assert torch.equal(slopes, plainly[1])
    assert not values.requires_grad


def test_weights_may_be_assigned_and_written_in_place_between_steps(draw):
    shape = LossShape((4, 3))
    phi, other = draw(2, shape.weights), draw(2, shape.weights)
    stack, f, y = LossNetworkStack(phi, shape, "regression"), draw(2, 5, 1), draw(2, 5, 1)
    values, _ = stack.slopes(f, y)
    mixed = stack.by_weights(f)
    stack.phi = other
    near(stack.by_weights(f), mixed)
    changed, _ = stack.slopes(f, y)
    assert (changed - values).abs().min() > 1e-3
    other.copy_(phi)
    with pytest.raises(RuntimeError, match="phi: written in place since the pass that refers"):
        stack.by_weights(f)
    near(stack.slopes(f, y)[0], values)


def test_the_mixed_derivative_needs_a_batch(draw):
    shape = LossShape((3,))
    stack = LossNetworkStack(draw(2, shape.weights), shape, "regression")
    with pytest.raises(RuntimeError, match="no batch: call slopes before by_weights"):
        stack.by_weights(draw(2, 5, 1))


def test_what_does_not_fit_is_named(draw):
    shape = LossShape((3,))
    phi, batch = draw(2, 9), draw(2, 5, 1)
    stack = LossNetworkStack(phi, shape, "regression")
    stack.slopes(batch, batch)
    for call, message in (
        (lambda: LossNetworkStack(phi[0], shape, "regression"), "phi: shape (9,); expected (R, 9)"),
        (lambda: LossNetworkStack(phi[:, :8], shape, "regression"), "phi: shape (2, 8); expected"),
        (lambda: LossNetworkStack(draw(9, 2).T, shape, "regression"), "phi: strides (1, 2); expec"),
        (lambda: LossNetworkStack(phi, shape, "both"), "task: got 'both'; expected 'regression'"),
        (lambda: stack.slopes(batch[:1], batch[:1]), "outputs: 1 networks; expected 2"),
        (lambda: stack.slopes(batch, batch[:, :4]), "labels: shape (2, 4, 1); expected that of"),
        (lambda: stack.slopes(batch.float(), batch), "outputs: torch.float32 on cpu; expected"),
        (lambda: stack.slopes(batch, batch.long()), "labels: torch.int64 on cpu; expected torch."),
        (lambda: stack.by_weights(batch.float()), "tangent: torch.float32 on cpu; expected torch."),
        (lambda: stack.slopes(draw(2, 5, 2), draw(2, 5, 2)), "outputs: 2 columns; expected 1"),
        (lambda: stack.by_weights(batch[:, :4]), "tangent: shape (2, 4, 1); expected (2, 5, 1)"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            call()
