"""What can be set for an architecture search: the space, the supernet, the searchers, the budgets.

Nothing of the paper's training of supernets was released; fields marked [R] hold a reconstruction.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from heliostat import EXTENDABLE, ConfigError, MethodConfig, PartKind, PartRef, stored
from heliostat.errors import did_you_mean
from heliostat_methods.pnag.searchers.names import NAMES

SpaceRef = Annotated[PartRef, PartKind("space")]
DatasetRef = Annotated[PartRef, PartKind("dataset")]
LossRef = Annotated[PartRef, PartKind("loss")]
LayerRef = Annotated[PartRef, PartKind("layer")]
LatencyRef = Annotated[PartRef, PartKind("latency_table")]


@stored("pnag.supernet_config")
class SupernetConfig(MethodConfig):
    """How the network that holds all others is trained."""

    model_config = ConfigDict(allow_inf_nan=False)

    schedule: Literal["sandwich", "shrinking"] = Field(
        "sandwich",
        description="subnets of a step: largest, smallest and random ones; or progressive "
        "shrinking: the largest alone, then kernels, depths and widths (Once-for-all) [R]",
    )
    epochs: int = Field(12, ge=1, le=100_000, description="passes over the training images")
    batch: int = Field(64, ge=2, le=65_536, description="images in a step")
    learning_rate: float = Field(0.1, gt=0, le=1e3, description="peak of the one-cycle rate [R]")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD with Nesterov's step")
    weight_decay: float = Field(3e-5, ge=0, le=1, description="L2 penalty of the weights")
    random: int = Field(2, ge=0, le=64, description="random subnets in a step")
    distillation: float = Field(
        0.5, ge=0, le=1, description="share of the largest subnet's soft labels in the others' loss"
    )
    calibration: int = Field(
        512, ge=2, le=1_000_000, description="training images that give BatchNorm its statistics"
    )
    shards: int = Field(
        1,
        ge=1,
        le=1024,
        description="parts of a batch whose gradients are separate tasks; 1 is one long task",
    )
    memory_format: Literal["channels_last", "contiguous", "auto"] = Field(
        "channels_last",
        description="order of images in memory; auto: what a short measurement on this machine "
        "prefers, so that digests may differ between machines",
    )


@stored("pnag.generator_config")
class GeneratorConfig(MethodConfig):
    """How the generator that answers is taught by what the search evaluated."""

    knots: int = Field(5, ge=2, le=1000, description="budgets that it has vectors of its own for")
    budgets: int = Field(12, ge=2, le=1000, description="budgets at which it is asked in the end")
    evaluator_epochs: int = Field(
        300, ge=1, le=100_000, description="passes of the evaluator over what is known"
    )
    policy_steps: int = Field(
        120, ge=1, le=1_000_000, description="steps of policy gradient by the evaluator's ranks"
    )
    imitation_steps: int = Field(
        600, ge=0, le=1_000_000, description="steps towards the best that is known within a budget"
    )


@stored("pnag.retrain_config")
class RetrainConfig(MethodConfig):
    """Networks trained by themselves, to see what shared weights say of them."""

    model_config = ConfigDict(allow_inf_nan=False)

    networks: int = Field(0, ge=0, le=10_000, description="networks, evenly over costs; 0: none")
    epochs: int = Field(10, ge=1, le=100_000, description="passes over the training images")
    batch: int = Field(64, ge=2, le=65_536, description="images in a step")
    learning_rate: float = Field(0.1, gt=0, le=1e3, description="peak of the one-cycle rate")


class PNAGConfig(MethodConfig):
    """A search for the best network of every budget, beside other searchers of equal budget."""

    model_config = ConfigDict(allow_inf_nan=False)

    space: SpaceRef = Field(PartRef("elastic_conv"), description="what may be chosen")
    dataset: DatasetRef | None = Field(
        None, description="images to train on, default digits; none for a space that is known"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="training, validation and test parts of the images"
    )
    loss: LossRef = Field(PartRef("cross_entropy"), description="what the supernet is trained with")
    layers: tuple[LayerRef, ...] = Field(
        (), description="layers that the space names among its kernels"
    )
    supernet: SupernetConfig = Field(
        SupernetConfig.model_validate({}), description="how the supernet is trained"
    )
    quantity: Literal["madds", "params", "latency"] = Field(
        "madds",
        description="what is kept small: multiply-adds, parameters, or seconds by the table of "
        "`latency`; a known space has its own",
    )
    latency: LatencyRef | None = Field(
        None, description="table of latencies of such blocks, run:RUN of `heliostat latency build`"
    )
    searcher: str = Field(
        "ensemble",
        description="the run's own: others are compared with it, and what it found teaches the "
        "generator",
    )
    compare: tuple[str, ...] = Field(
        ("random", "independent", "optuna_nsga2", "optuna_tpe"),
        description="searchers beside it, with as many evaluations",
    )
    settings: dict[str, dict[str, Any]] = Field(
        {},
        description="fields of searchers that differ from their defaults, by searcher; those of "
        "one that does not take part are not used",
    )
    evaluations: int = Field(
        200,
        ge=2,
        le=10_000_000,
        description="different networks that each search evaluates",
        json_schema_extra=EXTENDABLE,
    )
    batch: int = Field(20, ge=1, le=100_000, description="networks that are asked for at a time")
    seeds: int = Field(5, ge=1, le=10_000, description="repetitions of each search")
    exhaustive: bool = Field(
        False,
        description="evaluate every network of the space first: the true front is then known, and "
        "searches look results up",
    )
    block: int = Field(100, ge=1, le=100_000, description="networks that one task evaluates")
    generator: GeneratorConfig = Field(
        GeneratorConfig.model_validate({}), description="how the generator that answers is taught"
    )
    retrain: RetrainConfig = Field(
        RetrainConfig.model_validate({}), description="networks trained by themselves"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="where networks are trained and evaluated; auto: on a GPU where a worker has "
        "one",
    )

    @field_validator("searcher")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in NAMES:
            raise ConfigError("searcher", value, "a searcher", did_you_mean(value, NAMES))
        return value

    @field_validator("compare", "settings")
    @classmethod
    def _are_known(cls, value: Any, info: Any) -> Any:
        for place, name in enumerate(value):
            where = f"{info.field_name}[{place}]" if info.field_name == "compare" else "settings"
            if name not in NAMES:
                raise ConfigError(where, name, "a searcher", did_you_mean(name, NAMES))
        if len(set(value)) < len(value):
            raise ConfigError("compare", list(value), "each searcher once")
        return value

    @model_validator(mode="after")
    def _fits(self) -> PNAGConfig:
        if self.searcher in self.compare:
            raise ConfigError("compare", self.searcher, "searchers other than `searcher`")
        if self.supernet.shards > self.supernet.batch:
            most = f"at most {self.supernet.batch}, the images of a batch"
            raise ConfigError("supernet.shards", self.supernet.shards, most)
        return self
