"""All metrics of one set of generated glyphs."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.metrics.frechet import frechet_distance
from heliostat_methods.strokegan.metrics.ink import ink_iou
from heliostat_methods.strokegan.metrics.modes import mode_coverage
from heliostat_methods.strokegan.metrics.neighbourhoods import NEIGHBOURS, neighbourhoods
from heliostat_methods.strokegan.metrics.pixels import l1, psnr
from heliostat_methods.strokegan.metrics.retrieval import nearest_truth
from heliostat_methods.strokegan.metrics.strokes import stroke_error
from heliostat_methods.strokegan.metrics.structure import ssim

Images = NDArray[np.float64]


class Critic(Protocol):
    """A reader of glyphs (N, H, W) in [0, 1] that never saw the target font."""

    def features(self, glyphs: NDArray[Any]) -> NDArray[Any]:
        """Return features (N, d)."""

    def predicted(self, glyphs: NDArray[Any]) -> NDArray[np.int64]:
        """Return classes (N,)."""

    def stroke_logits(self, glyphs: NDArray[Any]) -> NDArray[Any]:
        """Return logits (N, 32), above 0 where a stroke is."""


def read_codes(critic: Critic, images: Images) -> NDArray[np.uint8]:
    """Return the one-bit codes (N, 32) that a critic reads."""
    return (critic.stroke_logits(images) > 0).astype(np.uint8)


@dataclass(frozen=True)
class Scores:
    """Metrics over N held-out characters; those with a critic depend on how good it is."""

    l1: float
    psnr: float
    ssim: float
    iou: float
    retrieval: float
    distinct_nearest: float
    """Different true glyphs that are some output's nearest, by characters."""
    content: float
    distinct: float
    pair_distance: float
    stroke_error: float
    fd_glyph: float
    precision: float
    recall: float
    density: float
    coverage: float

    def plain(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


HIGHER = ("psnr", "ssim", "iou", "retrieval", "distinct_nearest", "content", "distinct",
          "pair_distance", "precision", "recall", "density", "coverage")  # fmt: skip
"""Metrics of which more is better."""


def scored(
    outputs: Images, truth: Images, codes: NDArray[np.uint8], classes: NDArray[np.int64],
    critic: Critic,
) -> Scores:  # fmt: skip
    """Return the metrics of outputs (N, H, W) in [0, 1] against true glyphs of the same characters.

    ``codes`` (N, 32): the characters' one-bit codes; ``classes`` (N,): their classes of the critic.
    """
    seen, real = critic.features(outputs), critic.features(truth)
    predicted = critic.predicted(outputs)
    nearest = nearest_truth(outputs, truth)
    modes = mode_coverage(predicted, outputs, truth)
    near = neighbourhoods(real, seen, min(NEIGHBOURS, len(outputs) - 1))
    return Scores(
        l1=float(np.mean(l1(outputs, truth))),
        psnr=float(np.mean(np.minimum(psnr(outputs, truth), 100.0))),
        ssim=float(np.mean(ssim(outputs, truth))),
        iou=float(np.mean(ink_iou(outputs, truth))),
        retrieval=float((nearest == np.arange(len(nearest))).mean()),
        distinct_nearest=len(np.unique(nearest)) / len(nearest),
        content=float((predicted == classes).mean()),
        distinct=modes.coverage,
        pair_distance=modes.pair_distance_ratio,
        stroke_error=float(np.mean(stroke_error(read_codes(critic, outputs), codes))),
        fd_glyph=quiet_frechet(seen, real),
        precision=near.precision, recall=near.recall, density=near.density, coverage=near.coverage,
    )  # fmt: skip


def quiet_frechet(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the Fréchet distance with covariances shrunk, as few glyphs need it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says how far it shrinks; the page says that it does
        return frechet_distance(x, y, shrinkage=True)


def worst_glyphs(outputs: Images, truth: Images, most: int = 50) -> NDArray[np.int64]:
    """Return the rows of the glyphs whose pixels are farthest from the true ones, worst first."""
    return np.argsort(-l1(outputs, truth), kind="stable")[:most]
