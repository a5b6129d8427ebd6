import numpy as np
import pytest

from heliostat_methods.pnag.searchers.evolutionary import (
    BudgetBreeder,
    Evolution,
    feasible_first,
    joined,
)
from heliostat_methods.pnag.searchers.nsga2 import crowding, survivors
from heliostat_methods.pnag.searchers.rewarded import rewarding
from heliostat_methods.pnag.searchers.searcher import Known

# the specification's 5.2: five architectures
FIVE = Known(
    np.arange(5, dtype=np.int16)[:, None],
    np.array([0.70, 0.72, 0.75, 0.78, 0.80]),
    np.array([50.0, 80.0, 110.0, 140.0, 170.0]),
)


@pytest.mark.parametrize(
    ("budget", "order"),
    [(60, [0, 1, 2, 3, 4]), (110, [2, 1, 0, 3, 4]), (200, [4, 3, 2, 1, 0])],
)
def test_what_fits_comes_first_and_then_the_cheaper(budget, order):
    assert feasible_first(FIVE, budget).tolist() == order


def test_rewards_are_the_specifications():
    # 5.3: A = .78, B = 110; C = 120 is worth 0.7753 and C = 100 0.7852 by MnasNet
    pair = Known(FIVE.archs[:2], np.full(2, 0.78), np.array([120.0, 100.0]))
    assert rewarding("mnasnet", -0.07)(pair, 110.0).tolist() == [1, 0]
    assert rewarding("tunas", -0.07)(pair, 110.0).tolist() == [0, 1]


def test_costs_known_beforehand_keep_children_within_the_budget(tiny, worth, streams):
    breeder = BudgetBreeder(
        tiny, Evolution(8), 0.005, feasible_first, lambda archs: worth(archs)[1],
        streams(0)("evolution"), 8,
    )  # fmt: skip
    generation = breeder.first()
    for _ in range(3):
        assert (worth(generation)[1] <= 0.005).all()
        generation = breeder.breed(Known(generation, *worth(generation)))


def test_joining_keeps_each_architecture_once():
    again = Known(FIVE.archs[[4, 2, 2]], FIVE.accuracy[[4, 2, 2]], FIVE.cost[[4, 2, 2]])
    first = Known(FIVE.archs[:3], FIVE.accuracy[:3], FIVE.cost[:3])
    assert joined(first, again).archs.ravel().tolist() == [0, 1, 2, 4]


def test_survivors_are_the_front_by_room_and_then_the_next_front():
    points = np.array([[0, 4], [1, 2], [1.5, 1.9], [4, 0], [3, 3], [5, 5]], float)
    # crowding of the inner two: (1.5 / 4 + 2.1 / 4) and (3 / 4 + 2 / 4)
    assert crowding(points[:4]) == pytest.approx([np.inf, 0.9, 1.25, np.inf])
    assert survivors(points, 6).tolist() == [0, 3, 2, 1, 4, 5]
    assert survivors(points, 3).tolist() == [0, 3, 2]
