from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.elastic_units import ElasticUnits
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import (
    absent_marked,
    active,
    all_architectures,
    count,
    crossover,
    distinct,
    mutate,
    neighbours,
    row_keys,
    sample,
    sample_distinct,
    within,
)
from heliostat_methods.pnag.spaces.space import Decision

SMALL = ElasticConvSpace()
LARGE = OFAMobileNetV3Space()
RATES = st.sampled_from([0.0, 0.1, 0.5, 1.0])
SEEDS = st.integers(0, 2**32)


@st.composite
def trees(draw: st.DrawFn) -> tuple[Decision, ...]:
    """Any decisions: each with a parent before it, or none."""
    made: list[Decision] = []
    for place in range(draw(st.integers(1, 6))):
        choices = tuple(range(draw(st.integers(1, 3))))
        parent = draw(st.none() | st.integers(0, place - 1)) if place else None
        least = 0 if parent is None else draw(st.integers(0, len(made[parent].choices)))
        made.append(Decision(f"d{place}", "any", choices, parent, least))
    return tuple(made)


def all_rows(decisions: tuple[Decision, ...]) -> np.ndarray:
    return np.array(list(product(*(range(len(each.choices)) for each in decisions))))


@given(trees())
@settings(deadline=None)
def test_the_count_is_that_of_different_marked_rows(decisions: tuple[Decision, ...]) -> None:
    assert count(decisions) == len(np.unique(absent_marked(decisions, all_rows(decisions)), axis=0))


@given(trees())
@settings(deadline=None)
def test_a_decision_exists_where_its_parent_does_and_chose_enough(
    decisions: tuple[Decision, ...],
) -> None:
    def exists(row: list[int], place: int) -> bool:
        parent = decisions[place].parent
        if parent is None:
            return True
        return exists(row, parent) and row[parent] >= decisions[place].least

    rows = all_rows(decisions)
    wanted = [[exists(row, place) for place in range(len(row))] for row in rows.tolist()]
    assert active(decisions, rows).tolist() == wanted
    assert np.array_equal(active(decisions, absent_marked(decisions, rows)), wanted)


def test_what_stands_at_decisions_that_do_not_exist_is_not_looked_at() -> None:
    row = SMALL.elastic.smallest[None].copy()
    row[0, 3] = 77
    assert within(SMALL.decisions, row).tolist() == [True]
    assert np.array_equal(SMALL.canonical(row)[0], SMALL.elastic.smallest)
    row[0, 1] = 77
    assert SMALL.valid(row).tolist() == [False]
    assert np.array_equal(SMALL.canonical(row), row)


def test_every_network_is_listed_once() -> None:
    everything = all_architectures(SMALL)
    assert len(everything) == len(set(row_keys(everything))) == SMALL.size == 8_000
    with pytest.raises(ConfigError, match=r"ofa_mobilenet_v3.*at most 200,000 architectures"):
        all_architectures(LARGE)


@given(SEEDS, RATES)
@settings(deadline=None, max_examples=30)
def test_moves_give_canonical_architectures_and_equal_streams_give_equal_ones(
    seed: int, rate: float
) -> None:
    def moved() -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        a, b = sample(LARGE, 20, rng), sample(LARGE, 20, rng)
        return [a, mutate(LARGE, a, rate, rng), crossover(LARGE, a, b, rng)]

    for archs, again in zip(moved(), moved(), strict=True):
        assert np.array_equal(archs, again)
        assert np.all(LARGE.valid(archs))
        assert np.array_equal(LARGE.canonical(archs), archs)


def test_decisions_are_drawn_uniformly() -> None:
    archs = sample(LARGE, 6_000, np.random.default_rng(0))
    depths = np.bincount(archs[:, 0], minlength=3)
    kernels = np.bincount(archs[:, 2], minlength=3)
    assert np.all(np.abs(depths - 2_000) < 5 * np.sqrt(6_000 * 2 / 9))
    assert np.all(np.abs(kernels - 2_000) < 5 * np.sqrt(6_000 * 2 / 9))


def test_mutation_changes_each_decision_at_its_rate() -> None:
    rng = np.random.default_rng(1)
    archs = sample(LARGE, 4_000, rng)
    assert np.array_equal(mutate(LARGE, archs, 0.0, rng), archs)
    assert np.all(mutate(LARGE, archs, 1.0, rng)[:, 0] != archs[:, 0])
    share = np.mean(mutate(LARGE, archs, 0.1, rng)[:, :3] != archs[:, :3])
    assert abs(share - 0.1) < 5 * np.sqrt(0.09 / 12_000)


def test_layers_that_exist_only_by_a_mutation_are_drawn() -> None:
    parents = np.repeat(SMALL.elastic.smallest[None], 400, axis=0)
    grown = mutate(SMALL, parents, 1.0, np.random.default_rng(2))
    assert np.unique(grown[:, 3:5], axis=0).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_child_has_every_decision_from_a_parent() -> None:
    rng = np.random.default_rng(3)
    a, b = sample(LARGE, 300, rng), sample(LARGE, 300, rng)
    child = crossover(LARGE, a, b, rng)
    in_a_parent = (child == a) | (child == b)
    assert np.all(in_a_parent | (child == -1))
    assert 0.4 < np.mean((child == a)[a != b]) < 0.6
    # A layer that one parent alone has is that parent's, wherever the child has it.
    alone = (a == -1) & (b != -1) & (child != -1)
    assert np.array_equal(child[alone], b[alone])


def test_neighbours_are_one_decision_away_and_neighbours_of_each_other() -> None:
    arch = SMALL.read("1,2,1:3,0,3,5,3,0:2,0,4,4,2,0")
    found = neighbours(SMALL, arch)
    # Two units of depth 1: kernel, expand, and 4 ways to a second layer; one of depth 2: 5.
    assert len(found) == 2 * (2 + 4) + 5
    assert np.all(SMALL.valid(found))
    for each in found:
        assert arch.tobytes() in row_keys(neighbours(SMALL, each))


def test_the_neighbours_of_the_smallest_of_the_full_space() -> None:
    # A unit of depth 2: 2 x 2 x 2 for the layers, 9 for a third layer, 81 for two more.
    assert len(neighbours(LARGE, LARGE.elastic.smallest)) == 5 * (8 + 9 + 81)


def test_a_space_is_drawn_to_its_end_without_repetition() -> None:
    everything = sample_distinct(SMALL, 9_000, np.random.default_rng(4))
    assert len(set(row_keys(everything))) == len(everything) == 8_000
    known = set(row_keys(everything[5:]))
    left = sample_distinct(SMALL, 3, np.random.default_rng(5), known)
    assert set(row_keys(left)) <= set(row_keys(everything[:5]))
    assert len(left) == 3
    assert len(sample_distinct(SMALL, 4, np.random.default_rng(6), set(row_keys(everything)))) == 0


def test_repetitions_are_left_out_in_the_order_of_first_appearance() -> None:
    archs = np.array([[1, 2], [0, 1], [1, 2], [0, 1], [3, 0]], dtype=np.int16)
    assert distinct(archs).tolist() == [[1, 2], [0, 1], [3, 0]]


class Nothing(ElasticConvSpace):
    def valid(self, choices: np.ndarray) -> np.ndarray:
        return np.zeros(len(choices), dtype=np.bool_)


def test_a_space_without_architectures_is_told() -> None:
    with pytest.raises(ConfigError, match=r"space = 'elastic_conv.*more than 0 valid"):
        sample(Nothing(), 3, np.random.default_rng(0))


def test_bad_arguments_are_named() -> None:
    rng = np.random.default_rng(0)
    archs = sample(SMALL, 3, rng)
    with pytest.raises(ConfigError, match=r"mutation_rate = 1\.5: expected a probability"):
        mutate(SMALL, archs, 1.5, rng)
    with pytest.raises(ConfigError, match=r"b = \(2, 15\): expected as many architectures"):
        crossover(SMALL, archs, archs[:2], rng)


def test_the_units_alone_are_decisions_too() -> None:
    elastic = ElasticUnits(units=2, depths=(1, 3), kernels=(3, "bridge"), expands=(6,))
    assert elastic.size == count(elastic.decisions) == (2 + 2**3) ** 2
