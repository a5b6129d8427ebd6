"""Tables in int8: rounding, steps, the ends, what is refused."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.codebooks.tables import (
    float_tables,
    quantised_tables,
    quantised_tables_of,
)

SCALES = pytest.mark.parametrize("table_scale", ["per_layer", "per_output"])


def test_halves_go_to_the_even_step():
    tables = torch.tensor([[[127.0], [0.5], [1.5], [2.5], [-0.5], [-1.5], [-2.5]]])
    entries, step = quantised_tables_of(tables, "per_layer")
    assert float(step) == 1.0
    assert entries.flatten().tolist() == [127, 0, 2, 2, 0, -2, -2]


def test_a_step_of_a_layer_and_of_each_output():
    tables = torch.tensor([[[1.0, -254.0], [-2.0, 3.0]], [[0.0, 127.0], [1.0, 0.0]]])
    entries, step = quantised_tables_of(tables, "per_layer")
    assert step.shape == ()
    assert float(step) == 2.0
    assert entries.tolist() == [[[0, -127], [-1, 2]], [[0, 64], [0, 0]]]
    entries, step = quantised_tables_of(tables, "per_output")
    assert step.tolist() == pytest.approx([2 / 127, 2.0])
    assert entries.tolist() == [[[64, -127], [-127, 2]], [[0, 64], [64, 0]]]


def test_where_all_entries_are_0_the_step_is_1():
    entries, step = quantised_tables_of(torch.zeros(2, 3, 4), "per_layer")
    assert float(step) == 1.0
    assert not entries.any()
    tables = torch.zeros(2, 3, 2)
    tables[0, 0, 1] = 12.7
    entries, step = quantised_tables_of(tables, "per_output")
    assert step.tolist() == pytest.approx([1.0, 0.1])
    assert entries[0, 0].tolist() == [0, 127]


@SCALES
@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), power=st.integers(-45, 38), dtype=st.sampled_from(["32", "64"]))
def test_entries_are_within_half_a_step_at_any_size(table_scale, seed, power, dtype):
    dtype = {"32": torch.float32, "64": torch.float64}[dtype]
    drawn = torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(seed)).double() * 2 - 1
    tables = (drawn * 10.0**power).to(dtype)
    entries, step = quantised_tables_of(tables, table_scale)
    assert entries.dtype == torch.int8
    assert int(entries.min()) >= -127
    assert bool((step > 0).all())
    assert bool(torch.isfinite(step).all())
    if power < -36 and dtype == torch.float32:
        return  # steps below the normal numbers have few bits; the next test is about them
    error = (entries.double() * step.double() - tables.double()).abs()
    assert bool((error <= step.double() * 0.5001).all())
    reached = entries.abs().int()
    assert bool((reached.amax((0, 1)) == 127).all() if step.dim() else reached.max() == 127)


@SCALES
@pytest.mark.parametrize("size", [1e30, 1e-40, 1e-45])
def test_huge_and_tiny_tables_stay_in_range(table_scale, size):
    tables = torch.tensor([[[1.0, -1.0], [-1.0, 0.3]]]) * size
    entries, step = quantised_tables_of(tables, table_scale)
    assert bool(torch.isfinite(step).all())
    assert entries.int().abs().max() <= 127
    value = entries.double() * step.double()
    if size > 1e-45:
        assert entries[0, 0, 0] == 127
        assert entries[0, 0, 1] == -127
        assert value[0, 0, 0] == pytest.approx(tables[0, 0, 0].item(), rel=0.01)
    else:  # the smallest number there is: less than one step
        assert not value.any()


def test_products_are_of_each_codebook():
    generator = torch.Generator().manual_seed(0)
    centroids = torch.randn(3, 5, 2, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 2, 4, generator=generator, dtype=torch.float64)
    expected = torch.einsum("ckv,cvm->ckm", centroids, weight)
    torch.testing.assert_close(float_tables(centroids, weight), expected, rtol=1e-12, atol=1e-12)
    entries, step = quantised_tables(centroids, weight, "per_output")
    again, same = quantised_tables_of(expected, "per_output")
    assert torch.equal(entries, again)
    torch.testing.assert_close(step, same, rtol=1e-12, atol=0)


def test_no_gradient_flows_through_int8_tables():
    weight = torch.ones(1, 2, 2, requires_grad=True)
    entries, step = quantised_tables(torch.ones(1, 3, 2, requires_grad=True), weight)
    assert not entries.requires_grad
    assert not step.requires_grad


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@SCALES
def test_entries_that_are_not_finite_are_refused(bad, table_scale):
    tables = torch.ones(2, 2, 2)
    tables[1, 0, 1] = bad
    with pytest.raises(ValueError, match=r"^tables: finite numbers are expected$"):
        quantised_tables_of(tables, table_scale)


def test_an_unknown_scale_names_the_nearest_one():
    with pytest.raises(ValueError) as error:
        quantised_tables_of(torch.ones(1, 2, 1), "per_layers")
    assert str(error.value) == (
        "table_scale: 'per_layers', expected one of per_layer, per_output; did you mean "
        "'per_layer'?"
    )


@pytest.mark.parametrize("shape", [(2, 4, 3), (3, 2, 3), (6, 3)])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"^weight: shape .*expected \(C, V, M\) beside"):
        float_tables(torch.ones(2, 5, 3), torch.ones(*shape))
