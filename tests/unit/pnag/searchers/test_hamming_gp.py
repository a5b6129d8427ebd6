"""The process against the plain formulas in double precision."""

import numpy as np
import pytest

from heliostat_methods.pnag.searchers.hamming_gp import (
    HammingFeatures,
    Hyperparameters,
    Posterior,
    fitted,
)
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import all_architectures, sample

AT = Hyperparameters((0.5, 0.25, 1.0, 0.125), 2.0**-5)


@pytest.fixture
def parts(tiny):
    archs = all_architectures(tiny)
    features = HammingFeatures(tiny)
    return archs, features, features(archs)


def plain_kernel(archs, at):
    """The docstring's formula, by loops; depth, first and second, and the counts of both kinds."""
    depth, first, second, counts = at.weights
    found = np.empty((len(archs),) * 2)
    for i, a in enumerate(archs):
        for j, b in enumerate(archs):
            exponent = depth * (a[0] != b[0]) + first * (a[1] != b[1]) + second * (a[2] != b[2])
            apart = 0.0
            for places, width in (((0,), 2), ((1, 2), 4)):
                for choice in range(width):
                    apart += (sum(a[p] == choice for p in places)
                              - sum(b[p] == choice for p in places)) ** 2  # fmt: skip
            found[i, j] = np.exp(-exponent - counts * apart / 2)
    return found


def test_distances_are_those_of_the_formula(parts):
    archs, features, columns = parts
    exponent = np.tensordot(np.array(AT.weights), features.distances(columns), axes=1)
    assert np.exp(-exponent) == pytest.approx(plain_kernel(archs, AT), abs=1e-6)


def test_blocks_give_the_dense_posterior(parts):
    archs, features, columns = parts
    seen = np.array([0, 3, 5, 8, 9, 14])
    values = np.array([0.3, -1.0, 0.7, 0.1, 1.2, -0.4])
    posterior = Posterior(features, AT, columns)
    posterior.add(columns[seen[:1]])
    posterior.add(columns[seen[1:4]])
    posterior.add(columns[seen[4:]])
    mean, variance = posterior.predict(values)
    kernel = plain_kernel(archs, AT)
    inner = np.linalg.inv(kernel[np.ix_(seen, seen)] + AT.noise * np.eye(len(seen)))
    signal = values @ inner @ values / len(seen)
    covariance = signal * (kernel - kernel[:, seen] @ inner @ kernel[seen])
    assert mean == pytest.approx(kernel[:, seen] @ inner @ values, abs=2e-5)
    assert variance == pytest.approx(np.diag(covariance), abs=2e-5)
    places = np.array([1, 2, 4, 7])
    row = posterior.restricted(places, unit=2.0)(1)
    assert row == pytest.approx(4 * covariance[2, places], abs=2e-4)


def test_the_likelihood_finds_the_decision_that_matters(parts):
    archs, features, columns = parts
    values = np.where(archs[:, 1] >= 2, 1.0, -1.0)
    start = Hyperparameters((0.25,) * features.groups)
    found = fitted(start, features.distances(columns), values, sweeps=3)
    assert found.weights[1] > 4 * max(found.weights[0], found.weights[2])
    assert found.noise < start.noise


def test_decisions_of_a_large_space_share_weights():
    space = OFAMobileNetV3Space()
    features = HammingFeatures(space)
    assert features.groups <= 25
    columns = features(sample(space, 50, np.random.default_rng(0)))
    distances = features.distances(columns)
    assert (distances >= 0).all()
    assert np.abs(np.diagonal(distances, axis1=1, axis2=2)).max() < 1e-9
