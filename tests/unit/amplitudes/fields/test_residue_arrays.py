import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.fields.prime import GF, Residue
from heliostat_methods.amplitudes.fields.residue_arrays import (
    ResidueArray,
    ResidueArrayField,
)
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.reconstruction.elimination import (
    null_space,
    product,
    rank,
    residual_rank,
)
from heliostat_methods.amplitudes.reconstruction.sampled_points import (
    distinct_residues,
    random_gram_line,
    random_gram_points,
)

PRIMES = (3, 7, 65537, 2147483647)
EXACT = settings(deadline=None, derandomize=True)


@given(st.sampled_from(PRIMES), st.lists(st.tuples(st.integers(), st.integers()), min_size=1))
@EXACT
def test_arrays_compute_as_residues_do(prime, pairs):
    scalar, field = GF(prime), ResidueArrayField(prime)
    left, right = ([pair[i] % prime for pair in pairs] for i in (0, 1))
    a, b = field.number(np.array(left)), field.number(np.array(right))
    x, y = ([scalar.number(v) for v in values] for values in (left, right))
    for sign in (
        lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p * q, lambda p, q: -p * 3 + 1,
        lambda p, q: 2 - p, lambda p, q: 5 + p - (-7), lambda p, q: p**3 - 2 * q,
    ):  # fmt: skip
        assert sign(a, b).values.tolist() == [int(sign(p, q)) for p, q in zip(x, y, strict=True)]
    if all(right):
        expected = [int(p / q) for p, q in zip(x, y, strict=True)]
        assert field.divide(a, b).values.tolist() == expected
    else:
        with pytest.raises(ZeroDivisionError, match=f"division by 0 modulo {prime}"):
            field.divide(a, b)


@pytest.mark.parametrize("n", [4, 5, 6])
@pytest.mark.parametrize("theory", ["ym", "bas", "nlsm"])
def test_amplitudes_at_many_points_are_those_of_each(n, theory):
    field = ResidueArrayField()
    points = random_gram_points(n, field, np.random.default_rng(n), 4)
    found = field.number(amplitude(theory, points)).values
    for at in range(4):
        tables = [[[_pick(x, at) for x in row] for row in rows]
                  for rows in (points.kk, points.ek, points.ee)]  # fmt: skip
        one = amplitude(theory, GramPoint(*tables, field=GF()))
        assert int(one) == np.broadcast_to(found, (4,))[at]


def _pick(number, at):
    return Residue(int(np.broadcast_to(number.values, (4,))[at]), number.prime)


def test_products_of_a_line_are_linear():
    field = ResidueArrayField()
    t = field.number(np.array([0, 1, 2, 3]))
    line = random_gram_line(5, field, np.random.default_rng(0), t)
    for i, j in ((0, 1), (0, 3), (2, 3)):
        values = line.momentum_product(i, j).values
        assert (np.diff(values, 2) % field.prime == 0).all() and values[0] != values[1]


@given(st.sampled_from(PRIMES), st.integers(0, 5), st.integers(1, 6), st.integers(0, 2**32 - 1))
@EXACT
def test_null_spaces_are_all_that_a_matrix_maps_to_0(prime, rows, columns, seed):
    matrix = np.random.default_rng(seed).integers(0, min(prime, 5), (rows, columns))
    space = null_space(matrix, prime)
    assert not product(matrix, space.T, prime).any()
    assert len(space) == columns - rank(matrix, prime) and rank(space, prime) == len(space)
    assert residual_rank(matrix, product(matrix, matrix.T, prime), prime) == 0


def test_products_near_the_largest_residue_do_not_overflow():
    p = 2147483647
    a = np.full((3, 50), p - 1)
    assert (product(a, a.T, p) == 50).all()
    assert residual_rank(np.ones((4, 1), dtype=np.int64), np.eye(4, 2, dtype=np.int64), p) == 2


def test_what_has_no_place_is_named():
    field = ResidueArrayField(7)
    with pytest.raises(ValueError, match="1/7 has no residue modulo 7"):
        field.number("1/7")
    with pytest.raises(ValueError, match="an array of float64, expected one of integers"):
        field.number(np.array([0.5]))
    with pytest.raises(ValueError, match="residues modulo 7 and 5 do not mix"):
        field.one + ResidueArray(np.array(1), 5)
    with pytest.raises(ValueError, match="n: 3, expected at least 4 legs"):
        random_gram_points(3, field, np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="prime: 7, expected more residues than the 7 points"):
        distinct_residues(7, np.random.default_rng(0), 7)
