"""The gradient that is written out is autograd's of the soft output; values are the nearest's."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.codebooks import codes
from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.codebooks.soft_assignment import soft_lookup, soft_output
from heliostat_methods.lutnn.codebooks.tables import float_tables, quantised_tables

DISTANCES = pytest.mark.parametrize("distance", ["euclidean", "squared"])
NAMES = ("x", "centroids", "weight", "beta")


@st.composite
def problems(draw):
    """Inputs, centroids, weights, beta and a gradient of outputs, drawn, in float64."""
    n, c, k, v, m = (draw(st.integers(*ends)) for ends in ((1, 6), (1, 5), (2, 7), (1, 4), (1, 5)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([0.1, 1.0, 10.0]))
    shapes = ((n, c * v), (c, k, v), (c, v, m), (n, m))
    x, centroids, weight, grad = (
        torch.randn(*shape, generator=generator, dtype=torch.float64) * size for shape in shapes
    )
    beta = torch.tensor(draw(st.floats(1.0, 20.0)) / size, dtype=torch.float64)
    return (x, centroids, weight, beta), grad


def problem(n=5, c=3, k=4, v=2, m=3, beta=2.0, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, centroids, weight, grad = (
        torch.randn(*shape, generator=generator, dtype=dtype)
        for shape in ((n, c * v), (c, k, v), (c, v, m), (n, m))
    )
    return (x, centroids, weight, torch.tensor(beta, dtype=dtype)), grad


def derived(function, values, grad, **options):
    """A function's outputs, and its gradients of x, centroids, weights and beta."""
    leaves = [v.clone().requires_grad_() for v in values]
    out = function(*leaves, **options)
    found = torch.autograd.grad(out, leaves, grad, allow_unused=True)
    return out.detach(), dict(zip(NAMES, found, strict=True))


def assert_same(found, expected, values, grad, rtol=1e-9):
    """Gradients are equal, as parts of what their terms may come to before they cancel."""
    x, centroids, weight, beta = values
    outer, table = float(grad.abs().sum()), float(torch.bmm(centroids, weight).abs().max())
    # distances, their squares, and derivatives of both: twice the largest distance or 1
    size = 1 + 2 * float(x.norm() + centroids.norm())
    moved = outer * table * float(beta) * size
    terms = {
        "x": moved,
        "centroids": moved + outer * float(weight.abs().sum()),
        "weight": outer * float(centroids.abs().max()),
        "beta": outer * table * size**2,
    }
    for name in NAMES:
        error = (found[name] - expected[name]).abs()
        assert found[name].shape == expected[name].shape
        assert not error.numel() or float(error.max()) <= rtol * terms[name], name


@DISTANCES
@settings(max_examples=60, deadline=None)
@given(made=problems(), tables=st.sampled_from(["per_layer", "per_output", None]))
def test_the_gradient_is_that_of_the_soft_output(distance, made, tables):
    values, grad = made
    _, expected = derived(soft_output, values, grad, distance=distance)
    _, found = derived(soft_lookup, values, grad, distance=distance, tables=tables)
    assert_same(found, expected, values, grad)


@DISTANCES
@settings(max_examples=40, deadline=None)
@given(made=problems(), numbers=st.sampled_from([1, 20, 50]))
def test_codebooks_in_portions_give_equal_numbers(distance, made, numbers):
    values, grad = made
    gradients = ("soft", "hard")
    whole = [derived(soft_lookup, values, grad, distance=distance, gradient=g) for g in gradients]
    soft = derived(soft_output, values, grad, distance=distance)
    at_once = nearest_centroids(*values[:2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "NUMBERS", numbers)
        steps = [end - begin for (begin, end), _ in codes.portions(*values[:2])]
        n, (c, k, _) = len(values[0]), values[1].shape
        assert sum(steps) == c
        assert max(steps) == min(c, max(1, numbers // max(1, n * k)))
        assert torch.equal(nearest_centroids(*values[:2]), at_once)
        for gradient, (out, expected) in zip(gradients, whole, strict=True):
            again, found = derived(soft_lookup, values, grad, distance=distance, gradient=gradient)
            assert torch.equal(again, out)
            assert_same(found, expected, values, grad)
        again, found = derived(soft_output, values, grad, distance=distance)
        torch.testing.assert_close(again, soft[0], rtol=1e-12, atol=1e-12)
        assert_same(found, soft[1], values, grad)


@DISTANCES
def test_the_soft_output_is_the_formula_and_passes_gradcheck(distance):
    (x, centroids, weight, beta), _ = problem()
    pieces = x.reshape(5, 3, 1, 2)
    d = (pieces - centroids).square().sum(3)
    d = d.sqrt() if distance == "euclidean" else d
    soft = torch.softmax(-beta * d, dim=2)
    formula = torch.einsum("nck,ckv,cvm->nm", soft, centroids, weight)
    torch.testing.assert_close(
        soft_output(x, centroids, weight, beta, distance), formula, rtol=1e-12, atol=1e-12
    )
    leaves = [v.clone().requires_grad_() for v in (x, centroids, weight, beta)]
    assert torch.autograd.gradcheck(lambda *v: soft_output(*v, distance), leaves)


@DISTANCES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pieces_that_equal_centroids_have_a_finite_gradient(distance, dtype):
    (x, centroids, weight, beta), grad = problem(n=6, c=2, k=6, v=3, dtype=dtype, beta=11.0)
    x = centroids.transpose(0, 1).reshape(6, 6).clone()
    x[0], centroids[:, 3] = 0.0, 0.0  # patches after a ReLU are often all zero
    for function in (soft_lookup, soft_output):
        _, found = derived(function, (x, centroids, weight, beta), grad, distance=distance)
        for name in NAMES:
            assert bool(torch.isfinite(found[name]).all()), name
            assert float(found[name].abs().max()) > 0, name


def test_at_a_centroid_its_own_distance_has_derivative_0():
    """One centroid of two is the piece: dS/da is that of the other's distance alone."""
    x = torch.zeros(1, 2, dtype=torch.float64)
    centroids = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]], dtype=torch.float64)
    weight = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    beta = torch.tensor(0.2, dtype=torch.float64)
    values, grad = (x, centroids, weight, beta), torch.ones(1, 1, dtype=torch.float64)
    _, found = derived(soft_lookup, values, grad)
    share = 1 / (1 + math.exp(-1))  # beta d = 1 for the other one
    # out = 3 S_2, dS_2/dd_2 = -beta S_1 S_2, dd_2/da = (a - P_2)/d_2
    slope = 3 * -0.2 * share * (1 - share)
    assert found["x"][0].tolist() == pytest.approx([slope * -0.6, slope * -0.8], rel=1e-12)
    assert float(found["beta"]) == pytest.approx(3 * share * (1 - share) * -5, rel=1e-12)


@pytest.mark.parametrize("tables", ["per_layer", None])
def test_a_hard_gradient_is_that_of_the_chosen_entries(tables):
    values, grad = problem(n=7, c=3, k=4, v=2, m=3)
    _, found = derived(soft_lookup, values, grad, tables=tables, gradient="hard")

    def chosen(x, centroids, weight, beta):
        at = nearest_centroids(x, centroids).long()
        products = torch.einsum("ckv,cvm->ckm", centroids, weight)
        return products[torch.arange(3), at].sum(1)

    _, expected = derived(chosen, values, grad)
    for name in ("centroids", "weight"):
        torch.testing.assert_close(found[name], expected[name], rtol=1e-12, atol=1e-12)
    for name in ("x", "beta"):
        assert expected[name] is None
        assert not found[name].any()


@settings(max_examples=40, deadline=None)
@given(made=problems(), tables=st.sampled_from(["per_layer", "per_output", None]))
def test_values_are_entries_of_the_nearest_centroids(made, tables):
    (x, centroids, weight, beta), _ = made
    entries, step = float_tables(centroids, weight), 1.0
    if tables is not None:
        entries, step = quantised_tables(centroids, weight, tables)
    at = nearest_centroids(x, centroids).long()
    sums = entries[torch.arange(len(entries)), at].to(torch.float64).sum(1)
    found = soft_lookup(x, centroids, weight, beta, tables=tables)
    torch.testing.assert_close(found, sums * step, rtol=1e-12, atol=1e-12)
    other = soft_lookup(x, centroids, weight, beta * 7, distance="squared", tables=tables)
    assert torch.equal(found, other)


@DISTANCES
def test_a_large_beta_makes_the_soft_choice_hard(distance):
    (x, centroids, weight, _), _ = problem(n=20)
    hard = soft_lookup(x, centroids, weight, torch.tensor(1.0).double(), tables=None)
    errors = []
    for beta in (1.0, 10.0, 1e4):
        beta = torch.tensor(beta, dtype=torch.float64)
        soft = soft_output(x, centroids, weight, beta, distance)
        errors.append(float((soft - hard).abs().max()))
    assert errors[0] > 0.1 > 1e-12 > errors[2]
    assert errors[0] > errors[1]


@DISTANCES
@settings(max_examples=40, deadline=None)
@given(
    made=problems(), tables=st.sampled_from(["per_layer", "per_output", None]),
    gradient=st.sampled_from(["soft", "hard"]),
)  # fmt: skip
def test_composed_of_torchs_operators_it_is_the_same(distance, made, tables, gradient):
    values, grad = made
    options = {"distance": distance, "tables": tables, "gradient": gradient}
    out, expected = derived(soft_lookup, values, grad, **options)
    again, found = derived(soft_lookup, values, grad, **options, composed=True)
    size = max(1.0, float(out.abs().max()))
    torch.testing.assert_close(again, out, rtol=1e-9, atol=1e-9 * size)
    for name in NAMES:
        if found[name] is None:  # of the choice itself a hard gradient has none
            assert gradient == "hard"
            found[name] = torch.zeros_like(expected[name])
    assert_same(found, expected, values, grad)


def test_composed_it_has_gradients_of_gradients_and_otherwise_says_so():
    values, grad = problem()
    leaves = [v.clone().requires_grad_() for v in values]

    def first(composed):
        out = soft_lookup(*leaves, composed=composed)
        return torch.autograd.grad(out, leaves, grad, create_graph=True)

    second = torch.autograd.grad(sum(g.sum() for g in first(True)), leaves)
    expected = torch.autograd.grad(
        sum(g.sum() for g in torch.autograd.grad(
            soft_output(*leaves), leaves, grad, create_graph=True
        )), leaves,
    )  # fmt: skip
    for one, other in zip(second, expected, strict=True):
        assert bool(other.any())
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    with pytest.raises(RuntimeError, match=r"once_differentiable|does not require grad"):
        torch.autograd.grad(sum(g.sum() for g in first(False)), leaves)


def test_with_two_centroids_and_beta_0_the_soft_choice_is_the_mean():
    (x, centroids, weight, _), _ = problem(k=2)
    found = soft_output(x, centroids, weight, torch.tensor(0.0).double())
    mean = torch.einsum("cv,cvm->m", centroids.mean(1), weight)
    torch.testing.assert_close(found, mean.expand(5, 3), rtol=1e-12, atol=1e-12)


@DISTANCES
@pytest.mark.parametrize("gradient", ["soft", "hard"])
def test_no_input_at_all_has_a_gradient_of_0(distance, gradient):
    values, grad = problem(n=0)
    out, found = derived(soft_lookup, values, grad, distance=distance, gradient=gradient)
    assert out.shape == (0, 3)
    for name, value in zip(NAMES, values, strict=True):
        assert found[name].shape == value.shape, name
        assert not found[name].any(), name
    assert soft_output(*values, distance).shape == (0, 3)


def test_only_inputs_centroids_and_weights_are_kept_between_the_passes():
    values, _ = problem(n=50, c=4, k=16)
    kept = []
    leaves = [v.clone().requires_grad_() for v in values]
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.numel()) or t, lambda t: t
    ):
        soft_lookup(*leaves)
    assert sorted(kept) == sorted(v.numel() for v in values)
