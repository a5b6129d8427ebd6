"""The list of rings, and their pictures."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from heliostat_methods.amplitudes.loops.diagrams import ring_diagrams
from heliostat_methods.amplitudes.loops.drawing import drawn_rings


def lucas(index: int) -> int:
    a, b = 2, 1
    for _ in range(index):
        a, b = b, a + b
    return a


@pytest.mark.parametrize("n", range(4, 9))
def test_counts(n):
    wheels = lucas(2 * n) - 2
    assert len(ring_diagrams(n)) == wheels - n * (n + 1)
    assert len(ring_diagrams(n, tadpoles=True)) == wheels - 4 * n
    assert len(ring_diagrams(n, quartic=False)) == 2**n - 1 - 2 * n


def test_each_ring_has_all_legs_in_order_and_leg_0_first():
    found = ring_diagrams(5, tadpoles=True)
    assert len(set(found)) == len(found)
    for diagram in found:
        legs = [leg for vertex in diagram.vertices for leg in vertex.legs]
        start = legs[0]
        assert legs == [(start + i) % 5 for i in range(5)]
        assert 0 in diagram.vertices[0].legs
        assert [vertex.edge for vertex in diagram.vertices] == [v.legs[0] for v in diagram.vertices]
        assert max(len(word) for vertex in diagram.vertices for word in vertex.words) <= 3


def test_rings_of_four_legs_by_name():
    found = {str(one): one for one in ring_diagrams(4)}
    assert list(found)[:3] == ["(0)(1)(2)(3)", "(0)(1)(2.3)", "(0)(1)(2|3)"]
    assert found["(3|0.1)(2)"].edges == (2, 3) and found["(3|0.1)(2)"].quartic == 1
    with pytest.raises(ValueError, match="n: 3, expected a whole number of at least 4 legs"):
        ring_diagrams(3)


def test_drawings_are_svg_with_all_legs():
    diagrams = ring_diagrams(5)
    root = ElementTree.fromstring(drawn_rings(diagrams, most=9))
    groups = list(root)
    assert len(groups) == 9 and root.get("viewBox") == "0 0 840 240"
    names = [group[0].text for group in groups]
    assert names == [str(one) for one in diagrams[:9]]
    for group in groups:
        texts = [part.text for part in group if part.tag.endswith("text")]
        assert texts == ["0", "1", "2", "3", "4"]
    assert "svg" in drawn_rings([])
