"""Rates are chosen until the best one lies inside, or no more may be tried."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heliostat_methods.evomal.comparison.protocol import Curves, Plan, choose_rates
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_search.trainings.rates import at_edge, best


@given(st.floats(-4, 4), st.integers(0, 8))
def test_the_best_of_a_bowl_lies_inside_or_the_grid_has_grown_as_far_as_it_may(centre, growths):
    plan = Plan(TrainingConfig(steps=4), 2, (0.1, 0.3, 1.0, 3.0, 10.0), growths, 2)

    def train(wanted):
        return [
            Curves(np.full((2, 5), (math.log10(w.factor) - centre) ** 2), np.empty((2, 5, 0)))
            for w in wanted
        ]

    ((found,),) = choose_rates(plan, 1, 1, train)
    factors = sorted(one.factor for one in found)
    assert len(factors) == len(set(factors)) <= 5 + growths
    if at_edge(found, "at_end"):
        assert len(factors) == 5 + growths
    else:
        assert abs(math.log10(best(found, "at_end").factor) - centre) < 0.3


def test_a_rate_alone_is_taken_as_it_is():
    plan = Plan(TrainingConfig(steps=4), 2, (2.0,), 6, 2)
    assert [[[one.factor for one in row] for row in part]
            for part in choose_rates(plan, 2, 1, lambda wanted: [])] == [[[2.0]]] * 2  # fmt: skip
