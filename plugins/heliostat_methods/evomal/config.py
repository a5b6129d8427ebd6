"""What can be set for a loss search; defaults are the settings of the authors' released code.

The sizes of the demonstration's models and budgets are ours; see `method.py` for the presets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, field_validator, model_validator

from heliostat import EXTENDABLE, ConfigError, MethodConfig, PartKind, PartRef, stored
from heliostat.errors import did_you_mean

DatasetRef = Annotated[PartRef, PartKind("dataset")]
ModelRef = Annotated[PartRef, PartKind("model")]
LossRef = Annotated[PartRef, PartKind("loss")]
PrimitiveRef = Annotated[PartRef, PartKind("primitive")]
SETS = ("standard", "shifted")
"""Sets of primitives, one of which a search has."""


Baseline = Literal["none", "gp_lfl", "random", "local_search", "taylorglo",
                   "taylorglo_as_released", "ml3", "fixed"]  # fmt: skip
NOT_IN_A_STUDY = ("together", "baseline", "loss", "references", "transfer", "landscape_seeds",
                  "augment")  # fmt: skip
"""What belongs to a single search; a study says it in fields of its own, or not at all."""


@stored("evomal.augment_config")
class AugmentConfig(MethodConfig):
    """How images vary while the comparison trains."""

    padding: int = Field(4, ge=0, le=1_000, description="pixels by which an image may shift")
    flip: bool = Field(True, description="flip every other image; not for digits")


class TransferConfig(MethodConfig):
    """Where a found loss is tried without another search."""

    dataset: DatasetRef = Field(..., description="data set of the same kind of task")
    model: ModelRef | None = Field(None, description="its model; without one the search's")


class ProtocolConfig(MethodConfig):
    """What a study spends on some of its cells, where that differs from the search's settings."""

    model_config = ConfigDict(allow_inf_nan=False)

    dataset: str | None = Field(None, description="name of the data set that this is for")
    model: str | None = Field(None, description="name of the model that this is for")
    population: int | None = Field(None, ge=2, le=1_000_000, description="trees in a generation")
    generations: int | None = Field(
        None, ge=1, le=1_000_000, description="generations after the first"
    )
    meta_steps: int | None = Field(None, ge=0, description="steps of the local search")
    filter_steps: int | None = Field(None, ge=1, description="steps of the rejection protocol")
    base_steps: int | None = Field(None, ge=1, description="training steps that score a candidate")
    network_restarts: int | None = Field(
        None, ge=1, le=1_000_000, description="loss networks that ML3 tunes"
    )
    test_steps: int | None = Field(None, ge=1, description="training steps in the comparison")


class StudyConfig(MethodConfig):
    """A table of searches: every data set with every model and every baseline."""

    model_config = ConfigDict(allow_inf_nan=False)

    datasets: tuple[DatasetRef, ...] = Field(..., min_length=1, description="rows of the table")
    models: tuple[ModelRef, ...] = Field(..., min_length=1, description="models for each")
    baselines: tuple[Baseline, ...] = Field(
        ("none", "gp_lfl", "random", "local_search", "taylorglo", "ml3"),
        min_length=1,
        description="searches for each; none is EvoMAL itself",
    )
    search_seeds: int = Field(3, ge=1, le=10_000, description="independent searches in each cell")
    protocols: tuple[ProtocolConfig, ...] = Field((), description="other budgets for some cells")
    transfer: bool = Field(
        True, description="also try EvoMAL's losses on the other data sets of their kind of task"
    )
    core_hours: float = Field(
        1.0, gt=0, description="cap on the estimated cost; cells beyond it are listed as not run"
    )
    side_by_side: int = Field(8, ge=1, description="searches that run at the same time")

    @model_validator(mode="after")
    def _names_fit(self) -> StudyConfig:
        named: dict[str, list[str]] = {
            "datasets": [ref.name for ref in self.datasets],
            "models": [str(ref.plain()) for ref in self.models],
            "baselines": list(self.baselines),
        }
        for field, names in named.items():
            if len(set(names)) < len(names):
                raise ConfigError(f"study.{field}", names, "each name once")
        known: dict[str, list[str]] = {"dataset": named["datasets"],
                 "model": list(dict.fromkeys(ref.name for ref in self.models))}  # fmt: skip
        for i, protocol in enumerate(self.protocols):
            for field, names in known.items():
                name = getattr(protocol, field)
                if name is not None and name not in names:
                    raise ConfigError(
                        f"study.protocols[{i}].{field}", name, f"one of the study's {field}s",
                        did_you_mean(name, names),
                    )  # fmt: skip
        return self


class EvoMALConfig(MethodConfig):
    """A search for a loss on each of the data sets, then a comparison with a standard loss."""

    model_config = ConfigDict(allow_inf_nan=False)

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
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="where networks are trained that take autograd; cuda: all of them, on a GPU "
        "that has to be there; auto: on a GPU where a worker has one",
    )
    baseline: Baseline = Field(
        "none",
        description="another search in place of EvoMAL's, of as many candidates; ml3 has a much "
        "smaller budget of its own, network_restarts",
    )
    loss: LossRef | None = Field(
        None, description="loss to compare with; without one mse or cross_entropy, by the task"
    )
    references: tuple[LossRef, ...] = Field((), description="further losses in the comparison")
    transfer: tuple[TransferConfig, ...] = Field(
        (), description="other data sets and models to try the found loss on"
    )
    study: StudyConfig | None = Field(
        None, description="a table of searches instead of one, on data sets and models of its own"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation and test parts of the data"
    )
    metric: Literal[
        "auto", "mse", "rmse", "mae", "error_rate", "balanced_error", "log_loss", "auc"
    ] = Field(
        "auto",
        description="what validation data judge a loss by, and the comparison: auto is mse or "
        "error_rate by the task; auc is 1 - area under the ROC curve",
    )
    initial: tuple[str, ...] = Field(
        (),
        description="losses that start the population, such as square(sub(y, 0.9*f)); local search "
        "starts from their weights",
    )
    primitives: tuple[PrimitiveRef, ...] = Field(
        (PartRef("standard"),),
        min_length=1,
        description="standard: log and sqrt of max(|a|, 1e-7); shifted: of |a| + 1e-7; operations "
        "beside it, as in [standard, exp, huber]",
    )

    population: int = Field(25, ge=2, le=1_000_000, description="trees in a generation")
    generations: int = Field(
        50,
        ge=1,
        le=1_000_000,
        description="generations after the first",
        json_schema_extra=EXTENDABLE,
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
    inner_steps: int = Field(
        1, ge=1, le=1_000_000, description="steps that are unrolled; above 1 by autograd"
    )
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
    filter_samples: int = Field(
        100, ge=1, le=1_000_000, description="samples of the rejection protocol"
    )
    filter_steps: int = Field(1000, ge=1, description="steps of the rejection protocol")
    base_steps: int = Field(500, ge=1, description="training steps that score a candidate")
    learning_rate: float = Field(0.01, gt=0, description="rate of the base model")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the base model")
    nesterov: bool = Field(True, description="Nesterov momentum")
    weight_decay: float = Field(5e-4, ge=0, description="weight decay of the base model")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="samples in a batch")

    network_hidden: tuple[int, ...] = Field(
        (50, 50), min_length=1, description="hidden widths of ML3's loss network"
    )
    network_restarts: int = Field(5, ge=1, le=1_000_000, description="loss networks that ML3 tunes")
    spread: float = Field(1.2, gt=0, description="first standard deviation of TaylorGLO's CMA-ES")

    test_seeds: int = Field(
        10, ge=2, le=100_000, description="paired trainings of each loss in the comparison"
    )
    splits: int = Field(
        1,
        ge=1,
        le=1_000,
        description="splits of the data in the comparison, test_seeds trainings on each; with "
        "several the intervals cover the split too",
    )
    test_steps: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="most training steps in the comparison; without it test_epochs says how many",
    )
    test_epochs: float = Field(
        120.0,
        gt=0,
        le=1_000_000,
        description="passes over the training rows that make test_steps where it is not given, "
        "but 1,000 to 10,000 steps",
    )
    rate_drops: tuple[tuple[int, float], ...] = Field(
        (),
        description="steps of the comparison from which on the learning rate is multiplied, such "
        "as [[100000, 0.1], [135000, 0.1]]",
    )
    augment: AugmentConfig | None = Field(
        None, description="random crops and flips of images in the comparison; {} for the usual"
    )
    rate_factors: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0, 10.0),
        min_length=1,
        description="learning rates tried for each loss on validation data, as factors; one alone "
        "is taken as it is",
    )
    rate_growths: int = Field(
        6,
        ge=0,
        le=100,
        description="rates that may be added beyond each edge of rate_factors while the best one "
        "lies there",
    )

    landscape_seeds: int = Field(
        0, ge=0, description="trainings whose surroundings are drawn, for each loss"
    )

    block: int = Field(5, ge=1, description="candidates in one task: part of the result's identity")
    test_block: int = Field(
        5,
        ge=1,
        description="seeds in one task of the comparison; as many choose its learning rates",
    )

    _table: str = PrivateAttr("")

    @field_validator("datasets", "references", "primitives", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Mapping | PartRef) else value

    def of_cell(self, dataset: str, model: str) -> EvoMALConfig:
        """Return the settings of a study's searches there; later protocols override earlier ones.

        `dataset` and `model` are names without parameters.
        """
        changes: dict[str, Any] = {}
        for one in self.study.protocols if self.study else ():
            if one.dataset in (None, dataset) and one.model in (None, model):
                settings = one.model_dump(exclude={"dataset", "model"})
                changes |= {name: value for name, value in settings.items() if value is not None}
        return self.model_copy(update={**changes, "study": None})

    @model_validator(mode="after")
    def _fits_together(self) -> EvoMALConfig:
        # ConfigError goes through pydantic unchanged, so that the message names the field
        self._check_search()
        self._check_primitives()
        if self.study is not None:
            self._check_study(self.study)
        self._check_initial()
        return self

    def _check_study(self, study: StudyConfig) -> None:
        mine = self.model_dump(include=set(NOT_IN_A_STUDY))
        usual = EvoMALConfig.model_construct().model_dump(include=set(NOT_IN_A_STUDY))
        for name in NOT_IN_A_STUDY:
            if mine[name] != usual[name]:
                raise ConfigError(name, mine[name], f"{usual[name]!r} with a study",
                                  "it belongs to a single search")  # fmt: skip
        if "fixed" in study.baselines and not self.initial:
            raise ConfigError("study.baselines", "fixed", "losses to score as they are in initial")
        for dataset in study.datasets:
            for model in study.models:
                try:
                    self.of_cell(dataset.name, model.name)._check_search()
                except ConfigError as error:
                    where = f"{dataset.name} x {model.name}"
                    raise ConfigError(
                        f"study.protocols: {error.field}", error.got,
                        f"for {where} {error.expected}", error.hint,
                    ) from None  # fmt: skip

    def _check_search(self) -> None:
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
        if len(set(self.rate_factors)) < len(self.rate_factors):
            raise ConfigError("rate_factors", self.rate_factors, "different factors")
        steps = [step for step, _ in self.rate_drops]
        if steps and self.test_steps is None:
            raise ConfigError("rate_drops", self.rate_drops, "test_steps beside it",
                              "they are steps of the comparison")  # fmt: skip
        last = self.test_steps or 0
        if steps != sorted(set(steps)) or any(not 0 < s < last for s in steps):
            raise ConfigError(
                "rate_drops", self.rate_drops,
                f"increasing steps below test_steps = {self.test_steps}",
            )  # fmt: skip
        if not all(factor > 0 for _, factor in self.rate_drops):
            raise ConfigError("rate_drops", self.rate_drops, "pairs of a step and a factor above 0")
        if len(self.initial) > self.population:
            most = f"at most population = {self.population} losses"
            raise ConfigError("initial", f"{len(self.initial)} losses", most)
        if self.baseline == "ml3" and self.together and len(self.datasets) > 1:
            raise ConfigError(
                "together",
                True,
                "false with baseline = 'ml3', which tunes a network on one data set",
            )

    @property
    def own_operations(self) -> tuple[PartRef, ...]:
        """The operations beside the set of primitives."""
        return tuple(ref for ref in self.primitives if ref.name not in SETS)

    @property
    def table_name(self) -> str:
        """The name of the table of primitives: the set, or what ``with_table`` was given."""
        return self._table or next(ref.name for ref in self.primitives if ref.name in SETS)

    def with_table(self, name: str) -> EvoMALConfig:
        """Return the settings under a table with the operations that ``own_operations`` name.

        A search builds them; then the losses of ``initial`` can be read.
        """
        copy = self.model_copy()
        copy._table = name
        copy._check_initial()
        return copy

    def _check_primitives(self) -> None:
        names = [ref.name for ref in self.primitives]
        if sum(name in SETS for name in names) != 1:
            raise ConfigError("primitives", names, f"one of {' and '.join(SETS)} among them",
                              "operations of your own stand beside a set")  # fmt: skip
        if len(set(names)) < len(names):
            raise ConfigError("primitives", names, "each name once")

    def _check_initial(self) -> None:
        from heliostat_methods.evomal.losses.expression import parse
        from heliostat_methods.evomal.losses.primitives import LossExpressionError
        from heliostat_methods.evomal.losses.tables import table_named

        if self.own_operations and not self._table:
            return  # read once the operations are built
        for i, text in enumerate(self.initial):
            try:
                height = parse(text, table_named(self.table_name)).height
            except LossExpressionError as error:
                hint = f"{error}; `primitives` names operations beside these"
                raise ConfigError(f"initial[{i}]", text, "a loss in y and f", hint) from None
            if height > self.max_height:
                most = f"a tree of height at most max_height = {self.max_height}"
                raise ConfigError(f"initial[{i}]", text, most, f"its height is {height}")
