"""Drawn numbers, and rows whose nearest centroids no rounding can part."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def is_clear(rows, centroids):
    """Whether the nearest centroids of rows are nearer than others by more than 2^-17."""
    c, _, v = centroids.shape
    pieces = rows.detach().double().reshape(len(rows), c, 1, v)
    centroids = centroids.detach().double()
    best = (pieces - centroids).square().sum(3).topk(2, largest=False).values
    size = centroids.square().sum(2).amax(1) + pieces.square().sum(3)[:, :, 0]
    return ((best[:, :, 1] - best[:, :, 0]) > size * 2.0**-17).all(1)


def assert_alike(found, expected, clear, dim=0, rtol=1e-5, atol=1e-5):
    """Outputs of clear rows, along a dimension, are equal; and nearly all rows are clear."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert float(clear.double().mean()) > 0.9
    at = clear.nonzero()[:, 0]
    torch.testing.assert_close(
        found.index_select(dim, at), expected.index_select(dim, at), rtol=rtol, atol=atol
    )


@pytest.fixture(scope="session")
def made():
    """What draws numbers, and compares where codes are clear."""
    return SimpleNamespace(drawn=drawn, is_clear=is_clear, assert_alike=assert_alike)
