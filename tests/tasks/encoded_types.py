"""Classes that values of the tests are made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    name: str
    number: int


@dataclass(frozen=True)
class Point:
    x: float
    y: int


@dataclass(frozen=True)
class Nested:
    center: Point
    others: tuple[Any, ...]
    named: dict[str, Pair] = field(default_factory=dict, hash=False)


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    alpha: float


class Gauge(BaseModel):
    name: str
    limits: tuple[float, float]
    inner: Model


class Aliased(BaseModel):
    weight: float = Field(alias="lambda")
