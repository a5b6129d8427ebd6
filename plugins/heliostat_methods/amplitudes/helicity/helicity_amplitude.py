"""Amplitudes of gluons with definite helicities, by the recursion of currents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.fields.floating import COMPLEX128
from heliostat_methods.amplitudes.helicity.references import default_reference
from heliostat_methods.amplitudes.helicity.rounding import EPSILON, ROUNDING
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.spinors import Reference, Spinors, spinors_of


def helicity_amplitude(
    momenta: Any, helicities: Sequence[int] | str, reference: Reference | None = None,
    ordering: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """Return A_YM of legs with helicities +1 and -1, all legs outgoing.

    ``momenta``: (n, 4) or (points, n, 4) under (+,-,-,-), real or complex, or Spinors.
    ``helicities``: +1 or -1 a leg, or text "--++". ``reference``: spinors |q> and |q] of all legs,
    (2,) each, or of each (see Spinors.polarisations); by default each leg's own that makes its
    polarisation smallest, so that large terms do not cancel. Returns a complex number, or (points,)
    of them, inf or nan at a point where a propagator is 0; for residues int64 (points,), of
    polarisations without sqrt2. Phases are those of the spinors, see `spinors_of`. Errors as in
    Spinors.polarisations and `amplitude`. Source: derived.
    """
    spinors = momenta if isinstance(momenta, Spinors) else spinors_of(momenta)
    reference = default_reference(spinors) if reference is None else reference
    if spinors.prime is not None:
        points = (spinors.point(helicities, reference, at) for at in range(spinors.points))
        return np.array([int(amplitude("ym", point, ordering)) for point in points], np.int64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = amplitude("ym", _batch(spinors, helicities, reference), ordering)
    return complex(found[0]) if np.ndim(momenta) == 2 else found


def helicity_rounding(
    momenta: Any, helicities: Sequence[int] | str, reference: Reference | None = None,
    ordering: Sequence[int] | None = None,
) -> Any:  # fmt: skip
    """Return how much rounding `helicity_amplitude` may have left in its value, to first order.

    It follows from the sizes of all terms (see `rounding`), so |A| below it is as good as 0. Takes
    the same arguments without residues; returns a float, or (points,).
    """
    spinors = momenta if isinstance(momenta, Spinors) else spinors_of(momenta)
    if spinors.prime is not None:
        raise ValueError("momenta: residues, expected complex numbers: residues are not rounded")
    reference = default_reference(spinors) if reference is None else reference
    point = _batch(spinors, helicities, reference).over(ROUNDING)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        error = EPSILON * amplitude("ym", point, ordering).error
    return float(error[0]) if np.ndim(momenta) == 2 else error


def _batch(
    spinors: Spinors, helicities: Sequence[int] | str, reference: Reference
) -> FourVectorPoint:
    momenta, polarisations = spinors.momenta(), spinors.polarisations(helicities, reference)
    momenta, polarisations = np.moveaxis(momenta, 0, -1), np.moveaxis(polarisations, 0, -1)
    return FourVectorPoint(momenta, polarisations, spinors.metric, COMPLEX128)
