"""Embedded texts in the HDF5 layout of FAMS' authors: `X`, `Y`, and `user` or `groups`.

`X` is (rows, features), 768 of them for DistilBERT; `Y` (rows,) is 0 and 1, or a number such as a
rating; `user` (rows,) or `groups` (rows,) or (rows, columns) say who wrote a text or whom it names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError, did_you_mean, nearest
from heliostat_methods.parts.datasets import ArrayDataset

ATTRIBUTES = ("user", "groups")
MOST_TIMES = 100
"""Times of the file's size that its arrays may have; embeddings shrink by less than 2."""
SPARE = 1 << 20


def fams_hdf5(path: Path, threshold: float | None = None) -> ArrayDataset:
    """Return the rows of a file as a data set; class 1 has a label above `threshold`.

    Without a threshold labels have to be 0 and 1. Attributes: `user`, `groups`, or for a matrix
    `groups 0`, `groups 1` ... Raises DataError for a file that is missing, damaged, or whose arrays
    do not fit, lie in other files, or are a hundred times as large as the file; and without h5py.
    """
    arrays = _arrays(path)
    inputs = arrays["X"]
    if inputs.ndim != 2 or inputs.dtype.kind not in "fiu":
        raise DataError(
            f"fams_hdf5: X of {path.name} has shape {inputs.shape} {inputs.dtype}, expected "
            "(rows, features) numbers"
        )
    return ArrayDataset(
        name=f"fams_hdf5:{path.name}",
        task="classification",
        inputs=inputs.astype(np.float32),
        targets=_labels(path, arrays["Y"], len(inputs), threshold),
        classes=2,
        columns=tuple(f"x{number}" for number in range(inputs.shape[1])),
        labels=_label_names(threshold),
        attributes=_attributes(path, arrays, len(inputs)),
    )


def _label_names(threshold: float | None) -> tuple[str, str]:
    return ("0", "1") if threshold is None else (f"up to {threshold:g}", f"above {threshold:g}")


def _labels(
    path: Path, given: NDArray[Any], rows: int, threshold: float | None
) -> NDArray[np.int64]:
    values = given.reshape(-1) if given.shape == (rows, 1) else given
    if values.shape != (rows,) or values.dtype.kind not in "fiub":
        raise DataError(
            f"fams_hdf5: Y of {path.name} has shape {given.shape} {given.dtype}, expected "
            f"{rows:,} numbers"
        )
    unusable = ~np.isfinite(values) if threshold is not None else (values != 0) & (values != 1)
    if unusable.any():
        row = int(unusable.argmax())
        expected = "0 or 1; threshold = NUMBER makes two classes of numbers"
        raise DataError(
            f"fams_hdf5: Y of {path.name} is {values[row]} in row {row}, expected "
            f"{expected if threshold is None else 'a number'}"
        )
    found: NDArray[np.int64] = (values > (0 if threshold is None else threshold)).astype(np.int64)
    return found


def _attributes(path: Path, arrays: dict[str, NDArray[Any]], rows: int) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name in ATTRIBUTES:
        if name not in arrays:
            continue
        values = arrays[name]
        if values.ndim not in (1, 2) or len(values) != rows:
            raise DataError(
                f"fams_hdf5: {name} of {path.name} has shape {values.shape}, expected {rows:,} rows"
            )
        if values.ndim == 1:
            found[name] = values
        else:
            found |= {f"{name} {at}": values[:, at] for at in range(values.shape[1])}
    return found


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        import h5py
    except ImportError as error:
        raise DataError(
            "data set 'fams_hdf5' needs the package h5py: pip install 'heliostat[hdf5]'"
        ) from error
    if not path.is_file():
        raise DataError(f"fams_hdf5: no file {path}{_near(path)}")
    try:
        with h5py.File(path, "r") as file:
            return _read(h5py, file, path)
    except DataError:
        raise
    # The library reports damage by many kinds of error.
    except Exception as error:
        raise DataError(
            f"fams_hdf5: {path.name} is truncated, damaged or no HDF5 file "
            f"({type(error).__name__}: {error})"
        ) from None


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"; did you mean {str(path.with_name(close))!r}?" if close else ""


def _read(h5py: Any, file: Any, path: Path) -> dict[str, NDArray[Any]]:
    names = list(file)
    for name in ("X", "Y"):
        if name not in names:
            raise DataError(
                f"fams_hdf5: {path.name} has no array {name!r}; {did_you_mean(name, names)}"
            )
    if not any(name in names for name in ATTRIBUTES):
        raise DataError(f"fams_hdf5: {path.name} has neither {' nor '.join(map(repr, ATTRIBUTES))}")
    wanted = [name for name in ("X", "Y", *ATTRIBUTES) if name in names]
    found = {name: _own_array(h5py, file, name, path) for name in wanted}
    size = sum(int(array.nbytes) for array in found.values())
    if size > MOST_TIMES * path.stat().st_size + SPARE:
        raise DataError(
            f"fams_hdf5: {path.name} of {path.stat().st_size:,} bytes unpacks to {size:,}, more "
            f"than {MOST_TIMES} times"
        )
    return {name: _values(h5py, array, path) for name, array in found.items()}


def _own_array(h5py: Any, file: Any, name: str, path: Path) -> Any:
    """Return an array of the file itself; links and outside storage could read other files."""
    link = file.get(name, getlink=True)
    array = file.get(name) if isinstance(link, h5py.HardLink) else None
    if not isinstance(array, h5py.Dataset) or array.external or array.is_virtual:
        raise DataError(f"fams_hdf5: {name!r} of {path.name} is no array that lies in the file")
    return array


def _values(h5py: Any, array: Any, path: Path) -> NDArray[Any]:
    if h5py.check_string_dtype(array.dtype) is not None:
        return np.array(array.asstr()[...], np.str_)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"fams_hdf5: {array.name[1:]!r} of {path.name} holds {array.dtype}, expected numbers "
            "or texts"
        )
    values: NDArray[Any] = array[...]
    return values
