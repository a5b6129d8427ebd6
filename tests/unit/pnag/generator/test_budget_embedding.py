"""Budgets between knots: specification 5.4, ends, nearest knots, knots that move."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from heliostat.errors import ConfigError
from heliostat_methods.pnag.generator.budget_embedding import BudgetEmbedding, draw_budgets

KNOTS = (80, 110, 140)


def embedding(**options):
    made = BudgetEmbedding(KNOTS, 2, np.random.default_rng(0), **options)
    with torch.no_grad():
        made.vectors.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]))
    return made


# Specification 5.4.
@pytest.mark.parametrize(
    ("budget", "vector"),
    [(80, (1, 0)), (95, (0.5, 0.5)), (110, (0, 1)), (130, (4 / 3, 5 / 3)), (140, (2, 2))],
)
def test_interpolation_of_the_specification(budget, vector):
    assert_allclose(embedding()(budget).detach().numpy(), [vector], rtol=1e-6)


@pytest.mark.parametrize(("budget", "knot"), [(80, 0), (95, 0), (95.1, 1), (125, 1), (140, 2)])
def test_nearest_knot_takes_the_cheaper_of_two_equally_near(budget, knot):
    assert_array_equal(embedding(interpolation="nearest").weights(budget)[0], np.eye(3)[knot])


@pytest.mark.parametrize("budget", [79.9, 141.5, np.nan, np.inf])
def test_budget_outside_the_knots_is_named_with_their_range(budget):
    with pytest.raises(ConfigError, match=rf"budget = {budget}: expected .* from 80 to 140.*clamp"):
        embedding()([100, budget])


def test_clamping_takes_the_end_but_no_number_that_is_none():
    clamped = embedding(extrapolate="clamp")
    assert_array_equal(clamped.weights([1, 1e9]), [[1, 0, 0], [0, 0, 1]])
    with pytest.raises(ConfigError, match="budget = nan"):
        clamped(np.nan)


@pytest.mark.parametrize(
    "knots", [(1,), (), (1, 1), (2, 1), (1, np.nan), (1, np.inf), (0, 1), (-1, 1), ((1, 2),)]
)
def test_unusable_knots_are_named(knots):
    with pytest.raises(ConfigError, match=r"knots = .*: expected two or more budgets above 0"):
        BudgetEmbedding(knots, 2, np.random.default_rng(0))


@pytest.mark.parametrize(("field", "value"), [("extrapolate", "clam"), ("interpolation", "line")])
def test_unknown_options_name_the_nearest(field, value):
    with pytest.raises(ConfigError, match=rf"{field} = '{value}'.*did you mean"):
        embedding(**{field: value})


increasing = st.lists(
    st.floats(1e-300, 1e300), min_size=2, max_size=8, unique=True
).map(sorted)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(increasing, st.floats(0, 1), st.sampled_from(["linear", "nearest"]))
def test_weights_are_a_mean_of_two_neighbours_that_gives_the_budget(knots, place, interpolation):
    made = BudgetEmbedding(knots, 1, np.random.default_rng(0), interpolation=interpolation)
    budget = min(max(knots[0] + place * (knots[-1] - knots[0]), knots[0]), knots[-1])
    weights = made.weights(budget)[0]
    assert np.all(weights >= 0) and weights.sum() == pytest.approx(1)
    used = np.flatnonzero(weights)
    assert used[-1] - used[0] <= 1
    if interpolation == "linear":
        span = knots[used[0] + 1] - knots[used[0]] if used[0] + 1 < len(knots) else 0
        assert weights @ np.array(knots) == pytest.approx(budget, rel=1e-12, abs=1e-12 * span)


def test_moved_knots_keep_what_was_learnt():
    made = embedding()
    made.move([90, 125, 300])
    assert_allclose(made.vectors.detach().numpy(), [[2 / 3, 1 / 3], [1, 1.5], [2, 2]], rtol=1e-6)
    assert_array_equal(made.knots, [90, 125, 300])
    with pytest.raises(ConfigError, match=r"knots = .*: expected 3 knots, as before"):
        made.move([90, 125])


def test_knots_travel_with_the_state():
    other = BudgetEmbedding((1, 2, 3), 2, np.random.default_rng(1))
    other.load_state_dict(embedding().state_dict())
    assert_array_equal(other.knots, KNOTS)
    assert torch.equal(other(123.0), embedding()(123.0))


def test_drawn_budgets_fill_all_gaps_alike_or_are_knots():
    rng = np.random.default_rng(0)
    knots = np.array([1.0, 10.0, 1000.0])
    drawn = draw_budgets(knots, 4000, rng)
    assert drawn.min() >= 1 and drawn.max() <= 1000
    # Half in each gap: 5 standard deviations of a binomial of 4,000 are 158.
    assert abs((drawn < 10).sum() - 2000) < 158
    assert set(draw_budgets(knots, 200, rng, "knots")) == set(knots)
    with pytest.raises(ConfigError, match=r"draw = 'knot'.*did you mean 'knots'"):
        draw_budgets(knots, 1, rng, "knot")
