import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.discovery.derivatives import derivative_names
from heliostat_methods.amplitudes.discovery.gauge_checks import gauge_checks
from heliostat_methods.amplitudes.discovery.invariant_operators import invariant_operators
from heliostat_methods.amplitudes.discovery.operator_search import search_operators


def stream(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("n", "leg", "trace", "searched", "words"),
    [
        (4, 1, (), 5, ["e_0.e_1", "e_1.e_2", "e_1.e_3"]),
        (4, 1, (0, 2), 3, ["k_0.e_1 - k_2.e_1", "e_1.e_3"]),
        (4, 1, (0, 3), 3, ["k_0.e_1 - k_3.e_1", "e_1.e_2"]),
        (4, 3, (0, 1), 3, ["k_0.e_3 - k_1.e_3", "e_2.e_3"]),
        (4, 3, (0, 1, 2), 2, ["k_0.e_3 - k_2.e_3", "k_1.e_3 - k_2.e_3"]),
        (5, 1, (), 7, ["e_0.e_1", "e_1.e_2", "e_1.e_3", "e_1.e_4"]),
        (5, 2, (0, 4), 5, ["k_0.e_2 - k_4.e_2", "e_1.e_2", "e_2.e_3"]),
        (5, 1, (0, 2, 4), 4, ["k_0.e_1 - k_4.e_1", "k_2.e_1 - k_4.e_1", "e_1.e_3"]),
    ],
)
def test_pairs_and_insertions_span_all_invariant_operators(n, leg, trace, searched, words):
    found = invariant_operators(n, leg, stream(), trace=trace)
    listed = [_written(word) for word in words]
    assert [str(one) for one in found.operators] == listed
    assert found.searched == searched and found.annihilators == 0
    assert found.spanned_by_known


def test_among_momenta_alone_gluons_leave_nothing_and_a_trace_its_insertions():
    assert invariant_operators(5, 1, stream(), kinds=("k.e",)).operators == ()
    found = invariant_operators(5, (1, 3), stream(), trace=(0, 2), kinds=("k.e",))
    assert str(found) == (
        "2 of 6 dimensions: d/d(k_0.e_1) - d/d(k_2.e_1); d/d(k_0.e_3) - d/d(k_2.e_3)"
    )


def test_an_operator_that_makes_0_is_told_apart():
    def observable(point):
        return point.ee[1][3] * point.ee[0][2]

    found = invariant_operators(4, 1, stream(), kinds=("e.e",), observable=observable)
    # d/d(e_1.e_3) leaves e_0.e_2, which is not invariant
    assert [str(one) for one in found.operators] == ["d/d(e_0.e_1)", "d/d(e_1.e_2)"]
    assert found.annihilators == 2 and not found.spanned_by_known


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("n", "legs", "trace"), [(4, (1,), (0, 2)), (4, (3,), (0, 1)), (5, (1,), (0, 2))]
)
def test_evolution_finds_the_whole_space(n, legs, trace, seed):
    rng = stream(seed)
    checks = gauge_checks(n, legs, rng, trace=trace)
    found = search_operators(checks.score_many, checks.names, rng)
    everything = invariant_operators(n, legs, stream(), trace=trace)
    assert found.failing == 0
    assert sorted(map(str, found.operators)) == sorted(map(str, everything.operators))


def test_evolution_among_gluons_finds_pairs():
    rng = stream()
    checks = gauge_checks(4, (0, 1, 2, 3), rng)
    found = search_operators(checks.score_many, checks.names, rng)
    assert str(found.operators[0]).startswith("d/d(e_")
    assert all("k" not in str(one) for one in found.operators)


def test_checks_count_conservation_and_each_gluon():
    checks = gauge_checks(4, (1,), stream(), trace=(0, 2))
    assert checks.names == ("k_0.e_1", "k_2.e_1", "k_3.e_1", "e_1.e_3")
    assert checks.failing([1, -1, 0, 0]) == 0
    assert checks.failing([0, 0, 0, 1]) == 0
    assert checks.failing([3, -3, 0, 5]) == 0
    assert checks.failing([1, 0, -1, 0]) == 1  # gluon 3
    # of momenta k_3 is eliminated, so d/d(k_0.e_1) alone acts as the one before
    assert checks.failing([1, 0, 0, 0]) == 2
    assert checks.failing([0, 0, 0, 0]) is None
    assert checks.score_many([[1, -1, 0, 0], [0, 0, 0, 0]]) == [0.04, float("inf")]


def test_what_a_target_makes_of_an_operator_is_the_amplitude_with_scalars():
    # the column of an insertion is A_YM+phi^3 with lam = -2
    def scalar(point):
        return amplitude("ym_phi3", point, trace=(0, 1, 2))

    checks = gauge_checks(4, (1,), stream(5), trace=(0, 2), kinds=("k.e",))
    points = gauge_checks(4, (1,), stream(5), trace=(0, 2), kinds=("k.e",), observable=scalar)
    insertion = checks.results @ np.array([1, -1]) % checks.prime
    assert insertion.any() and (insertion == points.results[:, 0]).all()


def test_equal_streams_give_equal_searches():
    results = []
    for _ in range(2):
        rng = stream(7)
        checks = gauge_checks(4, (1, 3), rng, trace=(0, 2))
        results.append(search_operators(checks.score_many, checks.names, rng))
    assert results[0] == results[1]
    spaces = [invariant_operators(4, 1, stream(7), trace=(0, 2)) for _ in range(2)]
    assert spaces[0] == spaces[1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"legs": (1,), "trace": (1, 2)}, r"legs: 1, expected legs outside of the trace \(1, 2\)"),
        ({"legs": (4,)}, "legs: leg 4, expected whole numbers from 0 to 3"),
        ({"trace": (0, 0)}, "trace: leg 0 stands in it twice"),
        ({"trace": (0,)}, "Trace: .*, expected at least two legs"),
        ({"kinds": ("e.k",)}, "kinds: 'e.k', expected some of 'k.e', 'e.e'"),
        ({"kinds": ()}, "leave no operator by legs"),
    ],
)
def test_what_has_no_checks_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        gauge_checks(**({"n": 4, "legs": (1,), "rng": stream()} | changed))


def test_names_stand_in_one_order():
    checks = gauge_checks(4, (2, 0), stream())
    assert list(checks.names) == derivative_names(checks.basis)
    with pytest.raises(ValueError, match="coefficients: 1, expected one for each of 11"):
        checks.failing([1])


def _written(word: str) -> str:
    return " - ".join(f"d/d({name})" for name in word.split(" - "))
