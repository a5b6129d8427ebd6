"""Train, validation and test parts of a data set: disjoint, stratified, scaled by the train part.

Every row lands in exactly one part. Classes keep their shares in all parts. Means and deviations
come from the train part alone, so nothing of the other parts leaks into what a model sees. A data
set with an official test set, `test_rows`, keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import ConfigError, DataError, did_you_mean

PARTS = ("train", "valid", "test")
TASKS = ("regression", "classification")


@dataclass(frozen=True, eq=False)
class Scale:
    """Mean and standard deviation that were taken out; broadcast against what they scale."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return (values - mean) / deviation, computed in float64."""
        scaled = (values.astype(np.float64) - self.mean) / self.deviation
        return scaled.astype(np.float32)

    def undo(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in their original units."""
        restored: NDArray[np.float64] = values.astype(np.float64) * self.deviation + self.mean
        return restored


@dataclass(frozen=True, eq=False)
class Samples:
    """One part: inputs (n, *shape) float32, targets (n,), rows (n,) of the data set, shuffled.

    An official test set keeps its order.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[Any]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Split:
    """The parts of a data set, and what was taken out of inputs and targets (None: left as is)."""

    train: Samples
    valid: Samples
    test: Samples
    task: str
    classes: int
    input_scale: Scale | None
    target_scale: Scale | None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.train.inputs.shape[1:]


def split(
    dataset: Dataset,
    rng: np.random.Generator,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    standardize: bool = True,
    standardize_targets: bool = True,
) -> Split:
    """Return train, validation and test parts of about `fractions` of the rows (of each class).

    A data set with `test_rows`, row numbers, has those as its test part; the others are divided
    between train and validation in the proportion of the first two fractions.

    Inputs are standardised column by column; images (a data set with an `image_shape`, or inputs
    of more than one axis) by one mean and deviation over all pixels. Targets of a regression are
    standardised too, class numbers never. A column that is constant in the train part is only
    centred. Raises ConfigError for fractions that leave a part empty, DataError for unusable data.
    """
    check_dataset(dataset)
    _check_fractions(fractions)
    official = getattr(dataset, "test_rows", None)
    if official is None:
        rows = _divided(dataset, np.arange(len(dataset.inputs)), rng, fractions)
    else:
        others = np.delete(np.arange(len(dataset.inputs)), official)
        rows = [*_divided(dataset, others, rng, fractions[:2]), np.asarray(official)]
    train = rows[0]
    inputs, targets = dataset.inputs, dataset.targets
    images = inputs.ndim > 2 or getattr(dataset, "image_shape", None) is not None
    input_scale = _scale(inputs[train], whole=images) if standardize else None
    wants_targets = standardize_targets and dataset.task == "regression"
    target_scale = _scale(targets[train]) if wants_targets else None
    train_part, valid_part, test_part = (
        Samples(
            inputs[part] if input_scale is None else input_scale.apply(inputs[part]),
            targets[part] if target_scale is None else target_scale.apply(targets[part]),
            part,
        )
        for part in rows
    )
    return Split(
        train_part,
        valid_part,
        test_part,
        dataset.task,
        dataset.classes,
        input_scale,
        target_scale,
    )


def check_dataset(dataset: Dataset) -> None:
    """Raise DataError, naming row and column, if the data set breaks the protocol's promises."""
    name, inputs, targets = dataset.name, dataset.inputs, dataset.targets
    if dataset.task not in TASKS:
        raise DataError(
            f"{name}: unknown task {dataset.task!r}; {did_you_mean(dataset.task, TASKS)}"
        )
    if inputs.dtype != np.float32 or inputs.ndim < 2 or 0 in inputs.shape:
        raise DataError(
            f"{name}: inputs of shape (samples, *shape) and dtype float32 needed, "
            f"got {inputs.shape} {inputs.dtype}"
        )
    if targets.shape != inputs.shape[:1]:
        raise DataError(
            f"{name}: one target per sample needed, shape {inputs.shape[:1]}, got {targets.shape}"
        )
    bad = np.argwhere(~np.isfinite(inputs.reshape(len(inputs), -1)))
    if len(bad):
        row, column = bad[0].tolist()
        value = inputs.reshape(len(inputs), -1)[row, column]
        raise DataError(f"{name}: inputs row {row}, column {column} is {value}, no finite number")
    if dataset.task == "regression":
        _check_numbers(dataset)
    else:
        _check_labels(dataset)
    _check_test_rows(dataset)


def _check_numbers(dataset: Dataset) -> None:
    name, targets = dataset.name, dataset.targets
    if dataset.classes != 1:
        raise DataError(f"{name}: classes = 1 needed for a regression, got {dataset.classes}")
    if targets.dtype != np.float32:
        raise DataError(
            f"{name}: float32 targets needed for a regression, got {targets.dtype}; "
            "class numbers need task = 'classification'"
        )
    bad = np.flatnonzero(~np.isfinite(targets))
    if len(bad):
        raise DataError(f"{name}: target of row {bad[0]} is {targets[bad[0]]}, no finite number")


def _check_labels(dataset: Dataset) -> None:
    name, targets, classes = dataset.name, dataset.targets, dataset.classes
    if classes < 2:
        raise DataError(f"{name}: at least 2 classes needed for class labels, got {classes}")
    if targets.dtype != np.int64:
        raise DataError(f"{name}: int64 class numbers needed, got {targets.dtype}")
    bad = np.flatnonzero((targets < 0) | (targets >= classes))
    if len(bad):
        raise DataError(
            f"{name}: label {targets[bad[0]]} of row {bad[0]} is outside 0..{classes - 1}"
        )
    if len(np.unique(targets)) < 2:
        raise DataError(f"{name}: every row has class {targets[0]}; at least two classes needed")


def _check_test_rows(dataset: Dataset) -> None:
    official = getattr(dataset, "test_rows", None)
    if official is None:
        return
    name, rows, count = dataset.name, np.asarray(official), len(dataset.inputs)
    if rows.ndim != 1 or rows.dtype != np.int64 or not 0 < len(rows) < count:
        raise DataError(
            f"{name}: test_rows, the official test set, needs int64 row numbers, at least one and "
            f"fewer than the {count} rows, got shape {rows.shape} {rows.dtype}"
        )
    bad = np.flatnonzero((rows < 0) | (rows >= count))
    if len(bad):
        raise DataError(f"{name}: test_rows holds {rows[bad[0]]}, outside 0..{count - 1}")
    values, counts = np.unique(rows, return_counts=True)
    if counts.max() > 1:
        raise DataError(f"{name}: test_rows holds {values[counts.argmax()]} more than once")


def _check_fractions(fractions: tuple[float, float, float]) -> None:
    if len(fractions) != len(PARTS):
        raise ConfigError("fractions", fractions, "three shares: train, validation, test")
    for part, fraction in zip(PARTS, fractions, strict=True):
        if not fraction > 0:
            raise ConfigError(
                f"fractions.{part}", fraction, f"a share above 0; the {part} split would be empty"
            )
    if not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ConfigError("fractions", fractions, f"shares that sum to 1, not {sum(fractions):g}")


def _divided(
    dataset: Dataset,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    fractions: tuple[float, ...],
) -> list[NDArray[np.int64]]:
    """Return `rows` cut into one shuffled part for each fraction, classes at their shares."""
    if dataset.task == "classification":
        return _stratified(dataset, rows, rng, fractions)
    parts = _cut(rng.permutation(rows), _counts(len(rows), fractions))
    if not all(map(len, parts)):
        counts = dict(zip(PARTS, map(len, parts), strict=False))
        raise ConfigError("fractions", fractions, f"a row in each part, got {counts}")
    return parts


def _stratified(
    dataset: Dataset,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    fractions: tuple[float, ...],
) -> list[NDArray[np.int64]]:
    parts: list[list[NDArray[np.int64]]] = [[] for _ in fractions]
    for label in range(dataset.classes):
        members = rows[dataset.targets[rows] == label]
        if len(members) == 0:
            continue
        if len(members) < len(parts):
            raise DataError(
                f"{dataset.name}: class {label} has {len(members)} samples, too few for "
                f"{len(parts)} parts; merge or remove it"
            )
        counts = _counts(len(members), fractions)
        while 0 in counts:
            # A small class gives its rarest part one sample of its largest.
            counts[counts.index(max(counts))] -= 1
            counts[counts.index(0)] += 1
        for part, some in zip(parts, _cut(rng.permutation(members), counts), strict=True):
            part.append(some)
    # Shuffled, so that the first rows of a part are not all of one class.
    return [rng.permutation(np.concatenate(part)) for part in parts]


def _counts(total: int, fractions: tuple[float, ...]) -> list[int]:
    """Return whole numbers that sum to `total`, by largest remainder, ties to the first part."""
    shares = [total * fraction / sum(fractions) for fraction in fractions]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda part: counts[part] - shares[part])
    for part in by_remainder[: total - sum(counts)]:
        counts[part] += 1
    return counts


def _cut(rows: NDArray[np.int64], counts: list[int]) -> list[NDArray[np.int64]]:
    return np.split(rows, np.cumsum(counts)[:-1])


def _scale(values: NDArray[Any], whole: bool = False) -> Scale:
    exact = values.astype(np.float64)
    axis = None if whole else 0
    mean, deviation = np.asarray(exact.mean(axis)), np.asarray(exact.std(axis))
    constant = exact.max(axis) == exact.min(axis)
    return Scale(mean, np.where(constant, 1.0, deviation))
