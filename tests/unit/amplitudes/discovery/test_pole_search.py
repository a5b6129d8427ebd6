import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.discovery.pole_search import pole_score, search_poles
from heliostat_methods.amplitudes.discovery.settings import SearchSettings
from heliostat_methods.amplitudes.reconstruction.invariants import (
    pair_propagators,
    planar_propagators,
)


def stream(seed=0):
    return np.random.default_rng(seed)


def named(theory, *arguments):
    return lambda point: amplitude(theory, point, *arguments)


def found(target, n, candidates, seed=0):
    rng = stream(seed)
    score = pole_score(target, n, candidates, rng)
    return search_poles(score.score_many, candidates, rng)


@pytest.mark.parametrize(
    ("n", "target", "poles"),
    [
        (4, named("bas"), planar_propagators(4)),
        (5, named("bas"), planar_propagators(5)),
        (5, named("bas", (None, (0, 3, 2, 1, 4))), ["s_{1,2,3}", "s_{1,2}", "s_{2,3}"]),
        (5, named("ym"), planar_propagators(5)),
        (4, named("nlsm"), []),
        (4, lambda point: amplitude("yms", point, scalars=((0, 1), (2, 3))), ["s_{0,1}"]),
    ],
)
def test_poles_are_found_among_all_pairs(n, target, poles):
    result = found(target, n, pair_propagators(n))
    assert sorted(result.powers) == sorted(poles)
    assert set(result.powers.values()) <= {1}
    assert result.residual_rank == 0 and result.irreducible


def test_pions_have_poles_of_three_legs_alone():
    result = found(named("nlsm"), 6, planar_propagators(6))
    assert sorted(result.powers) == ["s_{0,1,2}", "s_{1,2,3}", "s_{2,3,4}"]


def test_powers_of_poles_are_found():
    def squared(point):
        return amplitude("bas", point) ** 2

    result = found(squared, 4, pair_propagators(4))
    assert str(result) == "s_{0,1}^2 s_{1,2}^2"


def test_candidates_without_the_poles_end_in_a_residual_rank():
    result = found(named("bas"), 5, planar_propagators(5)[:3])
    assert result.residual_rank == 2 and not result.irreducible


@given(st.lists(st.integers(0, 2), min_size=10, max_size=10))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_the_residual_rank_counts_missing_poles(powers):
    candidates = pair_propagators(5)
    planar = [name in planar_propagators(5) for name in candidates]
    missing = sum(need and not power for need, power in zip(planar, powers, strict=True))
    assert SCORE.residual_rank(powers) == missing
    assert SCORE.score(powers) == missing + SCORE.size_weight * sum(powers)


SCORE = pole_score(named("bas"), 5, pair_propagators(5), stream())


def test_equal_streams_give_equal_searches_and_scoring_gets_plain_lists():
    asked = []

    def evaluate_many(items):
        asked.append(items)
        return SCORE.score_many(items)

    candidates = pair_propagators(5)
    results = [search_poles(evaluate_many, candidates, stream(4)) for _ in range(2)]
    assert results[0] == results[1]
    assert asked[: len(asked) // 2] == asked[len(asked) // 2 :]
    assert all(type(one) is list and all(type(x) is int for x in one)
               for items in asked for one in items)  # fmt: skip
    assert sum(map(len, asked)) == 2 * results[0].evaluations


def test_scores_that_are_not_numbers_lose_and_wrong_counts_are_named():
    with pytest.raises(ValueError, match="evaluate_many: 0 scores, expected one for each of"):
        search_poles(lambda items: [], ["s_{0,1}"], stream())
    with pytest.raises(ValueError, match="evaluate_many: inf for the best candidate"):
        search_poles(lambda items: [float("nan")] * len(items), ["s_{0,1}"], stream())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"candidates": []}, "candidates: none, expected at least one"),
        ({"candidates": ["s_{0,1}"] * 2}, r"candidates\[1\]: 's_\{0,1\}' a second time"),
        ({"candidates": ["s01"]}, "'s01' is no product of 4 legs"),
        ({"target": lambda point: point.field.zero}, "target: 0 at every point"),
        ({"max_power": 0}, "max_power: 0, expected at least 1"),
        ({"n": 3}, "n: 3, expected at least 4 legs"),
    ],
)
def test_what_cannot_be_scored_is_named(changed, message):
    arguments = {"target": named("bas"), "n": 4, "candidates": ["s_{0,1}"]} | changed
    with pytest.raises(ValueError, match=message):
        pole_score(rng=stream(), **arguments)


def test_powers_beyond_the_samples_are_named():
    with pytest.raises(ValueError, match="expected at least 0 and a sum of up to 20"):
        SCORE.residual_rank([3] * 10)
    with pytest.raises(ValueError, match="powers: 2, expected one for each of 10 candidates"):
        SCORE.residual_rank([1, 1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"population": 3}, "population = 3: expected an integer of at least 4"),
        ({"tournament": 61}, "tournament = 61: expected at most 60 trees"),
        ({"size_weight": 1.0}, "size_weight = 1.0: expected a number between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_named(changed, message):
    with pytest.raises(ConfigError, match=message):
        SearchSettings(**changed)
