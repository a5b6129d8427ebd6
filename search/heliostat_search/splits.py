"""Train, validation and test parts of a data set: disjoint, stratified, scaled by the train part.

Every row lands in exactly one part. Classes keep their shares in all parts. Means, deviations and
all else that is learned of the inputs (levels of categories, what fills missing cells) come from
the train part alone, so nothing of the other parts leaks into what a model sees. A data set with an
official test set, `test_rows`, keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import ConfigError, DataError
from heliostat_search.dataset_checks import check_dataset, is_image
from heliostat_search.names_of_data import class_text
from heliostat_search.preprocessing import Preprocessing, plain_columns
from heliostat_search.scales import Scale, scale_of
from heliostat_search.split_remarks import split_remarks

__all__ = ["PARTS", "Samples", "Scale", "Split", "check_dataset", "split"]

PARTS = ("train", "valid", "test")


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
    """The parts of a data set, and what was taken out of inputs and targets (None: left as is).

    `preprocessing`: what was learned on the train part, so that new rows can be treated alike.
    `remarks`: sentences on the data that a report has to say.
    """

    train: Samples
    valid: Samples
    test: Samples
    task: str
    classes: int
    input_scale: Scale | None
    target_scale: Scale | None
    preprocessing: Preprocessing
    remarks: tuple[str, ...] = ()

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

    A data set with `raw` inputs has their categories and missing cells encoded first, by what the
    train part holds. Inputs are standardised column by column; images (a data set with an
    `image_shape`, or inputs of more than one axis) by one mean and deviation over all pixels.
    Targets of a regression are standardised too, class numbers never. A column that is constant in
    the train part is only centred. Raises ConfigError for fractions that leave a part empty,
    DataError for unusable data.
    """
    told = check_dataset(dataset)
    _check_fractions(fractions)
    official = getattr(dataset, "test_rows", None)
    if official is None:
        rows = _divided(dataset, np.arange(len(dataset.inputs)), rng, fractions)
    else:
        others = np.delete(np.arange(len(dataset.inputs)), official)
        rows = [*_divided(dataset, others, rng, fractions[:2]), np.asarray(official)]
    inputs, preprocessing = _prepared(dataset, rows[0])
    targets = dataset.targets
    input_scale = scale_of(inputs[rows[0]], whole=is_image(dataset)) if standardize else None
    wants_targets = standardize_targets and dataset.task == "regression"
    target_scale = scale_of(targets[rows[0]]) if wants_targets else None
    train, valid, test = (
        Samples(
            _single(inputs[part]) if input_scale is None else input_scale.apply(inputs[part]),
            targets[part] if target_scale is None else target_scale.apply(targets[part]),
            part,
        )
        for part in rows
    )
    if input_scale is not None:
        preprocessing = preprocessing.scaled(input_scale.mean, input_scale.deviation)
    return Split(
        train,
        valid,
        test,
        dataset.task,
        dataset.classes,
        input_scale,
        target_scale,
        preprocessing,
        (*told, *split_remarks(dataset, inputs, preprocessing, rows)),
    )


def _prepared(dataset: Dataset, train: NDArray[np.int64]) -> tuple[NDArray[Any], Preprocessing]:
    """Return the inputs of all rows, as numbers, and what was learned on the rows of `train`."""
    raw = getattr(dataset, "raw", None)
    if raw is None:
        return dataset.inputs, plain_columns(dataset)
    preprocessing = raw.fit(train)
    return raw.encoded(preprocessing), preprocessing


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32, copy=False)


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
                f"{dataset.name}: {class_text(dataset, label)} has {len(members)} samples, too few "
                f"for {len(parts)} parts; merge or remove it"
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
