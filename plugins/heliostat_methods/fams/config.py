"""What can be set for a comparison on subgroups: the data, the method, its opponents, the budget.

Defaults of the method itself are those of the authors' tabular configurations with a closed-form
upper level, which is a reconstruction; learning rate and schedule are ours where the field says so.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from heliostat import ConfigError, MethodConfig, PartKind, PartRef, stored
from heliostat.errors import did_you_mean
from heliostat_methods.fams.estimators.names import NAMES
from heliostat_methods.fams.groups.settings import GroupSettings

DatasetRef = Annotated[PartRef, PartKind("dataset")]
LossRef = Annotated[PartRef, PartKind("loss")]
CRITERIA = ("nll", "brier", "gap", "gap_uniform", "gap_squared")
"""Metrics, all to be small, by which a tuning may choose."""


@stored("fams.method_settings")
class FAMSSettings(MethodConfig):
    """The bilevel method: a distribution over networks that every subgroup adapts for itself."""

    model_config = ConfigDict(allow_inf_nan=False)

    divergence: Literal["w2", "kl"] = Field(
        "w2",
        description="between a subgroup's distribution and the common one: squared 2-Wasserstein, "
        "as in the authors' code, or Kullback-Leibler, as in their theory",
    )
    lam: float = Field(0.4, ge=0, le=1e6, description="weight of the divergence in the lower level")
    normalise: bool = Field(False, description="divide the divergence by the number of weights")
    rounds: int = Field(80, ge=1, le=1_000_000, description="rounds of lower and upper level")
    inner: int = Field(10, ge=1, le=100_000, description="steps of the lower level in a round")
    batch: int = Field(50, ge=1, le=65_536, description="rows of a subgroup in a round's batch")
    n_mc: int = Field(5, ge=1, le=10_000, description="networks drawn for each step and prediction")
    eps: float = Field(
        0.08, ge=0, le=1e3, description="scale of the weights' noise; 0 for networks without any"
    )
    lr_posterior: float = Field(
        0.05, gt=0, le=1e3, description="Adagrad's rate in the lower level; a fifth from half on"
    )
    upper: Literal["closed", "adagrad"] = Field(
        "closed", description="upper level: the barycentre, or the authors' steps of Adagrad"
    )
    damping: float = Field(1.0, gt=0, le=1, description="share of the way to the barycentre")
    lr_prior: float = Field(0.005, gt=0, le=1e3, description="Adagrad's rate in the upper level")
    outer_steps: int = Field(5, ge=1, le=100_000, description="its steps in a round")
    persist: Literal["restart", "persistent"] = Field(
        "restart",
        description="subgroups begin each round at the common distribution, or go on where they "
        "stood (the authors), which keeps their states in the run's folder",
    )
    group_weights: Literal["uniform", "population"] = Field(
        "uniform", description="subgroups count the same in the upper level, or by their rows"
    )
    blocks_per_round: int = Field(
        0, ge=0, description="blocks that take part in a round, drawn anew each time; 0 is all"
    )


class FAMSConfig(MethodConfig):
    """Estimators compared on subgroups: each tuned alike, then trained with several seeds."""

    model_config = ConfigDict(allow_inf_nan=False)

    dataset: DatasetRef = Field(
        PartRef("subgroup_law"), description="data set of two classes with attributes or columns"
    )
    groups: GroupSettings = Field(
        GroupSettings.model_validate({}), description="which rows are one subgroup"
    )
    positive: str | int | None = Field(
        None,
        description="label that counts as 1, by its name; default: the data set's second class, "
        "of a table the last in order",
    )
    rows_per_group: int = Field(
        100, ge=0, description="most training rows of a subgroup, at most half of it; 0: half"
    )
    validation: float = Field(
        0.25, gt=0, lt=1, description="share of the training rows that validates in the tuning"
    )
    methods: tuple[str, ...] = Field(
        ("fams", "erm", "balanced_erm", "snn", "group_dro", "eiil", "fscs", "logistic"),
        min_length=1,
        description="estimators, by name",
    )
    reference: str = Field("erm", description="the one that the others are compared with")
    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
        (64, 32), description="widths of the hidden layers of all networks"
    )
    loss: LossRef | None = Field(
        None,
        description="what all networks minimise, a loss part for classification; without one "
        "cross-entropy",
    )
    fams: FAMSSettings = Field(FAMSSettings.model_validate({}), description="the bilevel method")
    trials: int = Field(
        8, ge=1, le=100_000, description="settings tried for each estimator; the first its defaults"
    )
    sampler: str = Field("random", description="what proposes settings, as in `heliostat tune`")
    criterion: Literal["nll", "brier", "gap", "gap_uniform", "gap_squared"] = Field(
        "nll", description="metric of the validation rows by which settings are chosen"
    )
    seeds: int = Field(5, ge=1, le=10_000, description="splits and trainings of each estimator")
    lambdas: tuple[Annotated[float, Field(ge=0, le=1e6)], ...] = Field(
        (), description="weights of the divergence that the bilevel method is also trained with"
    )
    n_bins: int = Field(10, ge=1, le=10_000, description="equal bins of the score")
    permutations: int = Field(
        200, ge=1, le=1_000_000, description="permutations behind each test of the gap"
    )
    block: int = Field(64, ge=1, le=1_000_000, description="subgroups that one task adapts")
    checkpoint_every: int = Field(20, ge=0, description="rounds between checkpoints; 0 for none")
    on_lost: Literal["fail", "skip"] = Field(
        "fail", description="a block that fails ends the run, or its round goes on without it"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="where networks train; auto: on a GPU where a worker has one"
    )

    @model_validator(mode="after")
    def _names_fit(self) -> FAMSConfig:
        for place, name in enumerate(self.methods):
            if name not in NAMES:
                raise ConfigError(
                    f"methods[{place}]", name, "the name of an estimator",
                    did_you_mean(name, NAMES),
                )  # fmt: skip
        if len(set(self.methods)) < len(self.methods):
            raise ConfigError("methods", list(self.methods), "each name once")
        if self.reference not in self.methods:
            raise ConfigError(
                "reference", self.reference, "one of `methods`",
                did_you_mean(self.reference, self.methods),
            )  # fmt: skip
        if self.lambdas and "fams" not in self.methods:
            raise ConfigError("lambdas", list(self.lambdas), "nothing where fams is not compared")
        return self
