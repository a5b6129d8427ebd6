"""California Housing: 20,640 blocks of the census of 1990 (Pace and Barry 1997).

The published file has nine columns and no header; the usual eight features are derived from them:
rooms, bedrooms and people become averages per household.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.packed_files import Release, find_files, read_files
from heliostat_methods.parts.tables.csv_file import read_csv

BLOCKS = 20_640
RELEASE = Release(
    name="california_housing",
    home="StatLib (houses) or scikit-learn's data page",
    get="cal_housing.tgz or cal_housing.data",
    folder="CaliforniaHousing",
    files=("cal_housing.data",),
    pickled=("cal_housing_py3.pkz", "cal_housing.pkz"),
)
PUBLISHED = (
    *("longitude", "latitude", "housingMedianAge", "totalRooms", "totalBedrooms"),
    *("population", "households", "medianIncome", "medianHouseValue"),
)
COLUMNS = (
    *("MedInc", "HouseAge", "AveRooms", "AveBedrms"),
    *("Population", "AveOccup", "Latitude", "Longitude"),
)
TARGET = "MedHouseVal"


def california_housing_files(path: Path) -> list[Path]:
    """Return the files that `california_housing` reads."""
    _refuse_cache(path)
    return find_files(path, RELEASE)


def california_housing(path: Path, blocks: int = BLOCKS) -> ArrayDataset:
    """Return 20,640 blocks x 8 features, target: median house value in 100,000 dollars.

    `path` is cal_housing.tgz, cal_housing.data, the folder with it, or a CSV file whose header
    holds either the nine published columns or the eight features and MedHouseVal. Raises DataError
    for files that are missing, truncated or that hold something else.
    """
    _refuse_cache(path)
    if path.is_file() and path.suffix == ".csv":
        return _from_table(path)
    content = path.read_bytes() if path.suffix == ".data" and path.is_file() else None
    if content is None:
        content = read_files(path, RELEASE)["cal_housing.data"]
    return _derived(_numbers(content, blocks), "cal_housing.data", _line)


def _refuse_cache(path: Path) -> None:
    if path.name in RELEASE.pickled:
        raise DataError(
            f"california_housing: {path} holds pickled Python objects, which can run code and are "
            f"never read; get {RELEASE.expected}"
        )


def _numbers(content: bytes, blocks: int) -> NDArray[np.float64]:
    """Return the published file as (blocks, 9)."""
    rows = [row for row in csv.reader(io.StringIO(content.decode("latin-1"))) if row]
    where = "california_housing: cal_housing.data"
    numbers = np.empty((len(rows), len(PUBLISHED)))
    for line, row in enumerate(rows, 1):
        if len(row) != len(PUBLISHED):
            raise DataError(
                f"{where} line {line} has {len(row)} numbers, expected {len(PUBLISHED)}"
            )
        try:
            numbers[line - 1] = [float(cell) for cell in row]
        except ValueError as error:
            raise DataError(f"{where} line {line}: {error}") from None
    if len(rows) != blocks:
        raise DataError(f"{where} has {len(rows):,} lines, expected {blocks:,}")
    return numbers


def _from_table(path: Path) -> ArrayDataset:
    table = read_csv(path)
    plain = {_plain(name): name for name in table.header}
    for names in (PUBLISHED, (*COLUMNS, TARGET)):
        if all(_plain(name) in plain for name in names):
            numbers = np.stack([table.numbers(plain[_plain(name)]) for name in names], axis=1)
            if names == PUBLISHED:
                return _derived(numbers, path.name, table.place)
            return _dataset(numbers[:, :-1], numbers[:, -1])
    absent = [name for name in PUBLISHED if _plain(name) not in plain]
    raise DataError(
        f"california_housing: {path.name} has no column {absent[0]!r}; expected the columns "
        f"{', '.join(PUBLISHED)}, or {', '.join(COLUMNS)}, {TARGET}"
    )


def _plain(name: str) -> str:
    """Return one spelling for housingMedianAge and housing_median_age."""
    return name.replace("_", "").lower()


def _line(row: int) -> str:
    return f"line {row + 1}"


def _derived(
    numbers: NDArray[np.float64], source: str, place: Callable[[int], str]
) -> ArrayDataset:
    """Return the data set of the nine published columns, (blocks, 9)."""
    households = numbers[:, 6]
    bad = np.flatnonzero(~(np.isfinite(numbers).all(1) & (households > 0)))
    if len(bad):
        raise DataError(
            f"california_housing: {source} {place(int(bad[0]))} has no households, or a value "
            "that is no finite number"
        )
    longitude, latitude, age, rooms, bedrooms, people, _, income, value = numbers.T
    features = (
        *(income, age, rooms / households, bedrooms / households),
        *(people, people / households, latitude, longitude),
    )
    return _dataset(np.stack(features, axis=1), value / 100_000)


def _dataset(inputs: NDArray[np.floating], targets: NDArray[np.floating]) -> ArrayDataset:
    return ArrayDataset(
        name="california_housing",
        task="regression",
        inputs=inputs.astype(np.float32),
        targets=targets.astype(np.float32),
        columns=COLUMNS,
    )
