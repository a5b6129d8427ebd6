"""The permutation test: its law against rows permuted one by one, and what its p-value says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from fams_laws import shifted

from heliostat_methods.fams import sufficiency_gap, sufficiency_test
from heliostat_methods.fams.metrics.cells import count_cells
from heliostat_methods.fams.metrics.permutation import permuted_gaps


@pytest.mark.parametrize("weights", ["population", "uniform"])
def test_drawn_gaps_have_the_law_of_all_permutations(weights):
    """Eleven rows of two bins: 15 x 10 placements of the positives, each as likely as any."""
    score = np.repeat([0.2, 0.8], [6, 5])
    group = np.array([0, 0, 0, 1, 1, 2, 0, 1, 1, 2, 2])
    y = np.array([1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0])
    all_gaps = []
    for low in combinations(range(6), 2):
        for high in combinations(range(6, 11), 2):
            placed = np.zeros(11)
            placed[[*low, *high]] = 1
            all_gaps.append(
                sufficiency_gap(placed, score, sensitive_features=group, weights=weights)
            )
    values, counts = np.unique(np.round(all_gaps, 10), return_counts=True)
    test = sufficiency_test(
        y, score, sensitive_features=group, weights=weights, permutations=20_000
    )
    drawn, seen = np.unique(np.round(test.null, 10), return_counts=True)
    assert drawn.tolist() == values.tolist()
    chance = counts / 150
    off = (seen / 20_000 - chance) / np.sqrt(chance * (1 - chance) / 20_000)
    assert np.abs(off).max() < 4
    at_least = np.mean(np.array(all_gaps) >= test.gap - 1e-12)
    assert test.p_value == pytest.approx(at_least, abs=0.015)


@pytest.mark.parametrize(("groups", "rows"), [(20, 30), (2, 300)], ids=["picked", "drawn"])
def test_moments_are_those_of_rows_permuted_inside_their_bins(groups, rows):
    generator = np.random.default_rng(3)
    y, score, group = shifted(generator, groups, rows, 0.1)
    explicit = []
    for _ in range(400):
        mixed = y.copy()
        for bin_score in np.unique(score):
            rows = np.flatnonzero(score == bin_score)
            mixed[rows] = generator.permutation(y[rows])
        explicit.append(sufficiency_gap(mixed, score, sensitive_features=group))
    null = sufficiency_test(y, score, sensitive_features=group, permutations=4000).null
    error = np.std(explicit) / 20
    assert np.mean(explicit) == pytest.approx(null.mean(), abs=4 * error)
    assert np.std(explicit) == pytest.approx(null.std(), rel=0.15)


@pytest.mark.parametrize(("groups", "rows"), [(7, 20), (2, 300)], ids=["picked", "drawn"])
def test_the_number_of_draws_at_once_changes_no_bit(groups, rows):
    y, score, group = shifted(np.random.default_rng(0), groups, rows, 0.1)
    cells = count_cells(y, score, group)
    masses = cells.masses("uniform")
    at_once = [permuted_gaps(cells, masses, 70, 5, n).tolist() for n in (1, 40, 10**6)]
    assert at_once[0] == at_once[1] == at_once[2]


def test_p_values_of_a_fair_score_are_spread_evenly_and_those_of_an_unfair_one_small():
    fair = [
        sufficiency_test(y, score, sensitive_features=group, permutations=99, seed=r).p_value
        for r in range(60)
        for y, score, group in [shifted(np.random.default_rng(r), 30, 20, 0.0)]
    ]
    assert 0.35 < np.mean(fair) < 0.65
    assert np.mean(np.array(fair) <= 0.1) < 0.25
    y, score, group = shifted(np.random.default_rng(0), 30, 20, 0.2)
    unfair = sufficiency_test(y, score, sensitive_features=group, permutations=99)
    assert unfair.p_value == 0.01  # the least there is
    assert unfair.excess == pytest.approx(unfair.gap - unfair.null.mean())


def test_seeds_repeat_and_differ():
    y, score, group = shifted(np.random.default_rng(0), 7, 20, 0.1)
    first, again, other = (
        sufficiency_test(y, score, sensitive_features=group, permutations=20, seed=s).null.tolist()
        for s in (1, 1, 2)
    )
    assert first == again != other
