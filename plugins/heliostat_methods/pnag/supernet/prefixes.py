"""Accuracies of many subnets, each recalibrated for itself: every distinct beginning once.

Calibration and evaluation images travel together. At each stage the calibration batches are
normalised by themselves, their averaged moments are the subnet's statistics there, and the
evaluation images are normalised by those: the statistics of a layer depend on the blocks before it
alone, so subnets that begin alike share them exactly. Images go in chunks of a fixed size, so a
subnet's logits have the same bits whichever others are asked for with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat.errors import DataError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.normalisation import Given, Recording
from heliostat_methods.pnag.supernet.paths import walk
from heliostat_methods.pnag.supernet.recalibration import in_batches

PIXELS_AT_ONCE = 4096 * 28 * 28
"""Of evaluation images that are carried through the networks together, in each channel."""


@dataclass(frozen=True)
class Chunks:
    """How many images go through a network at once; other sizes may give other last bits.

    `calibration`: images over which one batch's moments are taken.
    """

    calibration: int = 100
    evaluation: int = 256


@dataclass(frozen=True)
class _Carried:
    """Activations of calibration batches and of evaluation chunks at one place."""

    calibration: tuple[Tensor, ...]
    evaluation: tuple[Tensor, ...]


def _run(stage: Callable[..., Tensor], *values: _Carried) -> _Carried:
    record = Recording()
    calibrated = []
    for tensors in zip(*(value.calibration for value in values), strict=True):
        record.begin()
        calibrated.append(stage(*tensors, record))
    statistics = record.averaged()
    evaluated = [
        stage(*tensors, Given(statistics))
        for tensors in zip(*(value.evaluation for value in values), strict=True)
    ]
    return _Carried(tuple(calibrated), tuple(evaluated))


def each_logits(
    net: Supernet, subnets: Sequence[Blocks], calibration: Tensor, images: Tensor,
    chunks: Chunks = Chunks(),
) -> Iterator[tuple[int, Tensor]]:  # fmt: skip
    """Yield (index of a subnet, its logits (images, classes)), in lexicographic order of blocks.

    Memory is bounded by the depth of the network, whatever the number of subnets.
    """
    carried: Any = _Carried(
        in_batches(calibration, chunks.calibration, "calibration"),
        in_batches(images, chunks.evaluation, "evaluation"),
    )
    walked = walk(net, subnets, carried, _run)
    while True:
        # Entered for each step alone: a generator that waits must leave the caller's mode be.
        with torch.inference_mode():
            found = next(walked, None)
            if found is None:
                return
            index, logits = found[0], torch.cat(found[1].evaluation)
        yield index, logits


def accuracies(
    net: Supernet, subnets: Sequence[Blocks], calibration: Tensor, images: Tensor, labels: Tensor,
    chunks: Chunks = Chunks(),
) -> NDArray[np.float64]:  # fmt: skip
    """Return the share of images that each subnet classifies right, (n,), recalibrated for it.

    calibration, images: (count, channels, height, width); labels: (count,) integers. Raises
    DataError for logits that are not finite and for counts that differ.
    """
    if len(images) != len(labels):
        raise DataError(f"{len(images)} evaluation images and {len(labels)} labels")
    right = np.zeros(len(subnets), np.int64)
    for part in _portions(images, chunks.evaluation):
        for index, logits in each_logits(net, subnets, calibration, images[part], chunks):
            if not torch.isfinite(logits).all():
                raise DataError(f"subnet {subnets[index]}: logits that are not finite")
            right[index] += int((logits.argmax(1) == labels[part]).sum())
    found: NDArray[np.float64] = right / len(images)
    return found


def _portions(images: Tensor, chunk: int) -> Iterator[slice]:
    """Yield parts of the images that a network takes at once, in whole chunks.

    Activations of a part are held at every depth, so 60,000 images at once would take 12 GB.
    """
    pixels = images.shape[-1] * images.shape[-2]
    size = chunk * max(1, PIXELS_AT_ONCE // max(1, chunk * pixels))
    for start in range(0, max(1, len(images)), size):  # none at all are refused further down
        yield slice(start, start + size)
