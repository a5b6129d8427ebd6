"""What can be set for a tuning: the method and its configuration, the space, the budget."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from heliostat import EXTENDABLE, ConfigError, MethodConfig, MethodSpec, registry
from heliostat.contract import validate
from heliostat.errors import did_you_mean
from heliostat_methods.tune.durations import read_duration
from heliostat_methods.tune.fields import field_at, parts_named, read_tables, value_at
from heliostat_search.strategies.bayesian import Pruning, StopRules, check_sampler
from heliostat_search.strategies.conditions import Conditions
from heliostat_search.strategies.pruning import make_pruner
from heliostat_search.strategies.space import Dimension

Sampler = Literal["tpe", "gp", "cmaes", "nsga2", "nsga3", "qmc", "random"]
PrunerName = Literal["none", "median", "asha", "hyperband"]
LONGEST = 1e9
"""Seconds: thirty years."""


class TuneConfig(MethodConfig):
    """A search for the configuration of another method that gives its best result."""

    method: str = Field(..., description="the method whose configuration is searched")
    base: SerializeAsAny[BaseModel] = Field(
        MethodConfig(),
        description="its configuration, from which fields outside the space keep their value",
    )
    space: dict[str, Any] = Field(
        ...,
        description="field: {low, high, log, step} or {choices}, either with when = {field = "
        "value}; sections as tables",
    )
    trials: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="configurations that are tried",
        json_schema_extra=EXTENDABLE,
    )
    objectives: tuple[str, ...] = Field(
        (), description="results of the method to optimise; by default all that are goals"
    )
    sampler: Sampler = Field("tpe", description="who proposes configurations")
    cost: tuple[str, ...] = Field(
        (), description="number fields whose product a trial's duration grows with"
    )
    at_once: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="trials under way at a time; as many as the run's look-ahead if left out",
        # other trials would have been asked for, under the keys of those that were
        json_schema_extra=EXTENDABLE | {"anew": True},
    )
    base_first: bool = Field(
        True, description="try the configuration as it is first, if it lies in the space"
    )
    stop_after: Annotated[float, BeforeValidator(read_duration)] | None = Field(
        None,
        gt=0,
        le=LONGEST,
        description="seconds, or a text such as 2h or 30min, after which no trial begins; what "
        "earlier starts took counts",
        json_schema_extra=EXTENDABLE,
    )
    target: float | None = Field(
        None,
        allow_inf_nan=False,
        description="value of the first objective with which it is good enough, so that no trial "
        "begins",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="trials told in a row without a better one after which no trial begins",
        json_schema_extra=EXTENDABLE,
    )
    pruner: PrunerName = Field(
        "none", description="who gives up bad trials on the way, by what they report at steps"
    )
    prune_by: str = Field(
        "", description="the reported number that is compared; by default called as the objective"
    )
    prune_from: int = Field(
        1, ge=1, le=1_000_000_000, description="the first step at which a trial may be given up"
    )
    prune_startup: int = Field(
        5, ge=1, le=1_000_000, description="complete trials before median gives any up"
    )
    prune_factor: int = Field(
        3, ge=2, le=1_000, description="asha and hyperband let one trial of so many go on"
    )
    named_parts: tuple[Any, ...] = Field(
        (), exclude=True, description="parts that choices name; follows from the space"
    )

    @field_validator("method")
    @classmethod
    def _another_method(cls, value: str) -> str:
        if value == "tune":
            raise ConfigError("method", value, "another method than tune")
        return registry().method(value).name

    @field_validator("base", mode="plain")
    @classmethod
    def _of_that_method(cls, value: Any, info: ValidationInfo) -> Any:
        if "method" not in info.data:
            return value
        spec = registry().method(info.data["method"])
        if isinstance(value, spec.config):
            return value
        if isinstance(value, BaseModel):  # the default: nothing is set
            value = {}
        try:
            return validate(spec.config, value)
        except ConfigError as error:
            raise ConfigError(
                f"base.{error.field}", error.got, error.expected, error.hint
            ) from None

    @field_validator("space")
    @classmethod
    def _fits_the_fields(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        base = info.data.get("base")
        if not isinstance(base, BaseModel):
            return value
        space, when = read_tables(registry().method(info.data["method"]), base, value)
        return {path: dimension.plain() | _condition(when, path)
                for path, dimension in space.items()}  # fmt: skip

    @field_validator("objectives")
    @classmethod
    def _declared(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "method" not in info.data:
            return value
        spec = registry().method(info.data["method"])
        outputs, goals = spec.outputs, spec.goals
        for number, name in enumerate(value):
            if name not in outputs:
                raise ConfigError(
                    "objectives", name, f"a result of {info.data['method']}",
                    did_you_mean(name, outputs),
                )  # fmt: skip
            if name not in goals:
                hint = f"{info.data['method']} declares no direction for {name}"
                expected = f"a goal: {', '.join(goals)}" if goals else "a method with a goal"
                raise ConfigError("objectives", name, expected, hint)
            if name in value[:number]:
                raise ConfigError("objectives", name, "each result once")
        if not value and not spec.default_goals:
            raise ConfigError("method", spec.name, "a method with a goal among its results")
        return value or tuple(spec.default_goals)

    @field_validator("sampler")
    @classmethod
    def _is_here(cls, value: str, info: ValidationInfo) -> str:
        check_sampler(value, len(info.data.get("objectives", ())))
        return value

    @field_validator("pruner")
    @classmethod
    def _compares_one_number(cls, value: str, info: ValidationInfo) -> str:
        objectives = info.data.get("objectives", ())
        if value != "none" and len(objectives) > 1:
            expected = f"none, since there are several objectives ({', '.join(objectives)})"
            raise ConfigError("pruner", value, expected)
        return value

    @field_validator("prune_by")
    @classmethod
    def _with_a_pruner(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("pruner") == "none":
            raise ConfigError("prune_by", value, "a pruner beside it: median, asha or hyperband")
        return value

    @field_validator("cost")
    @classmethod
    def _are_numbers(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        base = info.data.get("base")
        if not isinstance(base, BaseModel):
            return value
        for path in value:
            try:
                field_at(registry().method(info.data["method"]), base, path)
            except ConfigError as error:
                raise ConfigError("cost", path, error.expected, error.hint) from None
            at = value_at(base, path)
            if isinstance(at, bool) or not isinstance(at, int | float) or at <= 0:
                raise ConfigError("cost", path, "a field that holds a positive number")
        return value

    @field_validator("named_parts", mode="plain")
    @classmethod
    def _named_in_choices(cls, value: Any, info: ValidationInfo) -> tuple[Any, ...]:
        base, space = info.data.get("base"), info.data.get("space")
        if not isinstance(base, BaseModel) or space is None:
            return ()
        spec = registry().method(info.data["method"])
        return tuple(parts_named(spec, base, *read_tables(spec, base, space)))

    @cached_property
    def spec(self) -> MethodSpec:
        """The method whose configuration is searched."""
        return registry().method(self.method)

    @cached_property
    def _tables(self) -> tuple[dict[str, Dimension], Conditions]:
        return read_tables(self.spec, self.base, self.space)

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """The space, dimension by dimension."""
        return self._tables[0]

    @property
    def conditions(self) -> Conditions:
        """With which values of other fields a field of the space is varied at all."""
        return self._tables[1]

    @property
    def stop(self) -> StopRules:
        """What ends the search before its budget does."""
        return StopRules(self.stop_after, self.target, self.patience)

    @property
    def pruning(self) -> Pruning | None:
        """How bad trials are given up."""
        pruner = make_pruner(
            self.pruner,
            startup=self.prune_startup,
            first=self.prune_from,
            factor=self.prune_factor,
        )
        objective = self.objectives[0]
        metric = self.prune_by or objective
        return None if pruner is None else Pruning(pruner, metric, self.directions[objective])

    @property
    def directions(self) -> dict[str, str]:
        """Each objective's direction, "min" or "max"."""
        return {name: self.spec.goals[name] for name in self.objectives}

    def duration(self, params: Mapping[str, Any]) -> float:
        """Return a trial's expected duration, relative to others: the product of `cost`."""
        product = 1.0
        for path in self.cost:
            product *= float(params.get(path, value_at(self.base, path)))
        return product


def _condition(conditions: Conditions, path: str) -> dict[str, Any]:
    when = {name: list(values) for name, values in conditions.get(path, {}).items()}
    return {"when": when} if when else {}
