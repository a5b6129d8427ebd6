"""Rings as pictures: a circle, and on it the words of legs that meet it."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from heliostat_methods.amplitudes.currents.words import Word
from heliostat_methods.amplitudes.loops.diagrams import RingDiagram

SIZE = 120
"""Pixels of one diagram."""
Place = tuple[float, float]
_MIDDLE, _LOOP, _BLOB, _END, _LABEL = SIZE / 2, SIZE * 0.14, SIZE * 0.27, SIZE * 0.38, SIZE * 0.45


def drawn_rings(diagrams: Sequence[RingDiagram], most: int = 14) -> str:
    """Return an SVG of rings, at most so many; dots are currents of several legs.

    Two words that meet the circle in one place are at a quartic vertex.
    """
    shown = list(diagrams)[:most]
    across = max(1, min(len(shown), 7))
    rows = max(1, -(-len(shown) // across))
    drawn = []
    for index, diagram in enumerate(shown):
        x, y = index % across * SIZE, index // across * SIZE
        lines = "".join(_drawn(diagram))
        drawn.append(f'<g transform="translate({x},{y})"><title>{diagram}</title>{lines}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across * SIZE} {rows * SIZE}" '
        f'width="{across * SIZE}" height="{rows * SIZE}" font-family="sans-serif" font-size="11">'
        f"{''.join(drawn)}</svg>"
    )


def _drawn(diagram: RingDiagram) -> list[str]:
    n = sum(len(vertex.legs) for vertex in diagram.vertices)
    centre = _centre(diagram, n)
    lines = [f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{_LOOP:.1f}" fill="none" '
             'stroke="#345" stroke-width="1.6"/>']  # fmt: skip
    for vertex in diagram.vertices:
        meets = _on_circle(_mean_angle(vertex.legs, n), _LOOP, centre)
        for word in vertex.words:
            if len(word) == 1:
                lines.append(_line(meets, _on_circle(_angle(word[0], n), _END)))
                continue
            blob = _on_circle(_mean_angle(word, n), _BLOB)
            lines.append(_line(meets, blob))
            lines += [_line(blob, _on_circle(_angle(leg, n), _END)) for leg in word]
            lines.append(f'<circle cx="{blob[0]:.1f}" cy="{blob[1]:.1f}" r="3.5" fill="#345"/>')
    for leg in range(n):
        x, y = _on_circle(_angle(leg, n), _LABEL)
        lines.append(f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{leg}</text>')
    return lines


def _centre(diagram: RingDiagram, n: int) -> Place:
    """Return where the loop's middle is: away from a vertex of many legs, which need the room."""
    x = y = _MIDDLE
    for vertex in diagram.vertices:
        angle, share = _mean_angle(vertex.legs, n), len(vertex.legs) / n
        x -= 0.28 * SIZE * share**2 * cos(angle)
        y -= 0.28 * SIZE * share**2 * sin(angle)
    return x, y


def _angle(leg: float, n: int) -> float:
    return pi + 2 * pi * (leg + 0.5) / n


def _mean_angle(word: Word, n: int) -> float:
    # legs follow each other round the circle, also past the last one
    return _angle(word[0] + (len(word) - 1) / 2, n)


def _on_circle(angle: float, radius: float, centre: Place = (_MIDDLE, _MIDDLE)) -> Place:
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def _line(a: Place, b: Place) -> str:
    return (f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
            'stroke="#345" stroke-width="1.6" stroke-linecap="round"/>')  # fmt: skip
