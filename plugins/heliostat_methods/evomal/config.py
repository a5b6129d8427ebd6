"""What can be set for a loss search; defaults are the settings of the authors' released code.

The sizes of the demonstration's models and budgets are ours; see `method.py` for the presets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from heliostat import EXTENDABLE, ConfigError, MethodConfig, PartKind, PartRef

DatasetRef = Annotated[PartRef, PartKind("dataset")]
ModelRef = Annotated[PartRef, PartKind("model")]
LossRef = Annotated[PartRef, PartKind("loss")]


class EvoMALConfig(MethodConfig):
    """A search for a loss on each of the data sets, then a comparison with a standard loss."""

    datasets: tuple[DatasetRef, ...] = Field(
        (PartRef("diabetes"),), min_length=1, description="data sets; each gets its own search"
    )
    model: ModelRef = Field(PartRef("mlp"), description="a dense model: linear or mlp")
    loss: LossRef | None = Field(
        None, description="loss to compare with; without one mse or cross_entropy, by the task"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation and test parts of the data"
    )
    initial: tuple[str, ...] = Field(
        (), description="losses that start the population, such as square(sub(y, f))"
    )
    primitives: Literal["standard", "shifted"] = Field(
        "standard", description="log and sqrt of max(|a|, 1e-7), or of |a| + 1e-7"
    )

    population: int = Field(25, ge=2, description="trees in a generation")
    generations: int = Field(
        50, ge=1, description="generations after the first", json_schema_extra=EXTENDABLE
    )
    tournament: int = Field(4, ge=1, description="aspirants that compete by fitness")
    parsimony: float = Field(1.0, ge=1, le=2, description="pressure to small trees; 1 is none")
    crossover: float = Field(0.70, ge=0, le=1, description="rate of subtree crossover")
    mutation: float = Field(0.25, ge=0, le=1, description="rate of subtree mutation")
    mutation_heights: tuple[int, int] = Field((0, 2), description="height of a new subtree")
    init_min: int = Field(2, ge=1, description="least height of a first tree")
    init_max: int = Field(4, ge=1, description="greatest height of a first tree")
    max_height: int = Field(10, ge=1, le=30, description="greatest height of any tree")

    local_search: bool = Field(True, description="tune the weights (without: GP-LFL)")
    meta_steps: int = Field(250, ge=0, description="steps of the local search")
    meta_learning_rate: float = Field(1e-3, gt=0, description="Adam's rate in the local search")
    weight_noise: float = Field(1e-3, ge=0, description="first weights are 1 + noise * N(0, 1)")
    filter_samples: int = Field(100, ge=1, description="samples of the rejection protocol")
    filter_steps: int = Field(1000, ge=1, description="steps of the rejection protocol")
    base_steps: int = Field(500, ge=1, description="training steps that score a candidate")
    learning_rate: float = Field(0.01, gt=0, description="rate of the base model")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the base model")
    nesterov: bool = Field(True, description="Nesterov momentum")
    weight_decay: float = Field(5e-4, ge=0, description="weight decay of the base model")
    batch_size: int = Field(128, ge=1, description="samples in a batch")

    test_seeds: int = Field(10, ge=2, description="paired trainings of each loss in the comparison")
    test_steps: int = Field(10_000, ge=1, description="training steps in the comparison")
    rate_factors: tuple[float, ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
        min_length=1,
        description="learning rates tried for each loss on validation data, as factors",
    )

    block: int = Field(5, ge=1, description="candidates in one task: part of the result's identity")
    test_block: int = Field(5, ge=1, description="seeds in one task of the comparison")

    @field_validator("datasets", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Mapping | PartRef) else value

    @model_validator(mode="after")
    def _fits_together(self) -> EvoMALConfig:
        # ConfigError goes through pydantic unchanged, so that the message names the field
        if self.population < self.tournament:
            raise ConfigError(
                "population", self.population, f"at least tournament = {self.tournament}"
            )
        if self.crossover + self.mutation > 1 + 1e-9:
            highest = f"at most {1 - self.mutation:g}, since mutation = {self.mutation:g}"
            raise ConfigError("crossover", self.crossover, highest, "the rates add up to at most 1")
        if self.init_min > self.init_max:
            raise ConfigError("init_min", self.init_min, f"at most init_max = {self.init_max}")
        if self.init_max > self.max_height:
            raise ConfigError("init_max", self.init_max, f"at most max_height = {self.max_height}")
        low, high = self.mutation_heights
        if not 0 <= low <= high:
            raise ConfigError("mutation_heights", self.mutation_heights, "0 <= least <= greatest")
        if not all(factor > 0 for factor in self.rate_factors):
            raise ConfigError("rate_factors", self.rate_factors, "positive factors")
        if len(self.initial) > self.population:
            most = f"at most population = {self.population} losses"
            raise ConfigError("initial", f"{len(self.initial)} losses", most)
        self._check_initial()
        return self

    def _check_initial(self) -> None:
        from heliostat_methods.evomal.expression import parse
        from heliostat_methods.evomal.primitives import LossExpressionError, table_named

        for i, text in enumerate(self.initial):
            try:
                height = parse(text, table_named(self.primitives)).height
            except LossExpressionError as error:
                raise ConfigError(f"initial[{i}]", text, "a loss in y and f", str(error)) from None
            if height > self.max_height:
                most = f"a tree of height at most max_height = {self.max_height}"
                raise ConfigError(f"initial[{i}]", text, most, f"its height is {height}")
