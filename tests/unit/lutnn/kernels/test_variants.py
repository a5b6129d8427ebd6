"""Compiled variants and torch give the same bits, for every shape and every input."""

from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.kernels import fallback, linear, threads
from heliostat_methods.lutnn.kernels.linear import lut_encode, lut_linear
from heliostat_methods.lutnn.kernels.packing import calibrated_scale, pack

TIMES = settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def random_layer(c, v, k, m, seed, search="float", per_output=True):
    generator = torch.Generator().manual_seed(seed)
    centroids = torch.randn(c, k, v, generator=generator)
    tables = torch.randint(-127, 128, (c, k, m), generator=generator, dtype=torch.int8)
    scale = torch.rand(m, generator=generator) if per_output else 0.37
    bias = torch.randn(m, generator=generator)
    return pack(centroids, tables, scale, bias, search=search, input_scale=0.03)


def random_inputs(n, width, seed):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed))


def assert_same_as_torch(x, packed, kernels):
    x = x.float()
    assert torch.equal(lut_encode(x, packed, using=kernels), fallback.encode(packed, x))
    assert torch.equal(lut_linear(x, packed, using=kernels), fallback.linear(packed, x))


@TIMES
@given(
    n=st.sampled_from((0, 1, 3, 4, 5, 8, 15, 16, 17, 37, 64, 65, 130)), c=st.integers(1, 9),
    v=st.integers(1, 64), k=st.integers(2, 16), m=st.sampled_from((1, 7, 16, 50, 64, 65, 130)),
    seed=st.integers(0, 2**31), search=st.sampled_from(("float", "int8")),
)  # fmt: skip
def test_same_bits_for_every_shape(kernels, n, c, v, k, m, seed, search):
    packed = random_layer(c, v, k, m, seed, search, per_output=seed % 2 == 0)
    assert_same_as_torch(random_inputs(n, c * v, seed), packed, kernels)


odd_numbers = st.sampled_from(
    (0.0, -0.0, 1.0, -2.5, float("nan"), -float("nan"), float("inf"), -float("inf"), 3e38, -3e38,
     1e-40, 1e-20)
)  # fmt: skip


@TIMES
@given(st.lists(odd_numbers, min_size=20, max_size=20), st.integers(2, 16),
       st.sampled_from(("float", "int8")))  # fmt: skip
def test_inputs_that_are_no_numbers_or_huge_have_codes_below_k(kernels, numbers, k, search):
    packed = random_layer(5, 4, k, 33, 1, search)
    x = torch.tensor(numbers).repeat(9, 1)
    x[3:6] = random_inputs(3, 20, 0)
    assert int(lut_encode(x, packed, using=kernels).max()) < k
    assert_same_as_torch(x, packed, kernels)


@pytest.mark.parametrize("search", ["float", "int8"])
def test_the_lowest_index_wins_a_tie(kernels, search):
    centroid = random_inputs(1, 6, 2)
    centroids = torch.stack([-centroid, centroid, centroid], 1).reshape(1, 3, 6)
    tables = torch.zeros(1, 3, 1, dtype=torch.int8)
    packed = pack(centroids, tables, 1.0, search=search, input_scale=0.02)
    x = torch.stack([centroid[0], -centroid[0], torch.zeros(6), torch.full((6,), torch.nan)])
    assert lut_encode(x, packed, using=kernels)[:, 0].tolist()[:3] == [1, 0, 0]
    assert_same_as_torch(x, packed, kernels)


def test_pieces_almost_between_two_centroids_have_the_code_of_torch(kernels):
    generator = torch.Generator().manual_seed(3)
    centroids = torch.randn(8, 16, 9, generator=generator)
    packed = pack(centroids, torch.randint(-127, 128, (8, 16, 4), generator=generator,
                                           dtype=torch.int8), 1.0)  # fmt: skip
    pairs = torch.randint(0, 16, (2, 400, 8), generator=generator)
    near = torch.stack([centroids[torch.arange(8), pair] for pair in pairs]).mean(0)
    near = near * (1 + 1e-6 * torch.randn(400, 8, 1, generator=generator))
    assert_same_as_torch(near.reshape(400, 72), packed, kernels)


def test_sums_of_more_than_256_codebooks_do_not_overflow(kernels):
    codebooks = 700
    tables = torch.full((codebooks, 2, 3), 127, dtype=torch.int8)
    tables[:, :, 1] = -127
    packed = pack(random_inputs(2 * codebooks, 2, 0).reshape(-1, 2, 2), tables, 1.0)
    for n in (1, 40):
        y = lut_linear(random_inputs(n, 2 * codebooks, 1), packed, using=kernels)
        assert y.unique(dim=0).tolist() == [[88900, -88900, 88900]]


@pytest.mark.parametrize("search", ["float", "int8"])
@pytest.mark.parametrize("n", [5, 40, 64, 65, 300])
@pytest.mark.parametrize("lent", [True, False])
def test_any_number_of_threads_gives_the_same_bits(kernels, monkeypatch, search, n, lent):
    monkeypatch.setattr(threads, "LEAST_WORK", 1)
    if not lent:
        monkeypatch.setattr(linear, "parallel", lambda: None)
    packed, x = random_layer(6, 16, 16, 200, 4, search), random_inputs(n, 96, 5)
    expected = fallback.linear(packed, x)
    for count in (1, 2, 3, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        assert torch.equal(lut_linear(x, packed, using=kernels), expected)
        assert torch.equal(lut_encode(x, packed, using=kernels), fallback.encode(packed, x))


def test_many_threads_may_call_at_once(kernels):
    layers = [random_layer(c, 8, 16, 70, c) for c in (3, 9)]
    inputs = [random_inputs(90, layer.in_features, 6) for layer in layers]
    expected = [fallback.linear(*pair) for pair in zip(layers, inputs, strict=True)]
    wrong = []

    def call(which):
        for _ in range(10):
            found = lut_linear(inputs[which], layers[which], using=kernels)
            if not torch.equal(found, expected[which]):
                wrong.append(which)

    callers = [threading.Thread(target=call, args=(i % 2,)) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_are_converted(kernels, dtype):
    packed, x = random_layer(3, 8, 16, 20, 7), random_inputs(20, 24, 8).to(dtype)
    y = lut_linear(x, packed, using=kernels)
    assert torch.equal(y, fallback.linear(packed, x.float()))


def test_strided_inputs_are_taken(kernels):
    packed, wide = random_layer(3, 8, 16, 20, 7), random_inputs(40, 60, 9)
    for x in (wide[::2, 10:34], wide[:24, :20].T, wide[:1, :24].expand(19, 24), wide[3, None, :24]):
        assert torch.equal(lut_linear(x, packed, using=kernels),
                           fallback.linear(packed, x.contiguous()))  # fmt: skip


def test_int8_search_of_inputs_at_centroids_finds_them(kernels):
    generator = torch.Generator().manual_seed(1)
    centroids = 5 * torch.randn(6, 16, 8, generator=generator)
    codes = torch.randint(0, 16, (50, 6), generator=generator)
    x = centroids[torch.arange(6), codes].reshape(50, 48)
    packed = pack(centroids, torch.zeros(6, 16, 1, dtype=torch.int8), 1.0, search="int8",
                  input_scale=calibrated_scale(x))  # fmt: skip
    assert torch.equal(lut_encode(x, packed, using=kernels).long(), codes)
