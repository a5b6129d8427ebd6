"""Which centroid is nearest: ties, numbers that are none, shapes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.codebooks.codes import nearest_centroids

ODD = [0.0, 1.0, -2.0, 1e30, -1e38, math.inf, -math.inf, math.nan]


def test_the_lowest_index_wins_a_tie():
    centroids = torch.tensor([[[1.0], [-1.0], [1.0], [5.0]], [[9.0], [2.0], [2.0], [2.0]]])
    x = torch.tensor([[0.0, 2.0], [1.0, 100.0], [3.0, 5.5], [-1.0, 6.0]])
    assert nearest_centroids(x, centroids).tolist() == [[0, 1], [0, 0], [0, 0], [1, 0]]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), n=st.integers(0, 8), c=st.integers(1, 4), k=st.integers(1, 20),
    v=st.integers(1, 5),
)  # fmt: skip
def test_codes_have_the_smallest_distance(seed, n, c, k, v):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, c * v, generator=generator, dtype=torch.float64)
    centroids = torch.randn(c, k, v, generator=generator, dtype=torch.float64)
    distances = (x.reshape(n, c, 1, v) - centroids).square().sum(3)
    codes = nearest_centroids(x, centroids)
    assert codes.shape == (n, c)
    assert codes.dtype == torch.uint8
    found = distances.gather(2, codes.long()[:, :, None])[:, :, 0]
    torch.testing.assert_close(found, distances.amin(2), rtol=1e-9, atol=1e-12)


def test_the_last_of_256_centroids_has_a_code():
    centroids = torch.arange(256.0).reshape(1, 256, 1)
    x = torch.tensor([[0.1], [254.8], [127.9], [255.0]])
    assert nearest_centroids(x, centroids).flatten().tolist() == [0, 255, 128, 255]


@settings(max_examples=60, deadline=None)
@given(
    row=st.lists(st.sampled_from(ODD), min_size=4, max_size=4),
    centroids=st.lists(st.sampled_from([0.0, 1.0, -2.0, 1e30]), min_size=12, max_size=12),
)
def test_every_input_has_codes_in_range(row, centroids):
    codes = nearest_centroids(torch.tensor([row]), torch.tensor(centroids).reshape(2, 3, 2))
    assert codes.shape == (1, 2)
    assert int(codes.max()) < 3


def test_a_distance_that_is_none_counts_as_infinite():
    """So the lowest index wins among distances without an end, as in the compiled kernel."""
    centroids = torch.tensor([[[0.0], [-1.0], [-2.0]]])
    assert nearest_centroids(torch.tensor([[math.nan]]), centroids).item() == 0
    assert nearest_centroids(torch.tensor([[math.inf]]), centroids).item() == 0
    assert nearest_centroids(torch.tensor([[-math.inf]]), centroids).item() == 1


def test_inputs_of_any_stride_are_taken_and_have_no_gradient():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 12, generator=generator)
    centroids = torch.randn(3, 4, 2, generator=generator)
    strided = x[::2, ::2].requires_grad_()
    codes = nearest_centroids(strided, centroids.requires_grad_())
    assert torch.equal(codes, nearest_centroids(x[::2, ::2].clone(), centroids))
    assert codes.is_contiguous()
    assert not codes.requires_grad


@pytest.mark.parametrize(
    ("x", "centroids", "message"),
    [
        (
            torch.ones(3, 7),
            torch.ones(2, 4, 3),
            "x: shape (3, 7), expected (N, 6): 2 codebooks of length 3",
        ),
        (
            torch.ones(6),
            torch.ones(2, 4, 3),
            "x: shape (6,), expected (N, 6): 2 codebooks of length 3",
        ),
        (
            torch.ones(3, 6, dtype=torch.int64),
            torch.ones(2, 4, 3),
            "x: torch.int64, expected a floating-point type",
        ),
        (torch.ones(3, 6), torch.ones(4, 3), "centroids: shape (4, 3), expected (C, K, V)"),
        (torch.ones(3, 6), torch.ones(2, 0, 3), "centroids: shape (2, 0, 3), expected (C, K, V)"),
        (
            torch.ones(3, 6),
            torch.ones(2, 257, 3),
            "centroids: K = 257 of a codebook, expected at most 256",
        ),
    ],
)
def test_what_does_not_fit_is_refused(x, centroids, message):
    with pytest.raises(ValueError) as error:
        nearest_centroids(x, centroids)
    assert str(error.value) == message
