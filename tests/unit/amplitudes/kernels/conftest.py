"""Points of helicity amplitudes in D = 4, and each variant that this machine can run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.contract.instructions import portable_variables
from heliostat.contract.toolchain import find_compiler
from heliostat_methods.amplitudes.kernels import backend
from heliostat_methods.amplitudes.kernels.backend import CHOICES, VARIABLE
from heliostat_methods.amplitudes.kernels.library import library

Array = Any
COMPILED = [name for name in CHOICES if name != "numpy"]


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="session", params=COMPILED)
def compiled(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a variant that gives the same bits as the others."""
    runnable = library("real", 4, 1).runnable
    with pytest.MonkeyPatch.context() as patch:
        if request.param not in (*runnable, "numba"):
            # The level `portable` of tests ends at AVX2; what it has is built for it, once.
            for name in portable_variables():
                patch.delenv(name, raising=False)
            if request.param not in library("real", 4, 1).runnable:
                pytest.skip(f"this CPU has no {request.param}")
        if request.param != "numba" and find_compiler("C") is None:
            pytest.skip("no C compiler is here")
        assert backend(using=request.param).variant == request.param
        yield request.param


@pytest.fixture(scope="session")
def helicity() -> SimpleNamespace:
    """Functions of spinors and of points made from them."""
    return SimpleNamespace(
        momenta=flat_momenta, spinors=spinors, polarisations=polarisations,
        parke_taylor=parke_taylor, vector=vector,
    )  # fmt: skip


def angle(a: Array, b: Array) -> Array:
    """<ab>, or [ab], of spinors (points, 2)."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def vector(left: Array, right: Array) -> Array:
    """The vector of |left>[right|, metric (+, -, -, -): (points, 4)."""
    m = left[..., :, None] * right[..., None, :]
    return np.stack(
        [
            m[..., 0, 0] + m[..., 1, 1],
            m[..., 0, 1] + m[..., 1, 0],
            (m[..., 1, 0] - m[..., 0, 1]) / 1j,
            m[..., 0, 0] - m[..., 1, 1],
        ],
        axis=-1,
    ) / 2  # fmt: skip


def flat_momenta(points: int, n: int, seed: int = 0) -> Array:
    """Massless momenta, all incoming, of two beams along x and n - 2 particles: (points, n, 4)."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(points, n - 2, 3))
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    energy = -np.log(rng.random((points, n - 2)) * rng.random((points, n - 2)))
    q = np.concatenate([energy[..., None], energy[..., None] * d], -1)
    # RAMBO (Kleiss, Stirling, Ellis 1986): a boost to rest and a scale give them energy 1
    total = q.sum(1, keepdims=True)
    mass = np.sqrt(total[..., 0] ** 2 - (total[..., 1:] ** 2).sum(-1))[..., None]
    b, gamma = -total[..., 1:] / mass, total[..., :1] / mass
    bq = (b * q[..., 1:]).sum(-1, keepdims=True)
    space = q[..., 1:] + b * q[..., :1] + bq * b / (1 + gamma)
    p = np.concatenate([gamma * q[..., :1] + bq, space], -1) / mass
    beam = np.array([[0.5, 0.5, 0, 0], [0.5, -0.5, 0, 0]])
    return np.concatenate([-p, np.broadcast_to(beam, (points, 2, 4))], axis=1)


def spinors(k: Array) -> tuple[Array, Array]:
    """|k> and |k] of real massless momenta, negative energies in |k]: (points, n, 2) each."""
    sign = np.sign(k[..., 0])
    p = k * sign[..., None]
    plus = np.sqrt(p[..., 0] + p[..., 3])
    left = np.stack([plus + 0j, (p[..., 1] + 1j * p[..., 2]) / plus], -1)
    return left, sign[..., None] * left.conj()


def polarisations(k: Array, helicities: Sequence[int], reference: Array | None = None) -> Array:
    """e^+ = sqrt2 |q>[k| / <qk> and e^- = sqrt2 |k>[q| / [kq], the same q for all."""
    left, right = spinors(k)
    q = np.array([0.6 + 0.2j, 0.3 - 0.9j]) if reference is None else np.asarray(reference)
    q = np.broadcast_to(q, left.shape)
    up = vector(q, right) / angle(q, left)[..., None]
    down = vector(left, q.conj()) / angle(right, q.conj())[..., None]
    signs = np.asarray(helicities)[None, :, None]
    return np.sqrt(2) * np.where(signs > 0, up, down)


def parke_taylor(left: Array, i: int, j: int) -> Array:
    """<ij>^4 / (<01><12>...<n-1,0>)."""
    chain = np.prod(angle(left, np.roll(left, -1, axis=1)), axis=1)
    return angle(left[:, i], left[:, j]) ** 4 / chain
