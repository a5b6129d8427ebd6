from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.contract.part import Dataset
from heliostat_methods.parts.subgroup_law import SubgroupLaw, subgroup_law


def gap_of(chances, shift, proxy, signs, see_proxy):
    """Sum E_A |E[Y | f] - E[Y | f, A]| over a law of finitely many base rates, exactly.

    `chances`: P(b) by base rate b. Nothing of the formula is used: scores are conditional means,
    found by summing over all (b, z, a).
    """
    groups = Fraction(1, len(signs))
    weights = {}  # (b, z, a) -> chance
    for b, chance in chances.items():
        for a, sign in enumerate(signs):
            for z in (1, -1):
                weights[b, z, a] = chance * groups * (1 + z * sign * proxy) / 2
    seen = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for (b, z, a), weight in weights.items():
        cell = seen[b, z if see_proxy else 0]
        cell[0] += weight
        cell[1] += weight * (b + shift * signs[a])
    score = {at: rate / weight for at, (weight, rate) in seen.items() if weight}
    total, own = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
    for (b, z, a), weight in weights.items():
        if weight:
            f = score[b, z if see_proxy else 0]
            for cell in (total[f], own[f, a]):
                cell[0] += weight
                cell[1] += weight * (b + shift * signs[a])
    return float(sum(
        weight * abs(rate / weight - total[f][1] / total[f][0])
        for (f, a), (weight, rate) in own.items()
    ))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any),
    shift=st.sampled_from([Fraction(0), Fraction(1, 16), Fraction(1, 4)]),
    proxy=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1, 4), Fraction(1)]),
    groups=st.integers(2, 5),
)
def test_the_gap_is_that_of_the_law_summed_over_all_its_outcomes(weights, shift, proxy, groups):
    # base rates a sixteenth apart, so that scores of different (b, z) coincide
    chances = {
        Fraction(4 + at, 16): Fraction(weight, sum(weights)) for at, weight in enumerate(weights)
    }
    law = SubgroupLaw(groups, 1, float(shift), float(proxy))
    signs = [1 if a % 2 == 0 else -1 for a in range(groups)]
    assert law.bayes_gap() == pytest.approx(gap_of(chances, shift, proxy, signs, True), abs=1e-12)
    assert law.base_gap() == pytest.approx(gap_of(chances, shift, proxy, signs, False), abs=1e-12)


def test_drawn_rows_follow_the_law():
    law = SubgroupLaw(groups=3, features=2, shift=0.2, proxy=0.6)
    drawn = [law.draw(group, 40_000, seed=1) for group in range(3)]
    u, z, y = (np.concatenate(column) for column in zip(*drawn, strict=True))
    group = np.repeat(np.arange(3), 40_000)
    rate, score = law.rate(u, group), law.bayes_score(u, z)
    cell = np.floor(20 * score).astype(int)  # rows of one score, nearly
    for key in (cell, group, (z > 0).astype(int), 2 * group + (z > 0)):
        count = np.bincount(key)
        wide = count > 0
        error = np.bincount(key, y - rate)[wide] / np.sqrt(count[wide])  # deviation below 1/2
        assert np.abs(error).max() < 2.5
    for key in (cell, (z > 0).astype(int)):  # the best score that does not see the group
        count = np.bincount(key)
        wide = count > 0
        assert np.abs(np.bincount(key, y - score)[wide] / np.sqrt(count[wide])).max() < 2.5
    assert u.mean(0) == pytest.approx([0, 0], abs=0.02)
    assert u.var(0) == pytest.approx([1, 1], abs=0.02)
    # the gap by true rates in narrow cells of the score
    narrow = np.floor(400 * score).astype(int)
    mean = np.bincount(narrow, rate) / np.maximum(np.bincount(narrow), 1)
    both = narrow * 3 + group
    own = np.bincount(both, rate) / np.maximum(np.bincount(both), 1)
    assert np.abs(own[both] - mean[narrow]).mean() == pytest.approx(law.bayes_gap(), abs=0.005)


def test_a_proxy_that_says_all_leaves_no_gap_and_one_that_says_nothing_leaves_all():
    assert SubgroupLaw(shift=0.15, proxy=1).bayes_gap() == 0
    assert SubgroupLaw(shift=0.15, proxy=0).bayes_gap() == pytest.approx(0.15)
    assert SubgroupLaw(shift=0.15, proxy=0.5).bayes_gap() == pytest.approx(0.15 * 0.75)


def test_the_data_set_tells_its_gap_and_its_groups():
    data = subgroup_law(groups=4, rows_per_group=50, features=3)
    assert isinstance(data, Dataset)
    assert data.inputs.shape == (200, 4)
    assert data.columns == ("u0", "u1", "u2", "proxy")
    assert np.bincount(data.attributes["group"]).tolist() == [50] * 4
    assert data.about == {"bayes_gap": pytest.approx(0.1125), "base_gap": pytest.approx(0.15)}


def test_rows_depend_on_seed_and_group_alone():
    small = subgroup_law(groups=4, rows_per_group=50, seed=3)
    large = subgroup_law(groups=6, rows_per_group=80, seed=3)
    for group in range(4):
        first, more = (d.attributes["group"] == group for d in (small, large))
        assert (small.inputs[first] == large.inputs[more][:50]).all()
        assert (small.targets[first] == large.targets[more][:50]).all()
    other = subgroup_law(groups=4, rows_per_group=50, seed=4)
    assert (other.inputs != small.inputs).any()


def test_the_first_numbers_of_seed_0_stay():
    u, z, y = SubgroupLaw(features=2).draw(0, 2, seed=0)
    assert u == pytest.approx(np.array(FIRST), abs=1e-12)
    assert (z.tolist(), y.tolist()) == ([1, -1], [0, 0])


# of this program, November 2026
FIRST = [[-1.6920516773959973, -0.8952998456207385], [0.008243191007238635, -0.7703968803118472]]


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(2, 9),
    features=st.integers(1, 5),
    shift=st.sampled_from([0.0, 1e-12, 0.3, 0.45]),
    proxy=st.sampled_from([0.0, 1e-12, 0.5, 1.0]),
    strength=st.sampled_from([0.0, 1e-9, 2.0, 100.0]),
    seed=st.integers(0, 2**63 - 1),
)
def test_rates_are_chances_whatever_is_set(groups, features, shift, proxy, strength, seed):
    law = SubgroupLaw(groups, features, shift, proxy, strength)
    u, z, y = law.draw(groups - 1, 20, seed)
    for values in (law.rate(u, np.full(20, groups - 1)), law.bayes_score(u, z)):
        assert (values >= -1e-15).all()
        assert (values <= 1 + 1e-15).all()
    assert set(y.tolist()) <= {0, 1}
    assert 0 <= law.bayes_gap() <= law.base_gap() + 1e-15
    assert law.base_gap() <= shift + 1e-15
