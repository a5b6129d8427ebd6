"""Currents of AdS4 Yang-Mills theory with scalars that also meet in threes: one trace of scalars.

As `currents.single_trace` in flat space: phi_{P|Q}(z), gluons couple as in `gluon_currents`, and
the source of phi_{P|Q} has lam * sum (phi_{X|A} phi_{Y|B} - phi_{X|B} phi_{Y|A}) as well. That
coupling is constant in the half space, which is conformal to AdS4: in AdS4 itself it is
proportional to z. With lam = -2 trace operators make these of Yang-Mills theory. Source: derived.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum, sum_of_products
from heliostat_methods.amplitudes.ads.exponents import NamedExponents
from heliostat_methods.amplitudes.ads.gluon_currents import AdSCurrents
from heliostat_methods.amplitudes.ads.propagation import propagated
from heliostat_methods.amplitudes.currents.single_trace import COUPLING
from heliostat_methods.amplitudes.currents.vector_currents import Span
from heliostat_methods.amplitudes.currents.vertices import four_splits, three_splits
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint


class AdSSingleTraceCurrents:
    """phi_{P|Q}(z) for subwords P = word[i:j] with scalars; ``trace``: the scalars in order."""

    def __init__(
        self, point: AdSPoint, word: Sequence[int], trace: Sequence[int], *,
        exponents: NamedExponents | None = None, coupling: int = COUPLING,
    ) -> None:  # fmt: skip
        self.gluons = AdSCurrents(point, word, exponents=exponents)
        self.word, self.coupling = tuple(word), coupling
        self.exponents = self.gluons.exponents
        self._places = {leg: i for i, leg in enumerate(trace)}
        self._values: dict[Span, ExpSum] = {}

    def current(self, i: int, j: int) -> ExpSum:
        """Return phi_P(z)."""
        here = (i, j)
        if here not in self._values:
            norm = self.gluons.norm(i, j)
            self._values[here] = (
                ExpSum.exponential(self.exponents, norm) if j - i == 1
                else propagated(self.source(i, j), norm)
            )  # fmt: skip
        return self._values[here]

    def source(self, i: int, j: int) -> ExpSum:
        """Return N_P(z); 0 where the scalars of P do not stand side by side in the trace."""
        pairs: list[tuple[ExpSum, ExpSum]] = []
        if not self._together((i, j)):
            return ExpSum(self.exponents, {})
        along = self.gluons.along
        for m in three_splits(i, j):
            x, y = (i, m), (m, j)
            in_x, in_y = self._scalars(x), self._scalars(y)
            if in_x and in_y:
                if self._together(x) and self._together(y):
                    sign = 1 if in_x[0] < in_y[0] else -1
                    pairs.append((sign * self.coupling * self.current(*x), self.current(*y)))
            elif in_y:
                pairs.append((2 * along(y, x) + along(x, x), self.current(*y)))
            else:
                pairs.append((-(2 * along(x, y) + along(y, y)), self.current(*x)))
        for m, r in four_splits(i, j):
            spans = ((i, m), (m, r), (r, j))
            scalar = [span for span in spans if self._scalars(span)]
            if len(scalar) != 1:
                continue
            a, b = (span for span in spans if span is not scalar[0])
            factor = 2 if scalar[0] is spans[1] else -1
            pairs.append((factor * self.gluons.gluon_product(a, b), self.current(*scalar[0])))
        return sum_of_products(self.exponents, pairs)

    def _scalars(self, here: Span) -> list[int]:
        return [self._places[leg] for leg in self.word[slice(*here)] if leg in self._places]

    def _together(self, here: Span) -> bool:
        places = self._scalars(here)
        return bool(places) and max(places) - min(places) == len(places) - 1
