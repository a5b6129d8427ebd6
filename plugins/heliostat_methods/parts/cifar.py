"""CIFAR-10 and CIFAR-100 from their binary edition (Krizhevsky 2009).

A file is a sequence of records: one label byte (CIFAR-10), or two, coarse and fine (CIFAR-100),
then 3,072 bytes of pixels: the red, the green and the blue 32 x 32 plane, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.packed_files import Release, find_files, read_files

PIXELS = 3 * 32 * 32
CIFAR10_BATCHES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
HOME = "the CIFAR page of the University of Toronto (Alex Krizhevsky)"


@dataclass(frozen=True)
class Edition:
    """The files of one data set: records in each, and for each label byte its name and classes."""

    release: Release
    records: Mapping[str, int]
    labels: tuple[tuple[str, int, str], ...]

    @property
    def record_bytes(self) -> int:
        """Size of one image with its labels."""
        return len(self.labels) + PIXELS


CIFAR10 = Edition(
    Release(
        name="cifar10",
        home=HOME,
        get='the "binary version", cifar-10-binary.tar.gz,',
        folder="cifar-10-batches-bin",
        files=tuple(f"{name}.bin" for name in CIFAR10_BATCHES),
        extra=("batches.meta.txt",),
        pickled=(*CIFAR10_BATCHES, "batches.meta"),
    ),
    records={f"{name}.bin": 10_000 for name in CIFAR10_BATCHES},
    labels=(("label", 10, "batches.meta.txt"),),
)
CIFAR100 = Edition(
    Release(
        name="cifar100",
        home=HOME,
        get='the "binary version", cifar-100-binary.tar.gz,',
        folder="cifar-100-binary",
        files=("train.bin", "test.bin"),
        extra=("coarse_label_names.txt", "fine_label_names.txt"),
        pickled=("train", "test", "meta"),
    ),
    records={"train.bin": 50_000, "test.bin": 10_000},
    labels=(
        ("coarse label", 20, "coarse_label_names.txt"),
        ("fine label", 100, "fine_label_names.txt"),
    ),
)


def cifar10_files(path: Path) -> list[Path]:
    """Return the files that `cifar10` reads."""
    return find_files(path, CIFAR10.release)


def cifar100_files(path: Path) -> list[Path]:
    """Return the files that `cifar100` reads."""
    return find_files(path, CIFAR100.release)


def cifar10(path: Path, edition: Edition = CIFAR10) -> ArrayDataset:
    """Return 60,000 colour images, 32 x 32 pixels from 0 to 1, 10 classes; the last 10,000 test.

    `path` is the archive or its folder. Raises DataError for files that are missing, pickled, of
    the wrong size or with labels out of range.
    """
    return _dataset("cifar10", path, edition, 0)


def cifar100(path: Path, coarse: bool = False, edition: Edition = CIFAR100) -> ArrayDataset:
    """Return 60,000 colour images, 32 x 32 pixels from 0 to 1, 100 classes; the last 10,000 test.

    `coarse` gives the 20 groups of classes instead. Paths and errors as for `cifar10`.
    """
    return _dataset("cifar100-coarse" if coarse else "cifar100", path, edition, 0 if coarse else 1)


def _dataset(name: str, path: Path, edition: Edition, label: int) -> ArrayDataset:
    files = read_files(path, edition.release)
    records = np.concatenate([_records(file, files[file], edition) for file in edition.records])
    _, classes, names = edition.labels[label]
    tests = edition.records[list(edition.records)[-1]]
    inputs = records[:, len(edition.labels) :].astype(np.float32)
    inputs /= 255
    return ArrayDataset(
        name=name,
        task="classification",
        inputs=inputs,
        targets=records[:, label].astype(np.int64),
        classes=classes,
        image_shape=(3, 32, 32),
        labels=_class_names(edition.release.name, names, files.get(names), classes),
        test_rows=np.arange(len(records) - tests, len(records)),
    )


def _records(file: str, content: bytes, edition: Edition) -> NDArray[np.uint8]:
    """Return the file as (records, record bytes), its size and labels checked."""
    name, size = edition.release.name, edition.record_bytes
    expected = edition.records[file] * size
    if len(content) != expected:
        state = "truncated" if len(content) < expected else "too long"
        raise DataError(
            f"{name}: {file} is {state}: {len(content):,} bytes, expected {expected:,} "
            f"({edition.records[file]:,} images of {size:,} bytes)"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    for column, (what, classes, _) in enumerate(edition.labels):
        bad = np.flatnonzero(records[:, column] >= classes)
        if len(bad):
            raise DataError(
                f"{name}: {file} is damaged: {what} of image {bad[0]} is "
                f"{records[bad[0], column]}, outside 0..{classes - 1}"
            )
    return records


def _class_names(name: str, file: str, content: bytes | None, classes: int) -> tuple[str, ...]:
    if content is None:
        return ()
    lines = content.decode("utf-8", "replace").split()
    if len(lines) != classes:
        raise DataError(f"{name}: {file} has {len(lines)} class names, expected {classes}")
    return tuple(lines)
