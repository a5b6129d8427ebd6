"""A finite integral in four dimensions that the all-plus loop is equal to.

In dimensional regularisation a scalar of mass m in the loop gives c (-1/6 + m^4 I_4(m)) (see
`all_plus`), I_4 the box, which is finite. So for any m

    int d^4l / (i pi^2) [ I(l; m) - c m^4 / (d_0 d_1 d_2 d_3) ] = -c/6,

where a fifth component m of l makes I of a massive scalar. It may be taken in four dimensions:

- One reference spinor |r> for all legs makes e_i.e_j = 0; then every current is |r> times some
  spinor, so products of any two currents vanish. Divergent tensor integrals are contracted with
  products of currents, so what is left converges, without 0/0 of D - 4.
- Rings of two edges are proportional to (l.A)(l.B) with A.B = A.K = B.K = 0, K the momentum through
  them: they integrate to 0 and are left out.
- l is turned by N phases about r, which multiply each <r|l|x] with e^{i phi}. The mean over them
  kills leading powers of l before they are integrated: l^-4 becomes l^-6, which converges
  absolutely.
- l^0 = i l_E, about the middle of the energies 0 and -E of k_0 + .. + k_{i-1}: no pole is crossed
  for m > E/2.

Source: derived; the massive amplitude is that of Bern and Morgan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heliostat_methods.amplitudes.loops.all_plus import AllPlusLegs, Array, known_box_coefficient
from heliostat_methods.amplitudes.loops.batched import batched_integrand

PHASES = 8
"""How many phases are averaged over: more than the four powers of <r|l|x] that there are."""


@dataclass(frozen=True)
class FiniteCombination:
    """The integrand over the unit cube (samples, 4), divided by c; its integral is -1/6 + 0i.

    ``mass``: of the scalar, 0.6 to 1e3 times the energy of the legs. The first coordinate is |l_E|
    (|l|^2 = x / (1-x) in units of the mass), the others are angles. Values (samples,), complex.
    """

    legs: AllPlusLegs
    mass: float
    box: bool = True
    """Less the box; without it the integral is -1/6 + mass^4 `massive_box`."""

    def __post_init__(self) -> None:
        low, high = 0.6 * self.legs.energy, 1e3 * self.legs.energy
        if not low <= self.mass <= high:
            raise ValueError(
                f"mass: {self.mass!r}, expected {low:g} to {high:g}: below half the legs' energy "
                "poles lie between real and imaginary l^0, just above it samples scatter, and far "
                "above digits are lost"
            )

    dimensions = 4

    def __call__(self, cube: Array) -> Array:
        """Return the values at points of the cube, with the measure."""
        # beyond |l| = 1e5 masses rounding outgrows what the mean over phases leaves; 1e-10 of the
        # cube holds less than 1e-8 of the integral
        x = cube[:, 0] * (1 - 1e-10)
        size = self._mass * np.sqrt(x / (1 - x))
        # |l|^3 d|l| of the sphere's 2 pi^2, over pi^2
        measure = size**2 * self._mass**2 / (1 - x) ** 2
        total = np.zeros(len(cube), dtype=complex)
        for phase in np.exp(2j * np.pi * np.arange(PHASES) / PHASES):
            l = self._loop_momenta(size, cube, phase)
            rings = batched_integrand(
                "scalar", self._momenta, self._polarisations, l, without_bubbles=True
            )
            total += rings / self._c
            if self.box:
                total -= self._mass**4 / self._box(l)
        found: Array = measure * total / PHASES
        return found

    def _loop_momenta(self, size: Array, cube: Array, phase: complex) -> Array:
        """Return l (samples, 5) from |l_E| and angles, turned about the reference."""
        # a quaternion u_0 + i u.sigma on the unit sphere, in the basis of |r> and its orthogonal
        z = np.sqrt(1 - cube[:, 1]) * np.exp(2j * np.pi * cube[:, 2])
        w = np.sqrt(cube[:, 1]) * np.exp(2j * np.pi * cube[:, 3])
        up = [z * phase, -w.conj() * phase]
        down = [w / phase, z.conj() / phase]
        r = np.array(self._legs.reference)
        r /= np.linalg.norm(r)
        m00, m01 = (r[0] * a - r[1].conj() * b for a, b in zip(up, down, strict=True))
        m10, m11 = (r[1] * a + r[0].conj() * b for a, b in zip(up, down, strict=True))
        made = np.empty((len(cube), 5), dtype=complex)
        made[:, 0] = 1j * size * (m00 + m11).real / 2 + 0.5
        made[:, 1] = -size * (m01 + m10).imag / 2
        made[:, 2] = -size * (m01 - m10).real / 2
        made[:, 3] = -size * (m00 - m11).imag / 2
        made[:, 4] = self._mass
        return made

    def _box(self, l: Array) -> Array:
        product = np.ones(len(l), dtype=complex)
        for offset in np.cumsum([np.zeros(5), *self._momenta[:3]], axis=0):
            q = l + offset
            product *= q[:, 0] ** 2 - (q[:, 1:] ** 2).sum(1)
        return product

    @cached_property
    def _legs(self) -> AllPlusLegs:
        """The legs in units of their energy, and with a reference of size 1."""
        a, b = self.legs.reference
        size = max(abs(a), abs(b))
        return AllPlusLegs(1.0, self.legs.angle, (a / size, b / size))

    @cached_property
    def _mass(self) -> float:
        return self.mass / self.legs.energy

    @cached_property
    def _c(self) -> complex:
        return complex(known_box_coefficient(self._legs.spinors)[0])

    @cached_property
    def _momenta(self) -> Array:
        return np.pad(self._legs.momenta, ((0, 0), (0, 1)))

    @cached_property
    def _polarisations(self) -> Array:
        return np.pad(self._legs.polarisations, ((0, 0), (0, 1)))
