"""Currents of the bi-adjoint scalar: words with two orders.

s_P phi_{P|Q} = sum over XY=P, AB=Q of (phi_{X|A} phi_{Y|B} - phi_{Y|A} phi_{X|B}). For a word P at
most one subword Q of the other order has its letters, so there is one number for each P. Source:
derived; Mafra's perturbiner in our normalisation s_P = k_P^2 / 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.amplitudes.currents.vector_currents import Span, singular
from heliostat_methods.amplitudes.currents.words import subwords
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint


class BiadjointCurrents:
    """phi_{P|Q} for all subwords P = word[i:j], Q the letters of P as they stand in ``other``.

    It is 0 where those are no subword of ``other``.
    """

    def __init__(self, point: PolarisedPoint, word: Sequence[int], other: Sequence[int]) -> None:
        self.point, self.word = point, tuple(word)
        self._places = {leg: i for i, leg in enumerate(other)}
        self._values: dict[Span, Number] = {
            (i, i + 1): point.field.one for i in range(len(self.word))
        }

    def current(self, i: int, j: int) -> Number:
        """Return phi_P; SingularKinematics naming an s_P that is 0."""
        for a, b in subwords(j - i):
            here = (i + a, i + b)
            if here not in self._values:
                field = self.point.field
                found = self.numerator(*here) if self._together(here) else field.zero
                if found is not field.zero:
                    legs = self.word[slice(*here)]
                    try:
                        found = field.divide(found, half_square(self.point, legs))
                    except ZeroDivisionError:
                        raise SingularKinematics(singular(legs)) from None
                self._values[here] = found
        return self._values[i, j]

    def numerator(self, i: int, j: int) -> Number:
        """Return s_P phi_P."""
        total = self.point.field.zero
        if not self._together((i, j)):
            return total
        for m in range(i + 1, j):
            if not (self._together((i, m)) and self._together((m, j))):
                continue
            both = self.current(i, m) * self.current(m, j)
            first = self._places[self.word[i]] < self._places[self.word[m]]
            total = total + both if first else total - both
        return total

    def _together(self, here: Span) -> bool:
        places = [self._places[leg] for leg in self.word[slice(*here)]]
        return max(places) - min(places) == len(places) - 1


def half_square(point: PolarisedPoint, legs: Sequence[int]) -> Number:
    """Return s_P = (sum of k)^2 / 2, for massless legs the sum of k_i.k_j over pairs."""
    total = point.field.zero
    for a, i in enumerate(legs):
        for j in legs[:a]:
            total = total + point.momentum_product(i, j)
    return total
