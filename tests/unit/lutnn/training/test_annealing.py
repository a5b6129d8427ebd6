"""Temperatures by a schedule."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.lutnn.codebooks.temperature import theta_of
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.training.annealing import annealed, set_temperature


def test_from_1_to_a_tenth_geometrically():
    assert annealed(0.0) == 0.999  # 1 itself would need theta = -infinity
    assert annealed(0.5) == pytest.approx(math.sqrt(0.1))
    assert annealed(1.0) == pytest.approx(0.1)
    assert annealed(0.25, 0.5, 0.02) == pytest.approx(0.5**0.75 * 0.02**0.25)


@given(st.floats(0, 1), st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_temperatures_are_between_the_ends_and_have_a_theta(progress, start, end):
    found = annealed(progress, start, end)
    low, high = sorted((start, end))
    assert min(low, 0.999) * (1 - 1e-9) <= found <= high * (1 + 1e-9)
    theta_of(found)


@given(st.floats(0, 0.99), st.floats(0.001, 0.01))
def test_temperatures_fall(progress, more):
    assert annealed(progress + more) <= annealed(progress)


@pytest.mark.parametrize("progress", [-0.1, 1.1, math.nan])
def test_progress_outside_of_0_to_1_is_refused(progress):
    with pytest.raises(ValueError) as error:
        annealed(progress)
    assert str(error.value) == f"progress: {progress!r}, expected a share between 0 and 1"


def test_all_layers_are_given_one_temperature():
    net = nn.Sequential(LutLinear(16, 16), nn.Linear(16, 16), nn.Sequential(LutLinear(16, 16)))
    before = net[1].weight.clone()
    set_temperature(net, 0.3)
    assert net[0].temperature == pytest.approx(0.3)
    assert net[2][0].temperature == pytest.approx(0.3)
    assert torch.equal(net[1].weight, before)
    assert net[0].theta.requires_grad
    with pytest.raises(ValueError, match=r"^temperature: 1\.0, expected a number between 0 and 1$"):
        set_temperature(net, 1.0)
    assert net[0].temperature == pytest.approx(0.3)
