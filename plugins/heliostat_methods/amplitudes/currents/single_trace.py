"""Currents of Yang-Mills theory with scalars that also meet in threes: one trace of scalars.

phi_{P|Q}: Q the scalars of P, as they stand in the trace. Gluons couple as in `vector_currents`;
beside them 2 s_P phi_{P|Q} has lam * sum over XY=P, AB=Q of (phi_{X|A} phi_{Y|B} - phi_{X|B}
phi_{Y|A}). Gluon currents of words with scalars belong to several traces and are left out. With
lam = -2 the amplitudes are those that trace operators make of Yang-Mills theory, with the signs of
operators as `operators.terms` states them. Source: derived.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.amplitudes.currents.vector_currents import (
    ExternalLeg,
    Span,
    VectorCurrents,
    singular,
)
from heliostat_methods.amplitudes.currents.vertices import four_splits, three_splits
from heliostat_methods.amplitudes.currents.words import subwords
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.space import Space, product

COUPLING = -2
"""lam."""


class SingleTraceCurrents:
    """phi_{P|Q} for subwords P = word[i:j] with scalars; ``trace``: scalars' labels in order."""

    def __init__(
        self, space: Space, legs: Sequence[ExternalLeg], trace: Sequence[int],
        coupling: int = COUPLING,
    ) -> None:  # fmt: skip
        self.space, self.legs, self.coupling = space, legs, coupling
        self.gluons = VectorCurrents(space, legs)
        self._places = {leg: i for i, leg in enumerate(trace)}
        self._values: dict[Span, Number] = {}

    def scalars(self, here: Span) -> list[int]:
        """Return where the scalars of a subword stand in the trace."""
        labels = (leg.label for leg in self.legs[slice(*here)])
        return [self._places[label] for label in labels if label in self._places]

    def current(self, i: int, j: int) -> Number:
        """Return phi_P; SingularKinematics naming an s_P that is 0."""
        here = (i, j)
        if here not in self._values:
            field = self.space.field
            if j - i == 1:
                self._values[here] = field.one
            else:
                found = self.numerator(i, j)
                try:
                    self._values[here] = field.divide(found, self.gluons.twice_s(i, j))
                except ZeroDivisionError:
                    labels = [leg.label for leg in self.legs[slice(*here)]]
                    raise SingularKinematics(singular(labels)) from None
        return self._values[here]

    def numerator(self, i: int, j: int) -> Number:
        """Return 2 s_P phi_P; 0 where the scalars of P are no subword of the trace."""
        total = self.space.field.zero
        if not self._together((i, j)):
            return total
        for m in three_splits(i, j):
            x, y = (i, m), (m, j)
            in_x, in_y = self.scalars(x), self.scalars(y)
            if in_x and in_y:
                if self._together(x) and self._together(y):
                    both = self.coupling * (self.current(*x) * self.current(*y))
                    total = total + both if in_x[0] < in_y[0] else total - both
            elif in_y:
                total = total + 2 * (self._along(y, x) * self.current(*y))
            else:
                total = total - 2 * (self._along(x, y) * self.current(*x))
        for m, r in four_splits(i, j):
            spans = ((i, m), (m, r), (r, j))
            scalar = [span for span in spans if self.scalars(span)]
            if len(scalar) != 1:
                continue
            a, b = (span for span in spans if span is not scalar[0])
            factor = 2 if scalar[0] is spans[1] else -1
            total = total + factor * (self._product(a, b) * self.current(*scalar[0]))
        return total

    def _together(self, here: Span) -> bool:
        places = self.scalars(here)
        return bool(places) and max(places) - min(places) == len(places) - 1

    def _along(self, momentum: Span, vector: Span) -> Number:
        low = self.space.lower(self.gluons.current(*vector))
        return product(self.gluons.momentum(*momentum), low, self.space.field.zero)

    def _product(self, one: Span, other: Span) -> Number:
        low = self.space.lower(self.gluons.current(*other))
        return product(self.gluons.current(*one), low, self.space.field.zero)


def all_subwords(length: int) -> list[Span]:
    """Return [i, j) of all subwords, single letters too."""
    return [*((i, i + 1) for i in range(length)), *subwords(length)]
