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


Baseline = Literal["none", "gp_lfl", "random", "local_search", "taylorglo",
                   "taylorglo_as_released", "ml3", "fixed"]  # fmt: skip


class TransferConfig(MethodConfig):
    """Where a found loss is tried without another search."""

    dataset: DatasetRef = Field(..., description="data set of the same kind of task")
    model: ModelRef | None = Field(None, description="its model; without one the search's")


class ProtocolConfig(MethodConfig):
    """What a study spends on some of its cells, where that differs from the search's settings."""

    dataset: str | None = Field(None, description="name of the data set that this is for")
    model: str | None = Field(None, description="name of the model that this is for")
    population: int | None = Field(None, ge=2, description="trees in a generation")
    generations: int | None = Field(None, ge=1, description="generations after the first")
    meta_steps: int | None = Field(None, ge=0, description="steps of the local search")
    filter_steps: int | None = Field(None, ge=1, description="steps of the rejection protocol")
    base_steps: int | None = Field(None, ge=1, description="training steps that score a candidate")
    network_restarts: int | None = Field(None, ge=1, description="loss networks that ML3 tunes")
    test_steps: int | None = Field(None, ge=1, description="training steps in the comparison")


class StudyConfig(MethodConfig):
    """A table of searches: every data set with every model and every baseline."""

    datasets: tuple[DatasetRef, ...] = Field(..., min_length=1, description="rows of the table")
    models: tuple[ModelRef, ...] = Field(..., min_length=1, description="models for each")
    baselines: tuple[Baseline, ...] = Field(
        ("none", "gp_lfl", "random", "local_search", "taylorglo", "ml3"),
        min_length=1,
        description="searches for each; none is EvoMAL itself",
    )
    search_seeds: int = Field(3, ge=1, description="independent searches in each cell")
    protocols: tuple[ProtocolConfig, ...] = Field((), description="other budgets for some cells")
    transfer: bool = Field(
        True, description="also try EvoMAL's losses on the other data sets of their kind of task"
    )
    core_hours: float = Field(
        1.0, gt=0, description="cap on the estimated cost; cells beyond it are listed as not run"
    )
    side_by_side: int = Field(8, ge=1, description="searches that run at the same time")


class EvoMALConfig(MethodConfig):
    """A search for a loss on each of the data sets, then a comparison with a standard loss."""

    datasets: tuple[DatasetRef, ...] = Field(
        (PartRef("diabetes"),), min_length=1, description="data sets; each gets its own search"
    )
    together: bool = Field(
        False, description="one search for all data sets: fitness is the mean over them"
    )
    model: ModelRef = Field(PartRef("mlp"), description="the base model; dense ones are fastest")
    gradients: Literal["auto", "autograd"] = Field(
        "auto", description="closed form for dense models, or autograd for all"
    )
    baseline: Baseline = Field(
        "none", description="another search under the same budget in place of EvoMAL's"
    )
    loss: LossRef | None = Field(
        None, description="loss to compare with; without one mse or cross_entropy, by the task"
    )
    references: tuple[LossRef, ...] = Field((), description="further losses in the comparison")
    transfer: tuple[TransferConfig, ...] = Field(
        (), description="other data sets and models to try the found loss on"
    )
    study: StudyConfig | None = Field(None, description="a table of searches instead of one")
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

    elite: int = Field(0, ge=0, description="fittest trees that enter the next generation as is")
    islands: int = Field(1, ge=1, description="populations that evolve apart")
    migrate_every: int = Field(5, ge=1, description="generations between migrations")
    migrants: int = Field(1, ge=1, description="trees that each island sends to the next one")

    local_search: bool = Field(True, description="tune the weights (without: GP-LFL)")
    meta_steps: int = Field(250, ge=0, description="steps of the local search")
    inner_steps: int = Field(1, ge=1, description="steps that are unrolled; above 1 by autograd")
    meta_learning_rate: float = Field(1e-3, gt=0, description="Adam's rate in the local search")
    weight_noise: float = Field(1e-3, ge=0, description="first weights are 1 + noise * N(0, 1)")
    reject: Literal["exact", "early", "off"] = Field(
        "exact", description="protocol after local search; early: also before it (approximate)"
    )
    cache: Literal["symbolic", "parametric", "gradient"] = Field(
        "symbolic",
        description="reuse scores of equal formulas, also of equal gradients whatever the weights, "
        "or of equal gradients before tuning (approximate)",
    )
    skip_label_free: bool = Field(
        False, description="skip losses whose gradient never depends on the label (approximate)"
    )
    equivalence: bool = Field(
        False, description="tuned losses with equal gradients share a training (approximate)"
    )
    racing: tuple[int, ...] = Field(
        (), description="training steps after which the worse half stops (approximate)"
    )
    filter_samples: int = Field(100, ge=1, description="samples of the rejection protocol")
    filter_steps: int = Field(1000, ge=1, description="steps of the rejection protocol")
    base_steps: int = Field(500, ge=1, description="training steps that score a candidate")
    learning_rate: float = Field(0.01, gt=0, description="rate of the base model")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the base model")
    nesterov: bool = Field(True, description="Nesterov momentum")
    weight_decay: float = Field(5e-4, ge=0, description="weight decay of the base model")
    batch_size: int = Field(128, ge=1, description="samples in a batch")

    network_hidden: tuple[int, ...] = Field(
        (50, 50), min_length=1, description="hidden widths of ML3's loss network"
    )
    network_restarts: int = Field(5, ge=1, description="loss networks that ML3 tunes")
    spread: float = Field(1.2, gt=0, description="first standard deviation of TaylorGLO's CMA-ES")

    test_seeds: int = Field(10, ge=2, description="paired trainings of each loss in the comparison")
    test_steps: int = Field(10_000, ge=1, description="training steps in the comparison")
    rate_factors: tuple[float, ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
        min_length=1,
        description="learning rates tried for each loss on validation data, as factors",
    )

    landscape_seeds: int = Field(
        0, ge=0, description="trainings whose surroundings are drawn, for each loss"
    )

    block: int = Field(5, ge=1, description="candidates in one task: part of the result's identity")
    test_block: int = Field(5, ge=1, description="seeds in one task of the comparison")

    @field_validator("datasets", "references", mode="before")
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
        if self.population % self.islands:
            raise ConfigError(
                "islands", self.islands, f"a divisor of population = {self.population}"
            )
        if self.population // self.islands < self.tournament:
            islands = self.population // self.tournament
            raise ConfigError(
                "islands", self.islands, f"at most {islands}: an island holds a tournament"
            )
        if self.migrants >= self.population // self.islands and self.islands > 1:
            raise ConfigError("migrants", self.migrants, "fewer than an island's trees")
        if self.elite > self.population // self.islands:
            raise ConfigError("elite", self.elite, "at most an island's trees")
        if list(self.racing) != sorted(set(self.racing)) or any(
            not 0 < rung < self.base_steps for rung in self.racing
        ):
            raise ConfigError(
                "racing", self.racing, f"increasing steps below base_steps = {self.base_steps}"
            )
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
