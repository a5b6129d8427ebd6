"""J v by forward differentiation, by the way around it, and beside central differences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.unrolled.forward_derivative import derivative_along

QUICK = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**32)
X = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)


class ReverseCubed(torch.autograd.Function):
    """The cube, with a backward that is differentiable again and no forward derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, slopes):
        (x,) = ctx.saved_tensors
        return slopes * 3 * x**2


class BothCubed(ReverseCubed):
    """The cube again, which may be called in either direction."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    @staticmethod
    def jvp(ctx, change):
        return change * 3 * ctx.saved_tensors[0] ** 2


def dense(cube):
    """Outputs (4, 2) of a layer, the cube and another layer."""
    return lambda theta: cube(X @ theta["first"].T + theta["bias"]) @ theta["second"].T


WAYS = {
    "forward": lambda x: x**3,
    "forward of one's own": BothCubed.apply,
    "reverse twice": ReverseCubed.apply,
}


def drawn(seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"first": (5, 3), "bias": (5,), "second": (2, 5)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("way", WAYS)
@given(seed=SEEDS)
@QUICK
def test_it_is_the_jacobian_times_the_change(way, seed):
    theta, change = drawn(seed), drawn(seed + 1)
    names = list(theta)
    jacobians = torch.autograd.functional.jacobian(
        lambda *parts: dense(WAYS["forward"])(dict(zip(names, parts, strict=True))),
        tuple(theta.values()),
    )
    expected = sum(
        torch.tensordot(jacobian, change[name], dims=change[name].ndim)
        for name, jacobian in zip(names, jacobians, strict=True)
    )
    found = derivative_along(dense(WAYS[way]), theta, change)
    assert found.shape == (4, 2) and not found.requires_grad
    assert torch.allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_the_central_difference(way):
    theta, change, e = drawn(0), drawn(1), 1e-5
    outputs_of = dense(WAYS[way])

    def moved(by):
        return outputs_of({name: part + by * change[name] for name, part in theta.items()})

    found = derivative_along(outputs_of, theta, change)
    assert torch.allclose(found, (moved(e) - moved(-e)) / (2 * e), rtol=1e-7, atol=1e-6)


def test_the_way_around_is_taken_where_there_is_no_forward_derivative_and_only_there():
    calls = {"forward": 0, "reverse twice": 0}

    def counted(way):
        def outputs_of(theta):
            calls[way] += 1
            return dense(WAYS[way])(theta)

        return outputs_of

    for way in calls:
        derivative_along(counted(way), drawn(0), drawn(1))
    assert calls == {"forward": 1, "reverse twice": 2}


@pytest.mark.parametrize("way", WAYS)
def test_parameters_that_no_output_takes_do_not_matter(way):
    theta, change = drawn(0), drawn(1)
    expected = derivative_along(dense(WAYS[way]), theta, change)
    more = torch.ones(2, dtype=torch.float64)
    found = derivative_along(dense(WAYS[way]), {**theta, "idle": more}, {**change, "idle": more})
    assert torch.equal(found, expected)


def test_outputs_that_no_parameter_moves_have_no_derivative():
    theta, change = drawn(0), drawn(1)
    assert torch.equal(derivative_along(lambda _: X, theta, change), torch.zeros_like(X))
    # the same where the forward derivative is missing
    found = derivative_along(
        lambda one: X + ReverseCubed.apply(one["bias"]).detach().sum(), theta, change
    )
    assert torch.equal(found, torch.zeros_like(X))


def test_a_linear_output_is_moved_by_the_change_itself():
    class Doubled(torch.autograd.Function):
        """Twice its input; its slopes depend on no input."""

        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, slopes):
            return 2 * slopes

    theta, change = drawn(0), drawn(1)
    found = derivative_along(lambda one: Doubled.apply(one["first"]), theta, change)
    assert torch.equal(found, 2 * change["first"])


@pytest.mark.parametrize("without", [torch.no_grad, torch.enable_grad])
@pytest.mark.parametrize("way", WAYS)
def test_the_callers_own_recording_does_not_matter(way, without):
    theta, change = drawn(0), drawn(1)
    theta["first"].requires_grad_()
    expected = derivative_along(dense(WAYS["forward"]), drawn(0), change)
    with without():
        found = derivative_along(dense(WAYS[way]), theta, change)
    assert torch.allclose(found, expected, rtol=1e-12) and not found.requires_grad
    assert theta["first"].grad is None


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, ValueError, KeyError])
def test_other_errors_are_raised_at_once(error):
    calls = []

    def outputs_of(theta):
        calls.append(1)
        raise error("the network's own trouble")

    with pytest.raises(error, match="own trouble"):
        derivative_along(outputs_of, drawn(0), drawn(1))
    assert len(calls) == 1


def test_an_operation_with_no_derivative_but_the_first_is_an_error():
    class Once(torch.autograd.Function):
        """The cube, of which only the first reverse derivative exists."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slopes):
            return slopes * 3 * ctx.saved_tensors[0] ** 2

    with pytest.raises(RuntimeError, match="neither a forward derivative nor a second reverse"):
        derivative_along(dense(Once.apply), drawn(0), drawn(1))
