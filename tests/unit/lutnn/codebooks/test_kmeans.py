"""Centroids by k-means: what holds for any inputs, at any size; what is warned of and refused."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from heliostat_methods.lutnn.codebooks import codes, kmeans
from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.codebooks.kmeans import kmeans_init

FEW = pytest.mark.filterwarnings("ignore:.*fewer than.*distinct")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def error_of(x, centroids):
    """The mean squared distance to the nearest centroid, for each codebook."""
    c, _, v = centroids.shape
    pieces = x.double().reshape(len(x), c, 1, v)
    return (pieces - centroids.double()).square().sum(3).amin(2).mean(0)


def chosen(x, centroids):
    at = nearest_centroids(x, centroids).long()
    return centroids[torch.arange(len(centroids)), at].reshape(x.shape)


@FEW
@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32), rows=st.integers(8, 40), c=st.integers(1, 3), v=st.integers(1, 4),
    k=st.integers(2, 8), values=st.sampled_from([1, 2, 5, 1000]), batch=st.sampled_from([None, 5]),
)  # fmt: skip
def test_centroids_are_finite_inside_of_the_data_and_the_same_again(
    seed, rows, c, v, k, values, batch
):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(values, (rows, c * v), generator=generator).float() / values
    found = kmeans_init(x, c, k, seed, batch_rows=batch)
    assert found.shape == (c, k, v)
    assert found.dtype == torch.float32
    assert bool(torch.isfinite(found).all())
    pieces = x.reshape(rows, c, v)
    assert bool((found <= pieces.amax(0)[:, None] + 1e-6).all())
    assert bool((found >= pieces.amin(0)[:, None] - 1e-6).all())
    assert torch.equal(kmeans_init(x, c, k, seed, batch_rows=batch), found)


def test_another_seed_begins_elsewhere_and_the_global_generator_is_left_alone():
    x = drawn(200, 6)
    before = torch.get_rng_state()
    assert not torch.equal(kmeans_init(x, 2, 8, 0), kmeans_init(x, 2, 8, 1))
    assert torch.equal(torch.get_rng_state(), before)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32), k=st.integers(2, 16), c=st.integers(1, 4), v=st.integers(2, 4),
    repeats=st.integers(1, 4),
)  # fmt: skip
def test_as_many_distinct_pieces_as_centroids_are_found_exactly(seed, k, c, v, repeats):
    generator = torch.Generator().manual_seed(seed)
    # whole numbers, all different, whose sums are exact
    order = torch.stack([torch.randperm(32, generator=generator)[:k] for _ in range(c * v)], dim=1)
    x = order.float().repeat(2**repeats, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = kmeans_init(x, c, k, seed)
    assert not error_of(x, found).any()
    assert torch.equal(chosen(x, found), x)


def test_distinct_pieces_far_from_0_are_found_too():
    """Differences of 1/64 beside a size of 1000: inputs with an offset."""
    x = (1000 + torch.arange(16.0)[:, None] / 64).repeat(4, 1)
    found = kmeans_init(x, 1, 16)
    assert found.flatten().sort().values.tolist() == x[:16, 0].tolist()


@pytest.mark.parametrize("batch", [None, 8])
def test_fewer_distinct_pieces_are_warned_of_and_exact(batch):
    x = torch.tensor([[0.0, 5.0], [1.0, 5.0], [0.0, 6.0], [2.0, 7.0]]).repeat(8, 1)
    message = "2 of 2 codebooks have fewer than 4 distinct pieces, so some centroids repeat; "
    with pytest.warns(UserWarning, match=message) as caught:
        found = kmeans_init(x, 2, 4, batch_rows=batch)
    assert caught[0].filename == __file__
    assert float(error_of(x, found).max()) < 1e-12
    with pytest.warns(UserWarning, match="1 of 2 codebooks have fewer than 4 distinct"):
        kmeans_init(torch.cat([x[:, :1], drawn(32, 1)], dim=1), 2, 4)


def test_all_pieces_equal():
    with pytest.warns(UserWarning, match="1 of 1 codebooks"):
        found = kmeans_init(torch.full((20, 3), 0.1), 1, 16)
    torch.testing.assert_close(found, torch.full((1, 16, 3), 0.1), rtol=1e-6, atol=0)
    with pytest.warns(UserWarning, match="1 of 1 codebooks"):
        assert not kmeans_init(torch.zeros(20, 3), 1, 16).any()


@pytest.mark.parametrize("size", [1e-38, 1e-30, 1e-10, 1e10, 1e30, 1e37])
def test_the_result_scales_with_the_inputs(size):
    x = drawn(300, 6)
    power = 2.0 ** round(math.log2(size))  # exact, so every choice is the same
    found = kmeans_init(x * power, 3, 8)
    torch.testing.assert_close(found / power, kmeans_init(x, 3, 8), rtol=1e-6, atol=1e-6)


def test_codebooks_of_different_sizes_do_not_disturb_each_other():
    x = drawn(200, 4)
    mixed = torch.cat([x[:, :2] * 2.0**90, x[:, 2:] * 2.0**-90], dim=1)
    found = kmeans_init(mixed, 2, 8)
    plain = kmeans_init(x, 2, 8)
    torch.testing.assert_close(found[0] / 2.0**90, plain[0])
    torch.testing.assert_close(found[1] / 2.0**-90, plain[1])


def test_codebooks_in_portions_are_as_good(monkeypatch):
    x = drawn(400, 12)
    whole = error_of(x, kmeans_init(x, 6, 8))
    monkeypatch.setattr(kmeans, "NUMBERS", 2 * 400 * 8)
    found = kmeans_init(x, 6, 8)
    assert found.shape == (6, 8, 2)
    assert bool((error_of(x, found) < 1.25 * whole).all())
    assert codes.NUMBERS != kmeans.NUMBERS


def test_errors_are_those_of_scikit_learn():
    x = drawn(1000, 8)
    found = error_of(x, kmeans_init(x, 2, 16))
    for place in range(2):
        part = x[:, 4 * place : 4 * place + 4].numpy()
        theirs = KMeans(16, n_init=1, random_state=0).fit(part).inertia_ / 1000
        assert float(found[place]) < 1.08 * theirs


def test_rounds_lower_the_error_and_end_at_means_of_clusters():
    x = drawn(500, 3)
    errors = [float(error_of(x, kmeans_init(x, 1, 8, rounds=n))) for n in (0, 1, 3, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1.1 * errors[3]
    found = kmeans_init(x, 1, 8, rounds=100)
    at = nearest_centroids(x, found).flatten().long()
    means = torch.stack([x[at == k].mean(0) for k in range(8)])
    torch.testing.assert_close(found[0], means, rtol=1e-4, atol=1e-4)


def test_batches_of_rows_come_near_to_all_rows():
    x = drawn(2000, 4)
    begun = float(error_of(x, kmeans_init(x, 1, 8, rounds=0)))
    some = float(error_of(x, kmeans_init(x, 1, 8, batch_rows=200)))
    whole = float(error_of(x, kmeans_init(x, 1, 8)))
    assert whole < some < 1.1 * whole
    assert some < begun
    assert torch.equal(kmeans_init(x, 1, 8, batch_rows=2000), kmeans_init(x, 1, 8))


def test_k_means_plus_plus_reaches_far_clusters():
    """16 tight clusters of very different sizes, in every one of ten seeds."""
    centres = torch.arange(16.0)[:, None] * 100
    x = torch.cat([c + 0.01 * drawn(3 if i else 500, 1, seed=i) for i, c in enumerate(centres)])
    for seed in range(10):
        found = kmeans_init(x, 1, 16, seed)[0].flatten().sort().values
        torch.testing.assert_close(found, centres.flatten(), rtol=0, atol=0.05)


def test_a_centroid_that_nothing_is_near_to_moves_to_the_farthest_piece():
    pieces = torch.tensor([[[0.0], [0.1], [0.2], [10.0], [30.0]]])
    centroids = torch.tensor([[[0.1], [500.0], [12.0], [400.0]]])
    counts = torch.tensor([[3.0, 0.0, 2.0, 0.0]])
    found = kmeans._filled(pieces, centroids, counts)
    # from 12 the farthest is 30, then 10
    assert found.flatten().tolist() == pytest.approx([0.1, 30.0, 12.0, 10.0])
    assert centroids[0, 1] == 500
    assert kmeans._filled(pieces, centroids, torch.ones(1, 4)) is centroids
    # and in the rounds themselves: begun at one place, all clusters are found
    x = torch.tensor([0.0, 100.0, 200.0, 300.0]).repeat(5)[None, :, None]
    begun = torch.zeros(1, 4, 1)
    done = kmeans._rounds(x, begun, 25, None, torch.Generator())
    assert done.flatten().sort().values.tolist() == [0.0, 100.0, 200.0, 300.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
def test_inputs_of_other_types_are_taken(dtype):
    x = (drawn(64, 4) * 4).round().to(dtype)
    assert torch.equal(kmeans_init(x, 2, 4), kmeans_init(x.float(), 2, 4))


def test_inputs_are_left_as_they_were_and_strides_do_not_matter():
    x = drawn(128, 8)
    before = x.clone()
    strided = x[::2, ::2]
    found = kmeans_init(strided.requires_grad_(), 2, 4)
    assert torch.equal(x, before)
    assert not found.requires_grad
    assert torch.equal(found, kmeans_init(before[::2, ::2].clone(), 2, 4))


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ((20,), {}, "inputs: shape (20,), expected (N, D)"),
        ((20, 6), {"codebooks": 4}, "codebooks: 4, expected a divisor of the 6 features"),
        ((20, 0), {}, "codebooks: 2, expected a divisor of the 0 features"),
        ((20, 6), {"codebooks": 0}, "codebooks: 0, expected at least 1"),
        ((20, 6), {"clusters": 1}, "clusters: 1, expected at least 2"),
        ((20, 6), {"rounds": -1}, "rounds: -1, expected at least 0"),
        ((20, 6), {"batch_rows": -3}, "batch_rows: -3, expected at least 1"),
        ((20, 6), {"batch_rows": 0}, "batch_rows: 0, expected at least 1"),
        (
            (15, 6),
            {},
            "inputs: 15 rows, expected at least as many as there are clusters, 16",
        ),
    ],
)
def test_what_is_not_so_is_refused(inputs, options, message):
    with pytest.raises(ValueError) as error:
        kmeans_init(drawn(*inputs), **{"codebooks": 2, **options})
    assert str(error.value) == message


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    x = drawn(20, 6)
    x[7, 3] = bad
    with pytest.raises(ValueError, match=r"^inputs: finite numbers are expected"):
        kmeans_init(x, 2, 4)


def test_numbers_beyond_float32_are_refused():
    with pytest.raises(ValueError, match=r"^inputs: finite numbers are expected"):
        kmeans_init(drawn(20, 6).double() * 1e300, 2, 4)
