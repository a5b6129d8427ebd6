"""Pictures in folders, one folder a class: the layout that torchvision calls ImageFolder.

Each picture is scaled so that its shorter side fits and cut to a square around its middle. All of
them are held in memory, so what that takes is said, and refused beyond a limit.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, nearest
from heliostat_methods.parts.datasets import ArrayDataset

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MODES = {1: "L", 3: "RGB"}
"""Pillow's name for pictures of so many channels."""
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
"""Pillow's modes whose values it turns to grey or colour without cutting any off."""
NAME = "image_folder"
_WANTED = "get a folder that holds a folder for each class, from your own pictures"


def image_folder_files(path: Path) -> list[Path]:
    """Return every picture of a folder of class folders, in order of class and name."""
    return [file for files in _classes(path).values() for file in files]


def image_folder(
    path: Path, size: int = 64, channels: int = 3, most: int | None = None, memory: float = 2.0
) -> ArrayDataset:
    """Return pictures of `size` x `size` pixels from 0 to 1, the folders' names as classes.

    `most`: pictures to take, evenly out of all of them in order. `memory`: gigabytes that they may
    take. Raises DataError for a file that cannot be read, fewer than two classes, a class without
    pictures, and pictures that need more memory.
    """
    pillow = _pillow()
    classes = _classes(path)
    every = [(label, file) for label, files in enumerate(classes.values()) for file in files]
    count = len(every) if most is None else min(most, len(every))
    chosen = [every[place * len(every) // count] for place in range(count)]
    _check_all_there(chosen, list(classes), count)
    need = _needed(count, channels, size, memory)
    inputs = np.empty((count, channels * size * size), np.float32)
    for row, (_, file) in zip(inputs, chosen, strict=True):
        row[:] = _pixels(file, size, channels, pillow).reshape(-1)
    inputs /= 255
    left = f" of {len(every):,}" if count < len(every) else ""
    return ArrayDataset(
        name=path.name or NAME,
        task="classification",
        inputs=inputs,
        targets=np.array([label for label, _ in chosen], np.int64),
        classes=len(classes),
        image_shape=(channels, size, size),
        labels=tuple(classes),
        note=f"{count:,}{left} pictures in {len(classes)} classes, {need:.3g} GB in memory",
    )


def _classes(path: Path) -> dict[str, list[Path]]:
    """Return the pictures of each class; sorted by name, whatever order the file system has."""
    if not path.is_dir():
        raise DataError(f"{NAME}: no file or folder {path}{_near(path)}; {_WANTED}")
    folders = sorted(one for one in path.iterdir() if one.is_dir() and one.name[0] != ".")
    found = {folder.name: _pictures(folder) for folder in folders}
    if len(found) < 2:
        names = ", ".join(found) or "none"
        raise DataError(
            f"{NAME}: {path} has {len(found)} class folders ({names}), expected two or more"
        )
    for name, files in found.items():
        if not files:
            raise DataError(f"{NAME}: {path / name} holds no picture ({', '.join(SUFFIXES)})")
    return found


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"; did you mean {str(path.with_name(close))!r}?" if close else ""


def _pictures(folder: Path) -> list[Path]:
    files = [one for one in folder.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file()]
    return sorted(files, key=lambda file: file.relative_to(folder).as_posix())


def _check_all_there(chosen: list[tuple[int, Path]], names: list[str], most: int) -> None:
    missing = [names[label] for label in sorted(set(range(len(names))) - {c for c, _ in chosen})]
    if missing:
        raise DataError(f"{NAME}: most = {most} leaves no picture of class {missing[0]!r}")


def _needed(count: int, channels: int, size: int, memory: float) -> float:
    """Return the gigabytes of so many pictures; raises DataError if they are more than allowed."""
    need = 4e-9 * count * channels * size * size
    if need > memory:
        raise DataError(
            f"{NAME}: {count:,} pictures of {channels} x {size} x {size} need {need:.3g} GB, more "
            f"than memory = {memory:g}; take fewer (most) or smaller ones (size), or allow more"
        )
    return need


def _pixels(file: Path, size: int, channels: int, pillow: ModuleType) -> NDArray[np.uint8]:
    """Return a picture as (channels, size, size)."""
    from PIL import ImageOps

    try:
        with pillow.open(file) as opened:
            mode, picture = opened.mode, ImageOps.exif_transpose(opened)
            if mode in EIGHT_BITS:
                fitted: Any = ImageOps.fit(
                    picture.convert(MODES[channels]), (size, size), pillow.Resampling.BILINEAR
                )
    # Damaged bytes make decoders fail in many ways, few of them Pillow's own.
    except Exception as error:
        raise DataError(f"{NAME}: cannot read {file}: {type(error).__name__}: {error}") from None
    if mode not in EIGHT_BITS:
        raise DataError(
            f"{NAME}: {file} has values of more than 8 bits (mode {mode}); save it with 8"
        )
    return np.asarray(fitted, np.uint8).reshape(size, size, channels).transpose(2, 0, 1)


def _pillow() -> ModuleType:
    try:
        import PIL.Image
    except ImportError as error:
        what = f"data set {NAME!r} needs the package pillow: pip install 'heliostat[images]'"
        raise DataError(what) from error
    return PIL.Image
