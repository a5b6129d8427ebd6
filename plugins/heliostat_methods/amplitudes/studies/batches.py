"""Float amplitudes over phase space: Ward residuals, and points in doubt computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import Run, TaskContext, stored, task
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.helicity.more_digits import amplitude_with_digits
from heliostat_methods.amplitudes.helicity.parke_taylor import mhv_factor, parke_taylor
from heliostat_methods.amplitudes.helicity.references import default_reference
from heliostat_methods.amplitudes.kernels.ward_identity import amplitude_errors, ward_residuals
from heliostat_methods.amplitudes.kernels.yang_mills import ym_amplitudes
from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
from heliostat_methods.amplitudes.kinematics.spinors import spinors_of
from heliostat_methods.amplitudes.names import MOST_AGAIN

EDGES = np.arange(-18, 2.5, 0.5)
"""Powers of ten between which residuals are counted."""


@stored("amplitudes.block")
@dataclass(frozen=True)
class Block:
    """Points of flat phase space, by the number of their block."""

    n: int
    number: int
    points: int
    flag_above: float


@task("amplitudes.float_block")
def float_block(item: Block, ctx: TaskContext) -> dict[str, Any]:
    """Return how Ward residuals and errors of MHV amplitudes are spread over a block of points.

    Errors are against Parke and Taylor's formula, relative. A point whose residual is above the
    threshold is computed again with 40 digits: `again` has its place, both residuals, and how far
    the float amplitude was off.
    """
    rng = ctx.rng("phase space", item.n, item.number)
    spinors = spinors_of(flat_phase_space(item.points, item.n, rng))
    helicities = [-1, -1, *[1] * (item.n - 2)]
    reference = default_reference(spinors)
    momenta = spinors.momenta()
    e = spinors.polarisations(helicities, reference)
    found = ym_amplitudes(np.ascontiguousarray(momenta.real), e)
    residual = doubt(np.ascontiguousarray(momenta.real), e, found)
    known = parke_taylor(spinors) * mhv_factor(item.n)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(found - known) / np.abs(known)
    doubtful = np.flatnonzero(~(residual <= item.flag_above))
    again = []
    for at in doubtful[:MOST_AGAIN].tolist():
        exact, ward = amplitude_with_digits(spinors, helicities, reference, at)
        off = abs(found[at] - exact) / abs(exact)
        again.append([at, _plain(residual[at]), ward, _plain(off)])
    return {
        "residuals": _counts(residual), "errors": _counts(error), "flagged": len(doubtful),
        "again": again, "median_error": float(np.nanmedian(error)),
        "largest_error": _plain(np.max(np.where(np.isfinite(error), error, np.inf))),
    }  # fmt: skip


def doubt(momenta: Any, polarisations: Any, found: Any) -> Any:
    """Return how far gauge invariance is violated at each point, (points,): an estimate of error.

    The larger of two Ward residuals: relative to the terms of the sum, which shows momenta that do
    not add up to all digits, and in A's unit relative to A, which shows cancellation.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = amplitude_errors(momenta, polarisations) / np.abs(found)
    return np.maximum(ward_residuals(momenta, polarisations), lost)


def batch_study(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Return the counts over all blocks, or nothing where no batch is asked for."""
    if not config.batch:
        return {}
    run.phase("float amplitudes over phase space")
    size = config.batch_block
    items = [
        Block(config.batch_legs, i, min(size, config.batch - i * size), config.flag_above)
        for i in range(-(-config.batch // size))
    ]
    found = []
    for done, outcome in enumerate(run.stream(float_block, items), 1):
        found.append(outcome.unwrap())
        run.report(done, of=len(items), count=sum(item.points for item in items[:done]))
    return {"batch": {
        "n": config.batch_legs, "points": config.batch, "flag_above": config.flag_above,
        "edges": EDGES.tolist(),
        "residuals": np.sum([one["residuals"] for one in found], axis=0).tolist(),
        "errors": np.sum([one["errors"] for one in found], axis=0).tolist(),
        "flagged": sum(one["flagged"] for one in found),
        "again": [row for one in found for row in one["again"]],
        "median_error": float(np.median([one["median_error"] for one in found])),
        "largest_error": max(one["largest_error"] for one in found),
    }}  # fmt: skip


def _counts(values: Any) -> list[int]:
    """Return counts between EDGES; what lies outside, or is no number, is at the ends."""
    with np.errstate(divide="ignore"):
        powers = np.log10(np.where(np.isfinite(values), np.maximum(values, 1e-300), np.inf))
    inside = np.clip(np.searchsorted(EDGES, powers, side="right") - 1, 0, len(EDGES) - 2)
    return np.bincount(inside, minlength=len(EDGES) - 1).tolist()  # type: ignore[no-any-return]


def _plain(value: Any) -> float:
    number = float(value)
    return number if np.isfinite(number) else 1e300
