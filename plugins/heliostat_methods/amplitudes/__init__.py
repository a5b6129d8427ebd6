"""Tree amplitudes, transmutation operators and (A)dS wavefunctions by Berends-Giele currents.

>>> from heliostat_methods.amplitudes import Trace, amplitude, apply, standard_gram_point
>>> point = standard_gram_point(6)
>>> amplitude("ym", point)
Fraction(-24263959, 27873846)
>>> apply(Trace(0, 2, 5), "ym")(point) == amplitude("ym_phi3", point, trace=(0, 2, 5))
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.amplitudes.acting.apply import apply
    from heliostat_methods.amplitudes.ads.correlator import correlator
    from heliostat_methods.amplitudes.ads.exponential_sum import ExpSum
    from heliostat_methods.amplitudes.ads.flat_limit import flat_limit
    from heliostat_methods.amplitudes.ads.general_dimension import psi_quadrature
    from heliostat_methods.amplitudes.ads.scalar_loop import sewn_scalar_loop
    from heliostat_methods.amplitudes.ads.wavefunction import energy_pole, psi
    from heliostat_methods.amplitudes.currents.orderings import bcj_basis, kk_basis
    from heliostat_methods.amplitudes.currents.theories import amplitude, bg_currents, semi_on_shell
    from heliostat_methods.amplitudes.errors import InvalidPoint, SingularKinematics
    from heliostat_methods.amplitudes.expressions.expression import expression, latex
    from heliostat_methods.amplitudes.fields.named import field_named
    from heliostat_methods.amplitudes.fields.prime import GF
    from heliostat_methods.amplitudes.helicity.helicity_amplitude import helicity_amplitude
    from heliostat_methods.amplitudes.helicity.parke_taylor import parke_taylor
    from heliostat_methods.amplitudes.kernels.backend import backend
    from heliostat_methods.amplitudes.kernels.finite_field import ym_amplitudes_mod
    from heliostat_methods.amplitudes.kernels.ward_identity import amplitude_errors, ward_residuals
    from heliostat_methods.amplitudes.kernels.yang_mills import ym_amplitudes
    from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
    from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
    from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
    from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
    from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
    from heliostat_methods.amplitudes.kinematics.random_points import (
        random_ads_point,
        random_gram_point,
    )
    from heliostat_methods.amplitudes.kinematics.serialised import from_json, to_json
    from heliostat_methods.amplitudes.kinematics.spinors import spinor_points, spinors_of
    from heliostat_methods.amplitudes.kinematics.standard import (
        standard_ads_point,
        standard_gram_point,
    )
    from heliostat_methods.amplitudes.loops.ads_sewing import regulated_scalar_loop
    from heliostat_methods.amplitudes.loops.batched import batched_integrand
    from heliostat_methods.amplitudes.loops.cuts import cut, physical_cut
    from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
    from heliostat_methods.amplitudes.loops.diagrams import ring_diagrams
    from heliostat_methods.amplitudes.loops.drawing import drawn_rings
    from heliostat_methods.amplitudes.loops.integrands import integrand
    from heliostat_methods.amplitudes.loops.random_loops import random_loop_point
    from heliostat_methods.amplitudes.operators.terms import (
        Insertion,
        Longitudinal,
        Pair,
        Pions,
        Trace,
    )
    from heliostat_methods.amplitudes.reconstruction.ansatz import fit_ansatz
    from heliostat_methods.amplitudes.reconstruction.factored_poles import factored_in_poles
    from heliostat_methods.amplitudes.reconstruction.lifted_function import reconstruct_function
    from heliostat_methods.amplitudes.reconstruction.lifted_number import reconstruct_number
    from heliostat_methods.amplitudes.relations.catalogue import catalogue

_HOME = {
    "AdSPoint": "kinematics.ads_point",
    "DPolynomial": "loops.d_polynomial",
    "ExpSum": "ads.exponential_sum",
    "FourVectorPoint": "kinematics.four_vector_point",
    "GF": "fields.prime",
    "GramPoint": "kinematics.gram_point",
    "Insertion": "operators.terms",
    "InvalidPoint": "errors",
    "Longitudinal": "operators.terms",
    "LoopPoint": "kinematics.loop_point",
    "Pair": "operators.terms",
    "Pions": "operators.terms",
    "SingularKinematics": "errors",
    "Trace": "operators.terms",
    "amplitude": "currents.theories",
    "amplitude_errors": "kernels.ward_identity",
    "apply": "acting.apply",
    "backend": "kernels.backend",
    "batched_integrand": "loops.batched",
    "bcj_basis": "currents.orderings",
    "bg_currents": "currents.theories",
    "catalogue": "relations.catalogue",
    "correlator": "ads.correlator",
    "cut": "loops.cuts",
    "drawn_rings": "loops.drawing",
    "energy_pole": "ads.wavefunction",
    "expression": "expressions.expression",
    "factored_in_poles": "reconstruction.factored_poles",
    "field_named": "fields.named",
    "fit_ansatz": "reconstruction.ansatz",
    "flat_limit": "ads.flat_limit",
    "flat_phase_space": "kinematics.phase_space",
    "from_json": "kinematics.serialised",
    "helicity_amplitude": "helicity.helicity_amplitude",
    "integrand": "loops.integrands",
    "kk_basis": "currents.orderings",
    "latex": "expressions.expression",
    "parke_taylor": "helicity.parke_taylor",
    "physical_cut": "loops.cuts",
    "psi": "ads.wavefunction",
    "psi_quadrature": "ads.general_dimension",
    "random_ads_point": "kinematics.random_points",
    "random_gram_point": "kinematics.random_points",
    "random_loop_point": "loops.random_loops",
    "reconstruct_function": "reconstruction.lifted_function",
    "reconstruct_number": "reconstruction.lifted_number",
    "regulated_scalar_loop": "loops.ads_sewing",
    "ring_diagrams": "loops.diagrams",
    "semi_on_shell": "currents.theories",
    "sewn_scalar_loop": "ads.scalar_loop",
    "spinor_points": "kinematics.spinors",
    "spinors_of": "kinematics.spinors",
    "standard_ads_point": "kinematics.standard",
    "standard_gram_point": "kinematics.standard",
    "to_json": "kinematics.serialised",
    "ward_residuals": "kernels.ward_identity",
    "ym_amplitudes": "kernels.yang_mills",
    "ym_amplitudes_mod": "kernels.finite_field",
}
__all__ = [
    "GF",
    "AdSPoint",
    "DPolynomial",
    "ExpSum",
    "FourVectorPoint",
    "GramPoint",
    "Insertion",
    "InvalidPoint",
    "Longitudinal",
    "LoopPoint",
    "Pair",
    "Pions",
    "SingularKinematics",
    "Trace",
    "amplitude",
    "amplitude_errors",
    "apply",
    "backend",
    "batched_integrand",
    "bcj_basis",
    "bg_currents",
    "catalogue",
    "correlator",
    "cut",
    "drawn_rings",
    "energy_pole",
    "expression",
    "factored_in_poles",
    "field_named",
    "fit_ansatz",
    "flat_limit",
    "flat_phase_space",
    "from_json",
    "helicity_amplitude",
    "integrand",
    "kk_basis",
    "latex",
    "parke_taylor",
    "physical_cut",
    "psi",
    "psi_quadrature",
    "random_ads_point",
    "random_gram_point",
    "random_loop_point",
    "reconstruct_function",
    "reconstruct_number",
    "regulated_scalar_loop",
    "ring_diagrams",
    "semi_on_shell",
    "sewn_scalar_loop",
    "spinor_points",
    "spinors_of",
    "standard_ads_point",
    "standard_gram_point",
    "to_json",
    "ward_residuals",
    "ym_amplitudes",
    "ym_amplitudes_mod",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
