"""What a report draws that does not depend on a run's points: diagrams and expressions."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.ads.wavefunction import energy_pole
from heliostat_methods.amplitudes.drawing.cubic_diagrams import cubic_diagrams
from heliostat_methods.amplitudes.expressions.expression import expression, latex
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point
from heliostat_methods.amplitudes.loops.diagrams import ring_diagrams
from heliostat_methods.amplitudes.loops.drawing import drawn_rings


def figures() -> dict[str, Any]:
    """Return diagrams as SVG and amplitudes as LaTeX."""
    four = expression("yms", 4, scalars=((0, 1), (2, 3)))
    contact = expression("ym_phi3", 4, trace=(0, 1, 2, 3))
    return {
        "diagrams": {"4": cubic_diagrams(range(4)), "5": cubic_diagrams(range(5))},
        "rings": drawn_rings(ring_diagrams(4, quartic=False)),
        "poles": [
            [str(pole), float(pole.energy), pole.order + 1, float(pole.coefficient), pole.total]
            for pole in energy_pole("ym", standard_ads_point(4)).poles
        ],
        "expressions": [
            ["A_YMS(0 1 of one flavour, 2 3 of another)", str(four), latex(four)],
            ["A_{YM+phi^3}, all four scalars in one trace", str(contact), latex(contact)],
        ],
    }
