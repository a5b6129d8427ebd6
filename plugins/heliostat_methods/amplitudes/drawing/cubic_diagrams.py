"""Planar cubic diagrams: legs on a circle in the order of the word, lines joined inside."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from heliostat_methods.amplitudes.currents.cubic_graphs import Tree, binary_trees, leaves

SIZE = 120
"""Pixels of one diagram."""
Place = tuple[float, float]


def cubic_diagrams(word: Sequence[int], most: int = 14) -> str:
    """Return an SVG of the cubic diagrams that are planar in an order of legs, at most so many."""
    trees = list(binary_trees(tuple(word[:-1])))[:most]
    across = min(len(trees), 7)
    rows = -(-len(trees) // across)
    drawn = []
    for index, tree in enumerate(trees):
        x, y = index % across * SIZE, index // across * SIZE
        drawn.append(f'<g transform="translate({x},{y})">{"".join(_drawn(tree, word))}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across * SIZE} {rows * SIZE}" '
        f'width="{across * SIZE}" height="{rows * SIZE}" font-family="sans-serif" font-size="11">'
        f"{''.join(drawn)}</svg>"
    )


def _drawn(tree: Tree, word: Sequence[int]) -> list[str]:
    middle, radius = SIZE / 2, SIZE * 0.36
    n = len(word)

    def on_circle(place: int, factor: float = 1.0) -> Place:
        angle = pi + 2 * pi * (place + 0.5) / n
        return middle + factor * radius * cos(angle), middle + factor * radius * sin(angle)

    outer = {leg: on_circle(i) for i, leg in enumerate(word)}
    lines: list[str] = []

    def vertex(part: Tree) -> Place:
        """Return where a part's line begins; its own lines are drawn on the way."""
        if isinstance(part, int):
            return outer[part]
        inside = leaves(part)
        others = [leg for leg in word if leg not in inside]
        # a vertex lies between the means of the three groups of legs that it joins
        groups = [leaves(part[0]), leaves(part[1]), others]
        means = [_mean([outer[leg] for leg in group]) for group in groups]
        here = _mean(means)
        for branch in part:
            lines.append(_line(here, vertex(branch)))
        return here

    lines.append(_line(vertex(tree), outer[word[-1]]))
    labels = [
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{leg}</text>'
        for i, leg in enumerate(word) for x, y in [on_circle(i, 1.25)]
    ]  # fmt: skip
    return lines + labels


def _mean(places: Sequence[Place]) -> Place:
    return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)


def _line(a: Place, b: Place) -> str:
    return (f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
            'stroke="#345" stroke-width="1.6" stroke-linecap="round"/>')  # fmt: skip
