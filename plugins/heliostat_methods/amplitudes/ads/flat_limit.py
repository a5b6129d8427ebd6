"""The flat-space amplitude inside a wavefunction coefficient.

Where the norms sum to 0 the residue of psi at its total energy is the flat amplitude with null
momenta (k_i, |k_i|), whose products are k_i.k_j + |k_i| |k_j|; exactly so in AdS4. Source: derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliostat_methods.amplitudes.ads.wavefunction import energy_pole
from heliostat_methods.amplitudes.currents.theories import Scalars, amplitude
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint


@dataclass(frozen=True)
class FlatLimit:
    """The residue at total energy 0, the amplitude that it should be, and where both were taken.

    ``ads_point``: the given one with |k_{n-1}| minus the sum of the other norms.
    """

    residue: Number
    amplitude: Number
    ads_point: AdSPoint
    flat_point: GramPoint


def flat_limit(
    theory: str, point: AdSPoint, word: Sequence[int] | None = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> FlatLimit:  # fmt: skip
    """Return residue and amplitude at a point moved to total energy 0; over exact fields equal.

    The last leg's norm is replaced, all other data are kept. Arguments and errors as of `psi`.
    """
    balanced = zero_energy_point(point)
    flat = flat_point(balanced)
    residue = energy_pole(theory, balanced, word, scalars, trace).residue
    return FlatLimit(residue, amplitude(theory, flat, word, scalars, trace), balanced, flat)


def zero_energy_point(point: AdSPoint) -> AdSPoint:
    """Return the point with |k_{n-1}| replaced by minus the sum of the other norms."""
    total = point.field.zero
    for norm in point.norms[:-1]:
        total = total - norm
    return point.with_norms((*point.norms[:-1], total))


def flat_point(point: AdSPoint) -> GramPoint:
    """Return the massless point of momenta (k_i, |k_i|), for norms that sum to 0.

    Polarisations have no component along the new direction, so their products stay. Raises
    InvalidPoint where the norms do not sum to 0.
    """
    kk = [
        [point.kk[i][j] + point.norms[i] * point.norms[j] for j in range(point.n - 1)]
        for i in range(point.n - 1)
    ]
    return GramPoint(kk, point.ek, point.ee, field=point.field)
