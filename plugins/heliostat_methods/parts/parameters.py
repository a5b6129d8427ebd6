"""What can be set for the built-in parts, with bounds. Cheap to import."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from heliostat_methods.parts.models.depth import depth_problem

Width = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


def _six_a_block(extra: int) -> AfterValidator:
    def check(depth: int) -> int:
        problem = depth_problem(depth, extra)
        if problem is not None:
            raise ValueError(problem)
        return depth

    return AfterValidator(check)


def _names(value: Any) -> Any:
    """Return one name alone as a list of it."""
    return (value,) if isinstance(value, str) else value


class Parameters(BaseModel):
    """What can be set for a part: unknown names are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TableParameters(Parameters):
    """What becomes of a table's columns."""

    target: str | None = Field(None, description="column to predict; default: the last one")
    task: Literal["auto", "regression", "classification"] = Field(
        "auto",
        description="auto: classification if the target is text, or whole numbers of at most 20 "
        "values and half as many as rows",
    )
    columns: tuple[str, ...] | None = Field(
        None, min_length=1, description="input columns; default: all others that can say anything"
    )
    encode: dict[str, Literal["onehot", "ordinal", "drop"]] = Field(
        default_factory=dict,
        description="how a column becomes numbers, by name; default: text one-hot",
    )
    most_levels: int = Field(
        20, ge=1, le=1000, description="levels of a text with a column of 0 and 1; rarer: other"
    )
    missing: Literal["error", "drop", "median"] = Field(
        "median",
        description="where a cell is missing: refuse, drop the row, or fill in the median of the "
        "training part with a column of 0 and 1 that says so",
    )
    missing_cells: tuple[str, ...] = Field(
        (), description="cells that hold nothing, besides empty ones, NA, N/A, NaN, null and ?"
    )
    groups: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (),
        description="columns that say who a row is about, for methods that look at subgroups; they "
        "stay inputs unless `columns` or encode = drop leaves them out",
    )


class CsvParameters(TableParameters):
    """How to read a CSV file, and what becomes of its columns."""

    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="between two cells; default: found by looking"
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="decimal sign; default: found by looking"
    )
    thousands: Literal["", ",", ".", " ", "'"] | None = Field(
        None, description="between thousands, '' for nothing; default: found by looking"
    )
    month_first: bool | None = Field(
        None, description="dates such as 1/2/2024; default: found by looking, else refused"
    )


class Cifar100Parameters(Parameters):
    """Labels of CIFAR-100."""

    coarse: bool = Field(False, description="the 20 groups of classes instead of the 100 classes")


class ImageFolderParameters(Parameters):
    """Size and number of the pictures of a folder."""

    size: int = Field(64, ge=1, le=4096, description="pixels of a side")
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")
    most: int | None = Field(
        None, ge=2, le=10**9, description="pictures to take, evenly out of all; default: all"
    )
    memory: float = Field(
        2.0, gt=0, le=1e6, allow_inf_nan=False, description="gigabytes that they may take"
    )


class AttributedParameters(Parameters):
    """What becomes of the columns that say who a row is about."""

    attributes_as_inputs: bool = Field(
        True, description="whether columns that say an attribute, such as sex, are inputs as well"
    )


class CelebaParameters(AttributedParameters):
    """Which attribute of a portrait is predicted."""

    target: str = Field("Wavy_Hair", description="attribute to predict from the other 39")


class KddCensusParameters(AttributedParameters):
    """Which people, and how their categories become numbers."""

    min_age: int = Field(18, ge=0, le=80, description="years; younger people are left out")
    most_levels: int = Field(
        20, ge=1, le=1000, description="levels of a category with a column of 0 and 1; rarer: other"
    )


class EmbeddingParameters(Parameters):
    """How labels of embedded texts become two classes."""

    threshold: float | None = Field(
        None,
        allow_inf_nan=False,
        description="labels above it are class 1, such as 0.4 for a toxicity; default: labels are "
        "0 and 1",
    )


class SubgroupLawParameters(Parameters):
    """The law that rows are drawn from, and how many."""

    groups: int = Field(40, ge=2, le=100_000, description="subgroups; every other one is raised")
    rows_per_group: int = Field(100, ge=1, le=10_000_000, description="rows drawn of each subgroup")
    features: int = Field(8, ge=1, le=10_000, description="features that say the risk")
    shift: float = Field(
        0.15, ge=0, le=0.45, description="by which a subgroup's rate is raised or lowered"
    )
    proxy: float = Field(
        0.5,
        ge=0,
        le=1,
        description="how much a further feature says of the subgroup: 0 nothing, 1 whether it is "
        "raised",
    )
    strength: float = Field(2.0, ge=0, le=100, description="slope of the risk's log odds")
    seed: int = Field(0, ge=0, lt=2**63, description="of the rows that are drawn")


class MlpParameters(Parameters):
    """Layers of a dense network."""

    hidden: tuple[Width, ...] = Field(
        (32, 32), min_length=1, max_length=16, description="width of each hidden layer"
    )


class CnnParameters(Parameters):
    """Layers of the small convolutional network."""

    channels: tuple[Width, ...] = Field(
        (8, 16), min_length=1, max_length=8, description="filters of each 3x3 convolution"
    )
    batch_norm: bool = Field(True, description="batch normalisation after each convolution")
    dropout: Share = Field(0.0, description="share of the dense layer's inputs dropped")


class AllCnnParameters(Parameters):
    """Dropout of All-CNN-C."""

    input_dropout: Share = Field(0.2, description="share of the pixels dropped")
    dropout: Share = Field(0.5, description="share dropped after each strided convolution")


class AlexNetParameters(Parameters):
    """Dropout of AlexNet."""

    dropout: Share = Field(0.5, description="share dropped before the first two dense layers")


class PreResNetParameters(Parameters):
    """Depth of a pre-activation ResNet."""

    depth: Annotated[int, _six_a_block(2)] = Field(110, description="layers, 6n + 2")


class WideResNetParameters(Parameters):
    """Depth, width and dropout of a Wide ResNet."""

    depth: Annotated[int, _six_a_block(4)] = Field(28, description="layers, 6n + 4")
    width: int = Field(10, ge=1, le=64, description="channels, as multiples of 16, 32 and 64")
    dropout: Share = Field(0.0, description="share dropped between a block's convolutions")


class PyramidNetParameters(Parameters):
    """Depth and widening of a PyramidNet."""

    depth: Annotated[int, _six_a_block(2)] = Field(110, description="layers, 6n + 2")
    alpha: int = Field(48, ge=1, le=2048, description="channels that the blocks add in total")


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
