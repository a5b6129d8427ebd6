"""Amplitudes as expressions and diagrams as pictures."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import sympy

from heliostat_methods.amplitudes.currents.cubic_graphs import binary_trees, graph_sum, leaves
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.currents.without_cache import (
    calls_without_cache,
    uncached_amplitude,
    words_with_cache,
)
from heliostat_methods.amplitudes.drawing.cubic_diagrams import cubic_diagrams
from heliostat_methods.amplitudes.expressions.expression import expression, latex
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point


@pytest.mark.parametrize(
    ("theory", "more"),
    [("ym", {}), ("yms", {"scalars": (0, 1)}), ("ym_phi3", {"trace": (0, 2, 3)}), ("nlsm", {}),
     ("bas", {})],
)  # fmt: skip
def test_an_expression_has_the_value_of_the_recursion(theory, more):
    point = standard_gram_point(4)
    made = expression(theory, 4, **more)
    values = {}
    for symbol in made.free_symbols:
        (a, i, b, j) = str(symbol)
        table = {"kk": point.kk, "ek": point.ek, "ee": point.ee}[a + b]
        values[symbol] = sympy.Rational(str(table[int(i)][int(j)]))
    assert str(made.subs(values)) == str(amplitude(theory, point, **more))


def test_latex_names_products():
    made = expression("yms", 4, scalars=((0, 1), (2, 3)))
    assert str(made) == "k0k2/k0k1"
    assert latex(made) == r"\frac{(k_0 \cdot k_2)}{(k_0 \cdot k_1)}"
    with pytest.raises(ValueError, match="n: 6, expected 3 to 5 legs"):
        expression("ym", 6)


def test_diagrams_are_a_picture_with_all_legs_and_lines():
    root = ElementTree.fromstring(cubic_diagrams(range(5)))
    groups = [child for child in root if child.tag.endswith("g")]
    assert len(groups) == 5  # Catalan's number
    for group in groups:
        kinds = [child.tag.rpartition("}")[2] for child in group]
        assert kinds.count("text") == 5 and kinds.count("line") == 7


def test_trees_are_counted_by_catalan_and_keep_the_order():
    assert [len(list(binary_trees(range(m)))) for m in range(1, 7)] == [1, 1, 2, 5, 14, 42]
    assert all(leaves(tree) == tuple(range(4)) for tree in binary_trees(range(4)))


def test_graphs_add_up_to_the_recursion():
    point = standard_gram_point(6)
    for other in ((0, 1, 2, 3, 4, 5), (0, 4, 3, 2, 1, 5), (2, 0, 1, 4, 3, 5), (5, 1, 0, 3, 2, 4)):
        word = tuple(range(6))
        assert graph_sum(point, word, other) == amplitude("bas", point, (word, other))


def test_without_cache_the_same_number_takes_many_more_currents():
    for n in (4, 5, 6):
        value, calls = uncached_amplitude(standard_gram_point(n))
        assert value == amplitude("ym", standard_gram_point(n))
        assert calls == calls_without_cache(n)
    assert (calls_without_cache(12), words_with_cache(12)) == (786_432, 66)
