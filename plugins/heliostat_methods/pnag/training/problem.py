"""What all tasks of a run share: the images in three parts, the space, what trains and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import ConfigError, PartRef, Run, stored
from heliostat.contract import Dataset
from heliostat.errors import DataError
from heliostat_methods.pnag.config import PNAGConfig, SupernetConfig
from heliostat_search.names_of_data import class_names
from heliostat_search.splits import Samples, split

Part = Literal["valid", "test"]
"""The images that judge: those that choose, or those that are reported."""
DEFAULT_DATASET = PartRef("digits")


@stored("pnag.images")
@dataclass(frozen=True, eq=False)
class Images:
    """One part: `pixels` (n, channels, height, width) float32, standardised; `labels` (n,)."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def tensors(self, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pixels and labels on a device."""
        # copies: what is shared is read-only, which torch does not know
        return (
            torch.from_numpy(np.array(self.pixels)).to(device),
            torch.from_numpy(np.array(self.labels)).to(device),
        )


@stored("pnag.problem")
@dataclass(frozen=True, eq=False)
class Problem:
    """Images to train on, and what is trained on them.

    `mean`, `deviation`: what pixels of the data set were standardised by. `labels`: what its
    classes are called.
    """

    dataset: str
    train: Images
    valid: Images
    test: Images
    classes: int
    space: PartRef
    layers: tuple[PartRef, ...]
    loss: PartRef
    settings: SupernetConfig
    memory_format: Literal["channels_last", "contiguous"]
    remarks: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    labels: tuple[str, ...] = ()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        return cast("tuple[int, int, int]", self.train.pixels.shape[1:])

    @property
    def calibration(self) -> Images:
        """The training images that statistics are taken from."""
        count = self.settings.calibration
        return Images(self.train.pixels[:count], self.train.labels[:count])

    def part(self, part: Part) -> Images:
        """Return the images that judge."""
        return self.valid if part == "valid" else self.test


def posed(config: PNAGConfig, run: Run) -> Problem:
    """Return the problem of a configuration; raises ConfigError for data that are no images."""
    reference = config.dataset or DEFAULT_DATASET
    dataset = run.part("dataset", reference)
    shape = _image_shape(dataset, reference)
    _refuse_other_loss(config, run)
    parts = split(dataset, run.rng("split"), config.fractions)
    for name in ("batch", "calibration"):
        count = getattr(config.supernet, name)
        if count > len(parts.train):
            most = f"at most {len(parts.train)}, the images that train"
            raise ConfigError(f"supernet.{name}", count, most)
    train, valid, test = (_images(one, shape) for one in (parts.train, parts.valid, parts.test))
    scale = parts.input_scale
    mean, deviation = (0.0, 1.0) if scale is None else (float(scale.mean), float(scale.deviation))
    return Problem(
        dataset.name, train, valid, test, dataset.classes, config.space, config.layers,
        config.loss, config.supernet, _memory_format(config), tuple(parts.remarks),
        mean, deviation, class_names(dataset),
    )  # fmt: skip


def _image_shape(dataset: Dataset, reference: PartRef) -> tuple[int, int, int]:
    if dataset.task != "classification":
        raise ConfigError("dataset", reference.name, "images with classes", "it is a regression")
    shape: Any = getattr(dataset, "image_shape", None)
    if shape is None and dataset.inputs.ndim == 4:
        shape = dataset.inputs.shape[1:]
    if shape is None:
        raise ConfigError(
            "dataset", reference.name, "images (channels, height, width)",
            "digits, mnist5k, fashion_mnist and cifar10 are some"
        )  # fmt: skip
    return cast("tuple[int, int, int]", tuple(map(int, shape)))


def _images(part: Samples, shape: tuple[int, int, int]) -> Images:
    if len(part) == 0:
        raise DataError("a part of the images is empty")
    pixels = np.ascontiguousarray(part.inputs.reshape(-1, *shape), dtype=np.float32)
    return Images(pixels, part.targets.astype(np.int64))


def _refuse_other_loss(config: PNAGConfig, run: Run) -> None:
    tasks = tuple(getattr(run.part("loss", config.loss), "tasks", ("classification",)))
    if "classification" not in tasks:
        raise ConfigError(
            "loss", config.loss.name, "a loss for classification", f"it is for {tasks[0]}"
        )


def _memory_format(config: PNAGConfig) -> Literal["channels_last", "contiguous"]:
    chosen = config.supernet.memory_format
    return "channels_last" if chosen == "auto" else chosen
