import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.functional import jvp, vjp

from heliostat_methods.adalfl.stacks.dense import DenseStack, parameter_count
from heliostat_methods.evomal.learners.networks import forward

WIDTHS = [(3, 1), (4, 10), (3, 5, 2), (5, 4, 3, 1), (2, 6, 5, 4, 10)]


def near(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("widths", WIDTHS)
def test_outputs_pull_and_push_are_those_of_autograd(widths, plain, draw):
    R, B = 3, 6
    theta, x = draw(R, parameter_count(widths)), draw(R, B, widths[0])
    e, v = draw(R, B, widths[-1]), draw(R, parameter_count(widths))
    stack = DenseStack(widths, theta)
    outputs, pulled, pushed = stack.forward(x), stack.pull(e), stack.push(v)
    for r in range(R):
        network = lambda t, r=r: plain.dense(t, widths, x[r])  # noqa: E731
        wanted, down = vjp(network, theta[r], e[r])
        near(outputs[r], wanted)
        near(pulled[r], down)
        near(pushed[r], jvp(network, theta[r], v[r])[1])


@given(
    widths=st.lists(st.integers(1, 7), min_size=2, max_size=5),
    rows=st.integers(1, 5),
    seeds=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=60)
def test_push_is_the_transpose_of_pull(widths, rows, seeds, seed):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    size = parameter_count(widths)
    stack = DenseStack(widths, normal(seeds, size))
    stack.forward(normal(seeds, rows, widths[0]))
    e, v = normal(seeds, rows, widths[-1]), normal(seeds, size)
    near((stack.push(v) * e).sum((1, 2)), (stack.pull(e) * v).sum(1))


def test_one_row_of_a_stack_is_the_stack_of_one(draw):
    widths = (5, 7, 4, 3)
    theta, x, e = draw(4, parameter_count(widths)), draw(4, 9, 5), draw(4, 9, 3)
    v = draw(*theta.shape)
    many = DenseStack(widths, theta)
    results = many.forward(x), many.pull(e), many.push(v)
    for r in range(4):
        row = slice(r, r + 1)
        one = DenseStack(widths, theta[row])
        for wanted, got in zip(
            results, (one.forward(x[row]), one.pull(e[row]), one.push(v[row])), strict=True
        ):
            near(got, wanted[row], 1e-12)


def test_parameters_are_laid_out_as_those_of_evomal(draw):
    widths = (4, 6, 3)
    theta, x = draw(2, parameter_count(widths)), draw(7, 4)
    outputs = DenseStack(widths, theta).evaluate(x)
    for r in range(2):
        near(outputs[r], torch.from_numpy(forward(theta[r].numpy(), widths, x.numpy())))


def test_evaluation_in_portions_is_that_of_one_batch(draw, monkeypatch):
    widths = (4, 6, 3)
    stack, x = DenseStack(widths, draw(2, parameter_count(widths))), draw(11, 4)
    whole = stack.forward(x.expand(2, -1, -1))
    monkeypatch.setattr("heliostat_methods.adalfl.stacks.dense._PORTION", 48)
    near(stack.evaluate(x), whole)
    assert stack.evaluate(x[:0]).shape == (2, 0, 3)


def test_after_an_assignment_pull_and_push_use_the_parameters_of_the_forward(draw):
    widths = (4, 6, 3)
    size = parameter_count(widths)
    x, e, v = draw(2, 5, 4), draw(2, 5, 3), draw(2, size)
    stack = DenseStack(widths, draw(2, size))
    before = stack.forward(x)
    pulled, pushed = stack.pull(e).clone(), stack.push(v)
    stack.theta = draw(2, size)
    near(stack.pull(e), pulled)
    near(stack.push(v), pushed)
    assert (stack.forward(x) - before).abs().max() > 0.1


def test_a_stack_of_another_size_assigned_since_changes_no_push(draw):
    x, e, v = draw(2, 5, 4), draw(2, 5, 3), draw(2, 51)
    stack = DenseStack((4, 6, 3), draw(2, 51))
    stack.forward(x)
    pulled, pushed = stack.pull(e).clone(), stack.push(v)
    stack.theta = draw(3, 51)
    near(stack.pull(e), pulled)
    near(stack.push(v), pushed)


def test_the_next_forward_uses_what_was_written_in_place(draw):
    widths = (4, 6, 3)
    theta, other, x = draw(2, 51), draw(2, 51), draw(2, 5, 4)
    stack = DenseStack(widths, theta)
    stack.forward(x)
    theta.copy_(other)
    near(stack.forward(x), DenseStack(widths, other).forward(x))


def test_parameters_overwritten_since_the_forward_are_refused(draw):
    stack = DenseStack((4, 6, 3), draw(2, 51))
    stack.forward(draw(2, 5, 4))
    stack.theta.add_(1.0)
    expected = "theta: written in place since the pass that refers to it"
    with pytest.raises(RuntimeError, match=expected):
        stack.push(draw(2, 51))
    with pytest.raises(RuntimeError, match=expected):
        stack.pull(draw(2, 5, 3))


def test_parameters_may_be_columns_of_a_larger_table(draw):
    table, x, e = draw(2, 60), draw(2, 5, 4), draw(2, 5, 3)
    inside, alone = (
        DenseStack((4, 6, 3), table[:, 5:56]),
        DenseStack((4, 6, 3), table[:, 5:56].clone()),
    )
    near(inside.forward(x), alone.forward(x))
    near(inside.pull(e), alone.pull(e))


@pytest.mark.parametrize("small", [0, 10**9])
def test_gradients_are_the_same_made_in_place_and_copied(small, plain, draw, monkeypatch):
    monkeypatch.setattr("heliostat_methods.adalfl.stacks.dense._SMALL", small)
    test_outputs_pull_and_push_are_those_of_autograd((3, 5, 2), plain, draw)


def test_evaluation_between_forward_and_push_changes_nothing(draw):
    stack, v = DenseStack((4, 6, 3), draw(2, 51)), draw(2, 51)
    stack.forward(draw(2, 5, 4))
    pushed = stack.push(v)
    stack.evaluate(draw(5, 4))
    assert torch.equal(stack.push(v), pushed)


def test_batches_of_another_size_follow_one_another(draw):
    theta = draw(2, 51)
    stack = DenseStack((4, 6, 3), theta)
    for rows in (5, 9, 2):
        x, e = draw(2, rows, 4), draw(2, rows, 3)
        stack.forward(x)
        fresh = DenseStack((4, 6, 3), theta)
        fresh.forward(x)
        near(stack.pull(e), fresh.pull(e))
        near(stack.push(theta), fresh.push(theta))


def test_inference_mode_and_parameters_that_want_gradients_do_no_harm(draw):
    x = draw(2, 5, 4)
    stack = DenseStack((4, 6, 3), draw(2, 51).requires_grad_())
    outputs = stack.forward(x)
    assert not outputs.requires_grad
    with torch.inference_mode():
        inside = DenseStack((4, 6, 3), stack.theta.clone())
        near(inside.forward(x), outputs)
        near(inside.pull(outputs), stack.pull(outputs))
    near(stack.forward(x), outputs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DenseStack((3,), torch.zeros(1, 4)), "widths: got (3,); expected (inputs,"),
        (lambda: DenseStack((3, 0), torch.zeros(1, 4)), "widths: got (3, 0); expected (inputs,"),
        (lambda: DenseStack((3, 1), torch.zeros(4)), "theta: shape (4,); expected (R, 4), R >= 1"),
        (lambda: DenseStack((3, 1), torch.zeros(2, 5)), "theta: shape (2, 5); expected (R, 4)"),
        (lambda: DenseStack((3, 1), torch.zeros(4, 2).T), "theta: strides (1, 2); expected rows"),
        (lambda: two().forward(torch.zeros(2, 5, 4)), "x: shape (2, 5, 4); expected (2, B, 3)"),
        (lambda: two().forward(torch.zeros(2, 0, 3)), "x: shape (2, 0, 3); expected (2, B, 3)"),
        (lambda: two().evaluate(torch.zeros(5, 2)), "x: shape (5, 2); expected (n, 3)"),
        (lambda: two().forward(torch.zeros(2, 5, 3).double()), "x: torch.float64 on cpu; expected"),
        (lambda: two().evaluate(torch.zeros(5, 3).long()), "x: torch.int64 on cpu; expected torch"),
        (
            lambda: two(5).pull(torch.zeros(2, 5, 1).half()),
            "slopes: torch.float16 on cpu; expected",
        ),
        (lambda: two(5).push(torch.zeros(2, 4).double()), "change: torch.float64 on cpu; expected"),
        (lambda: two(5).push(torch.zeros(4, 2).T), "change: strides (1, 2); expected rows without"),
        (lambda: two(5).pull(torch.zeros(2, 4, 1)), "slopes: shape (2, 4, 1); expected (2, 5, 1)"),
        (lambda: two(5).push(torch.zeros(4)), "change: shape (4,); expected (2, 4)"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def two(rows=0):
    stack = DenseStack((3, 1), torch.zeros(2, 4))
    if rows:
        stack.forward(torch.zeros(2, rows, 3))
    return stack


def test_pull_and_push_need_a_batch():
    with pytest.raises(RuntimeError, match="no batch: call forward before pull and push"):
        two().pull(torch.zeros(2, 5, 1))
    with pytest.raises(RuntimeError, match="no batch: call forward before pull and push"):
        two().push(torch.zeros(2, 4))
