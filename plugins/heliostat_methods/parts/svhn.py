"""Street View House Numbers, cropped digits, from the published MATLAB files (Netzer et al. 2011).

`X` is (32, 32, 3, images) uint8, `y` (images, 1) with 1..9 for those digits and 10 for the digit 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.packed_files import Release, find_files

RELEASE = Release(
    name="svhn",
    home="the SVHN page of Stanford University (ufldl)",
    get='"Format 2: Cropped Digits",',
    folder="svhn",
    files=("train_32x32.mat", "test_32x32.mat"),
)
IMAGES = {"train_32x32.mat": 73_257, "test_32x32.mat": 26_032}


def svhn_files(path: Path) -> list[Path]:
    """Return the files that `svhn` reads."""
    files = find_files(path, RELEASE)
    if files == [path]:
        raise DataError(f"svhn: {path} is a file, expected a folder; get {RELEASE.expected}")
    return files


def svhn(path: Path, images: Mapping[str, int] = IMAGES) -> ArrayDataset:
    """Return 99,289 colour images of digits, 32 x 32 pixels from 0 to 1; the last 26,032 test.

    `path` is the folder that holds train_32x32.mat and test_32x32.mat. Class k is the digit k.
    Raises DataError for files that are missing, damaged or of the wrong size.
    """
    pixels, digits = zip(
        *(_images(file, images[file.name]) for file in svhn_files(path)), strict=True
    )
    inputs = np.concatenate(pixels).astype(np.float32)
    inputs /= 255
    tests = len(pixels[-1])
    return ArrayDataset(
        name="svhn",
        task="classification",
        inputs=inputs,
        targets=np.concatenate(digits),
        classes=10,
        image_shape=(3, 32, 32),
        labels=tuple(map(str, range(10))),
        test_rows=np.arange(len(inputs) - tests, len(inputs)),
    )


def _images(file: Path, images: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels (images, 3072), channel by channel and row by row, and digits (images,)."""
    content = _loaded(file)
    pixels, labels = content["X"], content["y"]
    expected = (32, 32, 3, images)
    if pixels.shape != expected or pixels.dtype != np.uint8 or labels.size != images:
        raise DataError(
            f"svhn: {file.name} has X of shape {pixels.shape} {pixels.dtype} and {labels.size} "
            f"labels, expected {expected} uint8 and {images:,}"
        )
    digits = labels.reshape(-1).astype(np.int64)
    bad = np.flatnonzero((digits < 1) | (digits > 10))
    if len(bad):
        raise DataError(
            f"svhn: {file.name} is damaged: label of image {bad[0]} is {digits[bad[0]]}, "
            "outside 1..10"
        )
    return pixels.transpose(3, 2, 0, 1).reshape(images, -1), digits % 10


def _loaded(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        content: dict[str, Any] = loadmat(file, variable_names=("X", "y"))
    # Damaged bytes make scipy's reader fail in many ways, none of them its own.
    except Exception as error:
        raise DataError(
            f"svhn: {file.name} is truncated, damaged or no MATLAB file "
            f"({type(error).__name__}: {error}); get {RELEASE.expected}"
        ) from None
    missing = [name for name in ("X", "y") if not isinstance(content.get(name), np.ndarray)]
    if missing:
        raise DataError(f"svhn: {file.name} has no array {missing[0]!r}; get {RELEASE.expected}")
    return content
