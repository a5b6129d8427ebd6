"""A helicity amplitude once more with many digits, for points that float64 leaves in doubt."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.fields.multiprecision import MultiprecisionField
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.spinors import Spinors, checked_helicities
from heliostat_methods.amplitudes.operators.substitution import gauged


def amplitude_with_digits(
    spinors: Spinors, helicities: Any, reference: Any, at: int, digits: int = 40
) -> tuple[complex, float]:
    """Return A_YM at one point of a batch, and its Ward residual for leg 0 relative to it.

    The spinors count as exact but for lambda~ of the last two legs, which conserve momentum to all
    digits; ``reference``: |q> and |q], as for Spinors.polarisations.
    """
    field = MultiprecisionField(digits)
    number = field.number
    n = spinors.n
    angle = [[number(complex(x)) for x in row] for row in spinors.angle[at]]
    square = [[number(complex(x)) for x in row] for row in spinors.square[at]]
    a, b = n - 2, n - 1
    for solved, other in ((b, a), (a, b)):
        total = [field.zero, field.zero]
        for i in range(n - 2):
            weight = _bracket(angle[other], angle[i])
            total = [x - weight * y for x, y in zip(total, square[i], strict=True)]
        below = _bracket(angle[other], angle[solved])
        square[solved] = [x / below for x in total]
    q_angle, q_square = (
        [[number(complex(x)) for x in row]
         for row in np.broadcast_to(q[at] if np.ndim(q) == 3 else q, (n, 2))]
        for q in reference
    )  # fmt: skip
    root = field.context.sqrt(2)
    momenta = [_components(angle[i], square[i], field) for i in range(n)]
    polarisations = []
    for i, sign in enumerate(checked_helicities(helicities, n)):
        left, right = (q_angle[i], square[i]) if sign > 0 else (angle[i], q_square[i])
        below = (_bracket(q_angle[i], angle[i]) if sign > 0
                 else _bracket(square[i], q_square[i]))  # fmt: skip
        scaled = [x * root / below for x in left]
        polarisations.append(_components(scaled, right, field))
    point = FourVectorPoint(momenta, polarisations, "+---", field).gram()
    found = amplitude("ym", point)
    ward = amplitude("ym", gauged(point, 0))
    return complex(found), float(abs(ward) / max(abs(found), field.context.mpf(10) ** -digits))


def _bracket(a: Any, b: Any) -> Any:
    return a[0] * b[1] - a[1] * b[0]


def _components(angle: Any, square: Any, field: MultiprecisionField) -> list[Any]:
    m00, m01 = angle[0] * square[0], angle[0] * square[1]
    m10, m11 = angle[1] * square[0], angle[1] * square[1]
    imaginary = field.context.mpc(0, 1)
    return [(m00 + m11) / 2, (m01 + m10) / 2, (m10 - m01) / imaginary / 2, (m00 - m11) / 2]
