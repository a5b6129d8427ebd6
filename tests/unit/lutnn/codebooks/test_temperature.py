"""theta and beta: known values, there and back."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from heliostat_methods.lutnn.codebooks.temperature import beta_of, theta_of


def beta(theta):
    return float(beta_of(torch.tensor(theta, dtype=torch.float64)))


def test_values_of_the_authors():
    assert beta(theta_of(0.065)) == pytest.approx(15.384615384615385, rel=1e-12)
    assert beta(10.0) == pytest.approx(11.0000454, abs=5e-8)
    assert theta_of(0.5) == pytest.approx(math.log(math.e - 1), rel=1e-12)


@given(st.floats(1e-6, 1 - 1e-6))
@example(1 / 21)
@example(math.nextafter(1 / 21, 0))
@example(math.nextafter(1 / 21, 1))
@example(0.999)
@example(1e-300)
def test_a_temperature_comes_back(temperature):
    assert 1 / beta(theta_of(temperature)) == pytest.approx(temperature, rel=1e-9)


@given(st.floats(0.001, 0.998), st.floats(0.0005, 0.001))
def test_a_higher_temperature_has_a_lower_theta(temperature, more):
    assert theta_of(temperature + more) < theta_of(temperature)


@given(st.floats(-700, 1e6))
def test_beta_is_at_least_1_and_has_a_gradient(theta):
    leaf = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    found = beta_of(leaf)
    assert float(found.detach()) >= 1
    found.backward()
    assert 0 < float(leaf.grad) <= 1


@pytest.mark.parametrize("temperature", [0.0, 1.0, -0.5, 1.5, math.nan, math.inf])
def test_temperatures_outside_of_0_to_1_are_refused(temperature):
    with pytest.raises(ValueError) as error:
        theta_of(temperature)
    assert str(error.value) == f"temperature: {temperature!r}, expected a number between 0 and 1"
