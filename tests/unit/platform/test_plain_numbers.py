"""Booleans and text are no numbers in any model of a plugin's, and whole numbers end somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, Literal

import heliostat_test_methods
import pytest
from pydantic import BaseModel, Field, field_validator

from heliostat.contract.config import plain, validate
from heliostat.contract.plain_numbers import LARGEST, LARGEST_SIZE
from heliostat.contract.toml_text import toml_value
from heliostat.errors import ConfigError
from heliostat.plugins.registry import Registry


class Colour(IntEnum):
    RED = 1


@dataclass
class Pair:
    left: float = 0.0


class Below(BaseModel):
    size: int = Field(1, ge=0)
    more: list[Below] = []


class Model(BaseModel):
    """Not a MethodConfig: a part may bring any model."""

    whole: int = 5
    real: float = 0.5
    either: float | tuple[float, ...] = 0.1
    maybe: int | None = None
    named: int | Literal["auto"] = "auto"
    text_too: int | str = 1
    lasting: timedelta = timedelta(1)
    choice: Literal[1, 2] = 1
    colour: Colour = Colour.RED
    by_number: dict[int, float] = {}
    several: set[int] = set()
    pair: Pair = Pair()
    below: Below = Below()
    other_name: int = Field(1, alias="other-name")
    count: int = Field(3, ge=1)
    asked_for: int = Field(3, ge=1, le=10**20)
    large: int = Field(10**15, ge=1)
    share: float = 0.1

    @field_validator("share", mode="before")
    @classmethod
    def _percent(cls, value: Any) -> Any:
        percent = isinstance(value, str) and value.endswith("%")
        return float(value[:-1]) / 100 if percent else value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for field in ("whole", "real", "either", "maybe", "named", "count", "share", "other-name")
        for value in (True, False, "2")
    ]
    + [("lasting", True), ("choice", True), ("colour", True), ("colour", "1"), ("text_too", True)],
)
def test_what_is_no_number_is_refused_with_its_field(field: str, value: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(Model, {field: value})
    assert (refused.value.field.split(".")[0], refused.value.got) == (field, value)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"either": [0.1, True]}, "either.1"),
        ({"by_number": {"1": "2"}}, "by_number.1"),
        ({"several": [3, "4"]}, "several.1"),
        ({"several": [3, True]}, "several.1"),
        ({"pair": {"left": "1"}}, "pair.left"),
        ({"below": {"more": [{"size": 2}, {"size": "2"}]}}, "below.more.1.size"),
    ],
)
def test_so_is_one_within(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError, match="expected a number, not") as refused:
        validate(Model, values)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "values",
    [
        {"whole": 2.0, "real": 3, "either": [1, 2.5], "maybe": None, "named": "auto"},
        {"text_too": "2", "by_number": {"1": 2}, "several": [1, 2], "share": "10%"},
        {"below": {"more": [{"size": 2}]}, "pair": {"left": 1}, "lasting": 60, "choice": 2},
        plain(Model()),
    ],
)
def test_what_a_field_means_passes(values: dict[str, Any]) -> None:
    assert validate(Model, values)


@pytest.mark.parametrize(
    ("field", "most"),
    [("count", LARGEST_SIZE), ("whole", LARGEST), ("asked_for", 10**20), ("large", 10**15)],
)
def test_whole_numbers_end_somewhere(field: str, most: int) -> None:
    assert getattr(validate(Model, {field: most}), field) == most
    with pytest.raises(ConfigError, match=field):
        validate(Model, {field: most + 1})


def test_a_part_s_parameters_are_judged_alike() -> None:
    plugins = Registry()
    plugins.register(heliostat_test_methods, "tests")
    method = plugins.method("step_options")
    with pytest.raises(ConfigError, match=r"spot = True: expected a number, not true or false"):
        validate(method.config, {"spot": True})
    losses = plugins.part("loss", "focal").config
    with pytest.raises(ConfigError, match=r"gamma = '2': .* without quotation marks"):
        validate(losses, {"gamma": "2"})


@pytest.mark.parametrize(
    ("text", "value"), [(".5", 0.5), ("5.", 5.0), ("-.5e3", -500.0), ("1.2.", "1.2."), (".", ".")]
)
def test_a_number_may_leave_out_one_side_of_its_point(text: str, value: Any) -> None:
    assert toml_value(text) == value
    assert type(toml_value(text)) is type(value)
