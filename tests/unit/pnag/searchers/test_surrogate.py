import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.pnag.searchers.additive_cost import additive_log_cost, additive_weights
from heliostat_methods.pnag.searchers.hamming_gp import HammingFeatures
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.random_search import RandomSearch
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.searchers.surrogate import Means, Surrogate, compressed
from heliostat_methods.pnag.searchers.surrogate_front import SurrogateFront
from heliostat_methods.pnag.searchers.unique import search
from heliostat_methods.pnag.spaces.additive import AdditiveSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import all_architectures, sample
from heliostat_search.pareto import hypervolume


def told(space, archs, worth):
    memory = Memory(space)
    memory.tell(Known(memory.ask(archs), *worth(archs)))
    return memory


def test_multiply_adds_are_learned_from_few_networks():
    space = OFAMobileNetV3Space()
    rng = np.random.default_rng(0)
    features = HammingFeatures(space)
    known, other = sample(space, 150, rng), sample(space, 50, rng)
    cost = np.array([float(space.madds(arch)) for arch in known])
    true = np.array([float(space.madds(arch)) for arch in other])
    weights = additive_weights(features(known), cost)
    assert (weights >= 0).all()
    found = 10 ** additive_log_cost(features(other), weights, cost)
    assert np.abs(found / true - 1).mean() < 0.05


def test_costs_known_beforehand_are_not_learned(tiny, worth):
    archs = all_architectures(tiny)
    memory = told(tiny, archs[::2], worth)
    cost, error, points = Surrogate(tiny, lambda asked: worth(asked)[1]).predict(memory, archs)
    assert (cost.deviation == 0).all()
    assert cost.mean[::2] == pytest.approx(points[:, 0])
    assert (error.deviation > 0).all()


def test_predictions_meet_what_is_known_and_doubt_what_is_not(tiny, worth):
    archs = all_architectures(tiny)
    memory = told(tiny, archs[::2], worth)
    cost, error, points = Surrogate(tiny).predict(memory, archs)
    assert cost.mean[::2] == pytest.approx(points[:, 0], abs=0.4)
    assert error.deviation[1::2].mean() > error.deviation[::2].mean()
    means = Means(tiny, memory, None)
    assert ((means.accuracy(archs) >= 0) & (means.accuracy(archs) <= 1)).all()
    assert (means.cost(archs) > 0).all()


@given(
    st.integers(1, 20).flatmap(
        lambda n: arrays(np.float64, (n, 2), elements=st.floats(0, 1, width=32).map(float))
    )
)
def test_compression_keeps_the_order_and_the_front(points):
    found = compressed(points)
    order = np.argsort(points[:, 1], kind="stable")
    assert (np.diff(found[order]) >= -1e-12).all()
    assert np.isfinite(found).all()
    best = points[:, 1] <= points[np.lexsort((points[:, 1], points[:, 0]))[0], 1]
    assert found[best] == pytest.approx(points[best, 1])


@pytest.mark.parametrize("acquisition", ["improvement", "front"])
def test_a_huge_space_is_searched_better_than_at_random(streams, acquisition):
    space = AdditiveSpace()

    def found(recipe):
        searcher = recipe.start(space, 50, streams(0))
        searched = search(searcher, space, space.look_up, 50, streams(0)("stalled"))
        accuracy, cost = searched.known.accuracy, searched.known.cost
        return hypervolume(np.stack([np.log10(cost), 1 - accuracy], axis=1), (8.93, 1.0))

    model = SurrogateFront(20, 10, drawn=400, acquisition=acquisition)
    assert found(model) > 1.02 * found(RandomSearch())
