"""The list of built-in parts, with what can be set.

Cheap to import: the library behind a part is loaded when the part is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from heliostat.hookspecs import hookimpl
from heliostat.parts import Dataset, Loss, Model, NoParameters, PartSpec

Width = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Parameters(BaseModel):
    """What can be set for a part: unknown names are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CsvParameters(Parameters):
    """How to read a CSV file."""

    target: str | None = Field(None, description="column to predict; default: the last one")
    task: Literal["auto", "regression", "classification"] = Field(
        "auto",
        description="auto: classification if the target is text or at most 20 whole numbers",
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="between two cells")
    columns: tuple[str, ...] | None = Field(
        None, min_length=1, description="input columns; default: all others that hold numbers"
    )


class MlpParameters(Parameters):
    """Layers of a dense network."""

    hidden: tuple[Width, ...] = Field(
        (32, 32), min_length=1, max_length=16, description="width of each hidden layer"
    )


class FocalParameters(Parameters):
    """Focusing of the focal loss."""

    gamma: float = Field(
        2.0, ge=0, le=100, description="how strongly well-classified samples are played down"
    )


class SmoothingParameters(Parameters):
    """Strength of label smoothing."""

    xi: Share = Field(0.1, description="probability taken from the target, given to all classes")


class AceParameters(Parameters):
    """Scale and equilibrium of the absolute cross-entropy."""

    phi0: float = Field(1.0, gt=0, allow_inf_nan=False, description="scale of the loss")
    phi1: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="pulls the target's probability to 1 / phi1"
    )


class PolyParameters(Parameters):
    """First polynomial term of PolyLoss."""

    epsilon: float = Field(
        1.0, ge=-1, allow_inf_nan=False, description="weight added to the term (1 - p)"
    )


def _dataset(name: str, summary: str) -> PartSpec:
    def build(config: NoParameters) -> Dataset:
        from heliostat_methods.parts import datasets

        load: Callable[[], Dataset] = getattr(datasets, name)
        return load()

    return PartSpec("dataset", name, build, summary)


def _csv(path: str, config: CsvParameters) -> Dataset:
    from heliostat_methods.parts.csv_table import csv_dataset

    return csv_dataset(Path(path), **config.model_dump())


def _csv_files(path: str) -> list[Path]:
    return [Path(path)]


def _model(name: str, recipe: str, summary: str, config: type[BaseModel]) -> PartSpec:
    def build(parameters: BaseModel) -> Model:
        from heliostat_methods.parts import models

        create: Callable[..., Model] = getattr(models, recipe)
        return create(**parameters.model_dump())

    return PartSpec("model", name, build, summary, config)


def _loss(name: str, loss: str, summary: str, config: type[BaseModel] = NoParameters) -> PartSpec:
    def build(parameters: BaseModel) -> Loss:
        from heliostat_methods.parts import losses

        create: Callable[..., Loss] = getattr(losses, loss)
        return create(**parameters.model_dump())

    return PartSpec("loss", name, build, summary, config)


PARTS: tuple[PartSpec, ...] = (
    _dataset("diabetes", "442 patients x 10 measures, disease progression (regression)"),
    _dataset("digits", "1,797 handwritten digits, 8x8 pixels, 10 classes"),
    _dataset("breast_cancer", "569 tumours x 30 measures, 2 classes"),
    _dataset("wine", "178 wines x 13 measures, 3 classes"),
    _dataset("mnist5k", "5,000 digits of MNIST, 28x28 pixels, 10 classes; needs heliostat[data]"),
    _dataset(
        "boston",
        "506 districts x 13 measures, house value (regression); ethically flawed, for "
        "reproduction only; needs heliostat[data]",
    ),
    PartSpec(
        "dataset",
        "csv",
        _csv,
        "a table with a header line, csv:PATH",
        CsvParameters,
        prefix=True,
        inputs=_csv_files,
    ),
    _model("linear", "Linear", "linear or logistic regression", NoParameters),
    _model("mlp", "Mlp", "dense ReLU network", MlpParameters),
    _model("lenet5", "LeNet5", "convolutional network for 28x28 grey images", NoParameters),
    _loss("mse", "MeanSquaredError", "mean squared error (regression)"),
    _loss("cross_entropy", "CrossEntropy", "cross-entropy"),
    _loss("focal", "Focal", "focal loss (Lin et al. 2017)", FocalParameters),
    _loss(
        "label_smoothing",
        "LabelSmoothing",
        "cross-entropy with smoothed labels (Szegedy et al. 2016)",
        SmoothingParameters,
    ),
    _loss(
        "sparse_label_smoothing",
        "SparseLabelSmoothing",
        "label smoothing from the target's logit alone (Raymond et al.)",
        SmoothingParameters,
    ),
    _loss(
        "ace",
        "AbsoluteCrossEntropy",
        "absolute cross-entropy, found by EvoMAL (Raymond et al. 2023)",
        AceParameters,
    ),
    _loss("polyloss", "PolyLoss", "Poly-1 cross-entropy (Leng et al. 2022)", PolyParameters),
)


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the built-in parts."""
    return PARTS
