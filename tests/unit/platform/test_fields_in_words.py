"""What is said of a method's fields: kind, choices, bounds, and defaults that `-o` takes."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from in_process import InProcess
from pydantic import BaseModel, Field

from heliostat import EXTENDABLE, MethodConfig, PartKind, PartRef
from heliostat.cli.fields import NOT_SET, field_texts, schema_of
from heliostat.contract.config import plain
from heliostat.driver.configuration import resolve
from heliostat.plugins.registry import registry

DatasetRef = Annotated[PartRef, PartKind("dataset")]


class Inner(MethodConfig):
    """A table."""

    v0: float = Field(..., gt=0, description="variance today")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Config(MethodConfig):
    """A field of each kind."""

    model: Annotated[PartRef, PartKind("model")] = Field(PartRef("mlp"), description="the model")
    wide: Annotated[PartRef, PartKind("model")] = PartRef("mlp", {"hidden": [16]})
    datasets: tuple[DatasetRef, ...] = Field((PartRef("diabetes"),), min_length=1)
    rounds: int = Field(5, ge=1, le=9, description="how many", json_schema_extra=EXTENDABLE)
    rate: float | None = Field(None, gt=0, lt=1)
    mode: Literal["fast", "exact"] = "fast"
    loud: bool = False
    fractions: tuple[float, float] = (0.5, 0.5)
    heston: Inner | None = None
    colour: Colour = Colour.RED
    anything: dict[str, int] = Field({"a b": 1})


class Tree(BaseModel):
    below: Tree | None = None


FIELDS = {field.name: field for field in field_texts(Config)}


@pytest.mark.parametrize(
    ("name", "default", "parts"),
    [
        ("model", '"mlp"', ["the model", "a model, see: heliostat parts model"]),
        ("wide", '{name = "mlp", hidden = [16]}', []),
        ("datasets", '["diabetes"]', ["list of at least 1, each a dataset"]),
        ("rounds", "5", ["how many (whole number, at least 1, at most 9, may grow on resume)"]),
        ("rate", NOT_SET, ["number, above 0, below 1"]),
        ("mode", '"fast"', ['one of "fast", "exact"']),
        ("loud", "false", ["true or false"]),
        ("fractions", "[0.5, 0.5]", ["list of number, number"]),
        ("heston", NOT_SET, ["table of v0"]),
        ("heston.v0", "required", ["variance today (number, above 0)"]),
        ("colour", '"red"', ['one of "red", "blue"']),
        ("anything", '{"a b" = 1}', ["table"]),
    ],
)
def test_a_field_says_its_default_and_what_it_may_hold(
    name: str, default: str, parts: list[str]
) -> None:
    assert FIELDS[name].default == default
    assert all(part in FIELDS[name].meaning for part in parts), FIELDS[name].meaning


def test_parts_stand_in_the_schema_as_a_configuration_writes_them() -> None:
    text = json.dumps(schema_of(Config))
    assert '"params"' not in text
    assert schema_of(Config)["properties"]["datasets"]["default"] == ["diabetes"]


def test_a_table_that_holds_itself_is_told_to_an_end() -> None:
    assert [field.name for field in field_texts(Tree)][:2] == ["below", "below.below"]


def test_every_default_that_is_shown_is_accepted_by_an_override(tmp_path: Path) -> None:
    here = InProcess(tmp_path)
    lines = here("methods", "describe", "evomal").stdout.split("presets:")[0].splitlines()
    shown = [line.strip() for line in lines if line.startswith("  ") and line[2] != " "]
    settings = [s.split(" = ", 1) for s in shown if NOT_SET not in s and " = required" not in s]
    overrides = [x for name, value in settings if "." not in name
                 for x in ("-o", f"{name}={value}")]  # fmt: skip
    assert len(overrides) > 40
    written = here("methods", "describe", "evomal", "--json")
    assert '"params"' not in written.stdout
    method = registry().method("evomal")
    assert plain(resolve(method, registry(), overrides=overrides[1::2])) == plain(method.config())
