import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.fronts.additive import AdditiveFront, exact_additive_front
from heliostat_methods.pnag.spaces.additive import AdditiveSpace, rising_score
from heliostat_methods.pnag.spaces.counting import block_cost, count_of
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.elastic_units import ElasticSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import all_architectures, sample
from heliostat_methods.pnag.spaces.space import KnownSpace
from heliostat_search.pareto import front

SPACE = OFAMobileNetV3Space()
IMAGE = (3, 224, 224)
# Specification 5.6: best (multiply-adds, score) within so many million multiply-adds.
WITHIN = {
    250: (249721104, 8570),
    349: (348122608, 11518),
    451: (450649296, 13325),
    606: (605845872, 14869),
    724: (719367024, 15350),
}


@pytest.fixture(scope="module")
def full() -> AdditiveFront:
    cost, fixed = block_cost(SPACE, IMAGE, 1000)
    return exact_additive_front(SPACE, rising_score, cost, fixed)


def test_the_front_of_the_full_space(full: AdditiveFront) -> None:
    assert len(full) == 613
    assert (full.costs[0], full.scores[0]) == (193078200, 3675)
    assert (full.costs[-1], full.scores[-1]) == (843101040, 15600)
    assert full.costs.dtype == full.scores.dtype == np.int64
    best = {million: full.within(million * 10**6) for million in WITHIN}
    assert {
        million: (full.costs[place], full.scores[place]) for million, place in best.items()
    } == WITHIN
    assert full.within(193078199) is None
    assert full.within(193078200) == 0


def test_the_integer_hypervolume_of_the_full_space(full: AdditiveFront) -> None:
    steps = zip(full.costs.tolist(), np.diff(full.scores, prepend=0).tolist(), strict=True)
    assert sum((850_000_000 - cost) * step for cost, step in steps) == 8630965485344


def test_every_point_comes_with_an_architecture_that_has_it(full: AdditiveFront) -> None:
    assert np.array_equal(SPACE.canonical(full.archs), full.archs)
    assert np.all(SPACE.valid(full.archs))
    assert np.array_equal(count_of(SPACE, full.archs, IMAGE, 1000)[0], full.costs)
    for arch, score in list(zip(full.archs, full.scores, strict=True))[::61]:
        layers = [
            rising_score(unit, slot, kernel, expand)
            for unit, blocks in enumerate(SPACE.blocks(arch))
            for slot, (kernel, expand) in enumerate(blocks)
        ]
        assert sum(layers) == score


@st.composite
def problems(draw: st.DrawFn) -> tuple[ElasticConvSpace, np.ndarray, np.ndarray, float]:
    """A small space with any score and cost of its layers, whole or not."""
    units = draw(st.integers(1, 2))
    some = {"min_size": 1, "max_size": 2, "unique": True}
    depths = tuple(sorted(draw(st.lists(st.integers(1, 3), **some))))
    space = ElasticConvSpace(
        widths=(8,) * units,
        strides=(1,) * units,
        depths=depths,
        kernels=tuple(sorted(draw(st.lists(st.sampled_from([3, 5, 7]), **some)))),
        expands=tuple(sorted(draw(st.lists(st.integers(1, 6), **some)))),
    )
    shape = (units, depths[-1], len(space.kernels), len(space.expands))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    largest = draw(st.sampled_from([2, 9, 1000]))
    # Eighths are exact in binary, so that sums do not depend on their order.
    scale = draw(st.sampled_from([1, 0.125]))
    scores, costs = (rng.integers(-largest, largest + 1, shape) * scale for _ in range(2))
    return space, scores, costs, draw(st.sampled_from([0, 7, 0.5]))


@given(problems())
@settings(deadline=None, max_examples=80)
def test_it_is_the_front_of_all_architectures_listed(
    problem: tuple[ElasticConvSpace, np.ndarray, np.ndarray, float],
) -> None:
    space, scores, costs, fixed = problem
    elastic = space.elastic

    def of(table: np.ndarray) -> object:
        return lambda unit, slot, kernel, expand: table[
            unit, slot, elastic.kernels.index(kernel), elastic.expands.index(expand)
        ].item()

    exact = exact_additive_front(space, of(scores), of(costs), fixed)
    archs = all_architectures(space)
    points = np.stack([elastic.sums(archs, costs) + fixed, -elastic.sums(archs, scores)], axis=1)
    wanted = np.unique(points[front(points)], axis=0)
    assert np.array_equal(np.stack([exact.costs, -exact.scores], axis=1), wanted)
    assert np.array_equal(elastic.sums(exact.archs, costs) + fixed, exact.costs)
    assert np.array_equal(elastic.sums(exact.archs, scores), exact.scores)
    assert np.array_equal(space.canonical(exact.archs), exact.archs)


def test_integers_beyond_64_bits_and_numbers_that_are_none_are_refused() -> None:
    space = ElasticConvSpace()
    with pytest.raises(ConfigError, match=r"cost = .*expected integers with sums below 2\*\*62"):
        exact_additive_front(space, lambda *_: 1, lambda *_: 2**60)
    with pytest.raises(ConfigError, match=r"score = nan: expected a finite number for every layer"):
        exact_additive_front(space, lambda *_: float("nan"), lambda *_: 1)
    with pytest.raises(ConfigError, match=r"fixed = inf: expected a finite cost"):
        exact_additive_front(space, lambda *_: 1, lambda *_: 1, float("inf"))


@pytest.mark.parametrize("seed", [None, 5])
def test_the_additive_space_knows_its_front(seed: int | None) -> None:
    space = AdditiveSpace(seed=seed)
    assert isinstance(space, KnownSpace)
    assert isinstance(space, ElasticSpace)
    assert space.everything() is None
    known = space.front()
    accuracy, cost = space.look_up(known.archs)
    assert np.array_equal(accuracy, known.scores)
    assert np.array_equal(cost, known.costs)
    assert known.scores[-1] == 1
    others, costs = space.look_up(sample(space, 300, np.random.default_rng(0)))
    best = known.scores[np.searchsorted(known.costs, costs, side="right") - 1]
    assert np.all((others > 0) & (others <= best))


def test_rows_that_are_no_architecture_have_no_score() -> None:
    space = AdditiveSpace()
    row = space.elastic.largest[None].copy()
    for place, value in ((0, 3), (0, -1), (1, -1), (2, 3)):
        bad = row.copy()
        bad[0, place] = value
        with pytest.raises(ConfigError, match=r"architecture = .*places among the choices"):
            space.look_up(bad)
