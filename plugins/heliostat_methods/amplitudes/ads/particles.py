"""What a request for a wavefunction coefficient asks for, checked: the order, the particles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliostat_methods.amplitudes.currents.theories import (
    Scalars,
    check_theory,
    checked_flavours,
    checked_trace,
)
from heliostat_methods.amplitudes.currents.words import Word, checked_word, turned_to_end_with
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint

ADS_THEORIES = ("ym", "yms", "yms_minimal", "ym_phi3")
"""Theories that have wavefunction coefficients here."""


@dataclass(frozen=True)
class OrderedParticles:
    """A cyclic order of all legs, each scalar's flavour, and the trace of scalars, if any.

    A trace ends with the last leg of the word.
    """

    word: Word
    flavours: dict[int, int]
    trace: Word


def ordered_particles(
    theory: str, point: AdSPoint, word: Sequence[int] | None, scalars: Scalars,
    trace: Sequence[int] | None, known: Iterable[str] = ADS_THEORIES,
) -> OrderedParticles:  # fmt: skip
    """Return the request; ValueError naming what is none, or what a theory does not take."""
    check_theory(theory, known)
    if not isinstance(point, AdSPoint):
        raise ValueError(f"point: {type(point).__name__}, expected an AdSPoint")
    letters = checked_word("word", word, point.n, whole=True)
    if theory != "ym_phi3" and trace is not None:
        raise ValueError(f"trace: {trace!r}, which {theory!r} does not take; 'ym_phi3' does")
    if theory in ("ym", "ym_phi3") and list(scalars):
        raise ValueError(
            f"scalars: {scalars!r}, which {theory!r} does not take; 'yms' and 'yms_minimal' do"
        )
    if theory != "ym_phi3":
        return OrderedParticles(letters, checked_flavours(scalars, point.n), ())
    order = checked_trace(trace, point.n)
    letters = turned_to_end_with(letters, order[-1] if letters[-1] not in order else letters[-1])
    return OrderedParticles(letters, {}, turned_to_end_with(order, letters[-1]))
