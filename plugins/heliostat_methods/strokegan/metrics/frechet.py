"""Fréchet distance of two clouds of features, each taken as Gaussian."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_clouds


def frechet_distance(x: ArrayLike, y: ArrayLike, *, shrinkage: bool = False) -> float:
    """Return |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)) of features (n, d) and (m, d), ddof = 1.

    Dowson and Landau 1982; in features of a glyph classifier it is ``fd_glyph``, never FID.
    ``shrinkage`` pulls both covariances towards multiples of the identity (Ledoit and Wolf 2004)
    and warns by how much. Raises ValueError where n <= d without it, and for fewer than 2 samples.
    """
    left, right = checked_clouds(x, y, least=2)
    for name, cloud in (("x", left), ("y", right)):
        if len(cloud) <= cloud.shape[1] and not shrinkage:
            raise ValueError(
                f"{name}: {len(cloud)} samples of {cloud.shape[1]} features have no covariance of "
                "full rank; give more samples than features, or shrinkage=True"
            )
    scale = max(float(np.abs(left).max()), float(np.abs(right).max()))
    if scale == 0.0:
        return 0.0
    found = _scaled_distance(left / scale, right / scale, shrinkage) * scale * scale
    if not math.isfinite(found):
        raise ValueError(f"x, y: features up to {scale:.3g} have squares beyond float64")
    return found


def _scaled_distance(x: Floats, y: Floats, shrinkage: bool) -> float:
    root_x, root_y = _root(x), _root(y)
    if shrinkage:
        by_x, by_y = shrinkage_intensity(x), shrinkage_intensity(y)
        root_x, root_y = _shrunk(root_x, by_x), _shrunk(root_y, by_y)
        warnings.warn(
            f"covariances were shrunk by {by_x:.3g} of x and {by_y:.3g} of y (Ledoit and Wolf): "
            "compare only with distances that were shrunk too",
            stacklevel=3,
        )
    # tr (S S')^(1/2) is the sum of singular values of R R'^T where S = R^T R: as exact as R, while
    # roots of eigenvalues of S S' that ought to be 0 are 1e-8.
    cross = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    apart = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    spread = np.square(root_x).sum() + np.square(root_y).sum()
    return max(0.0, float(apart + spread - 2.0 * cross))


def _root(x: Floats) -> Floats:
    """Return R with R^T R the covariance of (n, d) rows, ddof = 1."""
    return np.asarray(np.linalg.qr((x - x.mean(axis=0)) / math.sqrt(len(x) - 1), mode="r"))


def _shrunk(root: Floats, by: float) -> Floats:
    """Return the root of (1 - by) S + by tr(S) / d I."""
    width = root.shape[1]
    mean_variance = np.square(root).sum() / width
    stacked = np.vstack([math.sqrt(1 - by) * root, np.eye(width) * math.sqrt(by * mean_variance)])
    return np.asarray(np.linalg.qr(stacked, mode="r"))


def shrinkage_intensity(x: ArrayLike) -> float:
    """Return how far to pull the covariance of rows (n, d) to a multiple of I, in [0, 1].

    Ledoit and Wolf 2004, lemma 3.1 with their estimators of section 3.2.
    """
    rows = np.asarray(x, np.float64)
    rows = rows - rows.mean(axis=0)
    count, width = rows.shape
    # The smaller of the two Gram matrices has the same squares.
    gram = rows.T @ rows if width <= count else rows @ rows.T
    squares = float(np.square(gram).sum()) / count**2
    variance = float(np.square(rows).sum()) / count / width
    spread = squares - width * variance**2
    if spread <= 1e-15 * squares:
        return 0.0
    noise = (float(np.square(np.square(rows).sum(axis=1)).sum()) / count - squares) / count
    return float(min(1.0, max(0.0, noise / spread)))
