"""Classes that values of the tests are made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from heliostat import stored


@stored("tests.color")
class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


@stored("tests.level")
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@stored("tests.rights")
class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@stored("tests.pair")
class Pair(NamedTuple):
    name: str
    number: int


@stored("tests.point")
@dataclass(frozen=True)
class Point:
    x: float
    y: int


@stored("tests.nested")
@dataclass(frozen=True)
class Nested:
    center: Point
    others: tuple[Any, ...]
    named: dict[str, Pair] = field(default_factory=dict, hash=False)


@stored("tests.model")
class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    alpha: float


@stored("tests.gauge")
class Gauge(BaseModel):
    name: str
    limits: tuple[float, float]
    inner: Model


@stored("tests.aliased")
class Aliased(BaseModel):
    weight: float = Field(alias="lambda")
