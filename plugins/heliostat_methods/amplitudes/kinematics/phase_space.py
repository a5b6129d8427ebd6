"""Real massless momenta, flat in phase space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Momenta = NDArray[np.float64]


def flat_phase_space(
    points: int, n: int, rng: np.random.Generator, energy: float = 1000.0
) -> Momenta:
    """Return momenta (points, n, 4), (E, x, y, z), of 2 -> n-2 scattering in the rest frame.

    Legs 0 and 1 come in along +z and -z with half the energy each, as outgoing legs of negative
    energy; the others go out, flat in Lorentz-invariant phase space. ``energy``: of both together,
    in any unit. n >= 4. Sums of components stay below 1e-12 of the energy, and k.k below 1e-12 of
    its square. Source: derived after the construction known as RAMBO (Kleiss, Stirling and Ellis):
    isotropic momenta with energy density x e^{-x}, boosted to rest and scaled to the energy.
    """
    if n < 4:
        raise ValueError(f"n: {n}, expected at least 4 legs: no real massless leg decays in two")
    if not (np.isfinite(energy) and energy > 0):
        raise ValueError(f"energy: {energy!r}, expected a positive number")
    uniform = rng.random((points, n - 2, 4))
    cosine = 2 * uniform[..., 0] - 1
    sine, azimuth = np.sqrt(1 - cosine**2), 2 * np.pi * uniform[..., 1]
    size = -np.log((1 - uniform[..., 2]) * (1 - uniform[..., 3]))  # 1 - u: never log(0)
    size = np.maximum(size, np.finfo(float).tiny)
    direction = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=-1)
    outgoing = size[..., None] * direction
    # Nearly parallel legs are boosted far, and rounding with them. The map leaves what is at rest
    # alone, so a second and a third pass take that rounding away.
    for _ in range(3):
        outgoing = _at_rest(outgoing)
    made = np.zeros((points, n, 4))
    made[:, :2, 0] = -energy / 2
    made[:, 0, 3], made[:, 1, 3] = -energy / 2, energy / 2
    made[:, 2:, 1:] = energy * outgoing
    made[:, 2:, 0] = energy * np.linalg.norm(outgoing, axis=-1)
    return made


def _at_rest(vectors: Momenta) -> Momenta:
    """Return three-vectors (points, m, 3) of massless legs, boosted to rest, of energy 1 in all."""
    sizes = np.linalg.norm(vectors, axis=-1)
    total, drift = sizes.sum(1), vectors.sum(1)
    # (E - P)(E + P) keeps the mass of nearly parallel legs, E^2 - P^2 would not
    length = np.linalg.norm(drift, axis=-1)
    mass = np.sqrt(np.maximum((total - length) * (total + length), np.finfo(float).tiny))
    boost = -drift / mass[:, None]
    gamma = total / mass
    along = np.einsum("pmc,pc->pm", vectors, boost)
    factor = sizes + along / (1 + gamma)[:, None]
    found: Momenta = (vectors + boost[:, None] * factor[..., None]) / mass[:, None, None]
    return found
