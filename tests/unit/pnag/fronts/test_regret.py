from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.fronts.archive import archive, check_measured
from heliostat_methods.pnag.fronts.regret import TrueFront, front_of, plane, true_front
from heliostat_methods.pnag.spaces.additive import AdditiveSpace
from heliostat_methods.pnag.spaces.nas_bench_graph import nas_bench_graph
from heliostat_search.pareto import dominates, hypervolume

# Specification 5.7: front size, reference and hypervolume in (log10 latency, error), sum of the
# front's keys, fastest key, most accurate key; the sets that the method is developed on.
FRONTS = {
    "cora": (10, (-2.402293264, 0.439533333), 0.198108349, 674023, "88887", "87072"),
    "citeseer": (12, (-2.296717422, 0.421600000), 0.125878873, 871053, "88887", "31144"),
    "arxiv": (27, (-0.785035206, 0.470866667), 0.499206711, 1950287, "88887", "83533"),
}
# Specification 5.5, checked there against pymoo.
POINTS = [(1, 5), (2, 3), (2, 4), (3, 3), (4, 1), (6, 2)]
MEASURED = st.lists(
    st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.integers(1, 6).map(float)),
    min_size=1,
    max_size=12,
).map(lambda rows: (np.array([a for a, _ in rows]), np.array([c for _, c in rows])))


@pytest.mark.parametrize("dataset", FRONTS)
def test_true_fronts_of_nas_bench_graph(dataset: str) -> None:
    if find_spec("nas_bench_graph") is None:
        pytest.skip("needs nas-bench-graph")
    space = nas_bench_graph(dataset)
    archs = space.everything()
    keys = [space.write(archs[place]) for place in archive(*space.look_up(archs))]
    size, corner, volume, total, fastest, most_accurate = FRONTS[dataset]
    known = true_front(space)
    assert len(keys) == len(known.cost) == size
    assert known.reference == pytest.approx(corner, abs=1e-9)
    assert known.volume == pytest.approx(volume, abs=1e-9)
    assert sum(map(int, keys)) == total
    assert (keys[0], keys[-1]) == (fastest, most_accurate)


def test_hypervolume_of_the_specifications_points() -> None:
    assert hypervolume(POINTS, (7, 6)) == 22
    assert hypervolume(POINTS, (5, 6)) == 12
    assert hypervolume([*POINTS, (5, 5), (1, 5)], (7, 6)) == 22
    assert hypervolume([(8, 8)], (7, 6)) == 0


@given(MEASURED)
@settings(deadline=None)
def test_the_archive_is_what_nothing_dominates_by_rising_cost(
    measured: tuple[np.ndarray, np.ndarray],
) -> None:
    accuracy, cost = measured
    points = plane(accuracy, cost)
    kept = archive(accuracy, cost)
    wanted = {i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)}
    assert set(kept.tolist()) == wanted
    assert len(kept) == len(wanted)
    assert np.all(np.diff(cost[kept]) >= 0)


@given(MEASURED, st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_fractions_lie_between_0_and_1_and_rise_with_what_is_evaluated(
    measured: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    accuracy, cost = measured
    known = front_of(accuracy, cost)
    some = np.random.default_rng(seed).permutation(len(cost))
    fractions = [
        known.fraction(accuracy[some[:count]], cost[some[:count]]) for count in range(len(cost) + 1)
    ]
    assert fractions[0] == 0
    assert all(b >= a - 1e-12 for a, b in pairwise(fractions))
    assert fractions[-1] == pytest.approx(1)


def test_the_fraction_by_hand() -> None:
    known = TrueFront(np.array([1.0, 10.0, 100.0]), np.array([0.5, 0.7, 0.9]))
    # log10 cost 0, 1, 2 and errors .5, .3, .1: reference (2.2, .54).
    assert known.reference == pytest.approx((2.2, 0.54))
    assert known.volume == pytest.approx(2.2 * 0.04 + 1.2 * 0.2 + 0.2 * 0.2)
    found = known.fraction(np.array([0.7, 0.2]), np.array([10.0, 20.0]))
    assert found == pytest.approx(1.2 * 0.24 / known.volume)
    assert known.fraction(np.array([0.4]), np.array([1.0])) == 0


def test_regret_at_a_budget() -> None:
    known = TrueFront(np.array([1.0, 10.0, 100.0]), np.array([0.5, 0.7, 0.9]))
    assert known.best(10.0) == 0.7
    assert known.best(9.99) == 0.5
    assert known.best(0.5) is None
    assert known.regret(50.0, 0.6) == pytest.approx(0.1)
    assert known.regret(1000.0, 0.9) == 0
    with pytest.raises(ConfigError, match=r"budget = 0\.5: expected at least 1, the cheapest"):
        known.regret(0.5, 0.6)


def test_a_front_of_one_point_has_a_volume() -> None:
    known = TrueFront(np.array([10.0]), np.array([0.75]))
    assert known.reference == pytest.approx((1.1, 0.35))
    assert known.fraction(np.array([0.75]), np.array([10.0])) == 1


def test_a_space_that_is_too_large_to_list_knows_its_front() -> None:
    space = AdditiveSpace()
    known = true_front(space)
    assert (len(known.cost), known.accuracy[-1]) == (613, 1.0)
    assert known.fraction(*space.look_up(space.front().archs)) == 1


class Unknown:
    quantity = "madds"

    def look_up(self, archs: object) -> object:
        raise AssertionError

    def everything(self) -> None:
        return None


def test_a_space_that_knows_no_front_is_told() -> None:
    with pytest.raises(ConfigError, match=r"space = 'Unknown': expected a space that lists"):
        true_front(Unknown())


@pytest.mark.parametrize(
    ("accuracy", "cost", "message"),
    [
        ([0.5, np.nan], [1, 1], r"accuracy nan of row 1 is not in \[0, 1\]"),
        ([0.5, -0.1], [1, 1], r"accuracy -0\.1 of row 1 is not in \[0, 1\]"),
        ([73.2, 0.5], [1, 1], r"accuracy 73\.2 of row 0 .*in percent\? divide by 100"),
        ([0.5, 0.5], [1, 0], r"cost 0 of row 1 is not above 0"),
        ([0.5, 0.5], [np.inf, 1], r"cost inf of row 0 is not above 0, finite"),
        ([0.5, 0.5], [np.nan, 1], r"cost nan of row 0 is not above 0, finite"),
        ([0.5], [1, 2], r"accuracy \(1,\) and cost \(2,\): \(n,\) each is needed"),
    ],
)
def test_what_cannot_have_been_measured_is_named(
    accuracy: list[float], cost: list[float], message: str
) -> None:
    values = np.array(accuracy), np.array(cost, dtype=np.float64)
    with pytest.raises(DataError, match=message):
        check_measured(*values)
    with pytest.raises(DataError, match=message):
        archive(*values)


def test_an_empty_front_is_none() -> None:
    with pytest.raises(DataError, match=r"a true front needs at least one architecture"):
        TrueFront(np.zeros(0), np.zeros(0))
