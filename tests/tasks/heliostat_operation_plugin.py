"""An external plugin: operations of its own for the trees of a loss search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from pydantic import Field

from heliostat import MethodConfig, PartSpec, hookimpl


class SlopeConfig(MethodConfig):
    """How much an error of the other sign counts."""

    tau: float = Field(0.7, gt=0, lt=1, description="quantile")


@dataclass(frozen=True)
class Pinball:
    """The quantile loss as an operation; it imports nothing of the method."""

    tau: float
    name: str = "pinball"
    arity: int = 1

    def expression(self, a: Any) -> Any:
        """Return the formula over a real symbol."""
        return sympy.Max(self.tau * a, (self.tau - 1) * a)


@dataclass(frozen=True)
class Gamma:
    """What has no code."""

    name: str = "gamma"
    arity: int = 1

    def expression(self, a: Any) -> Any:
        """Return a function that nothing here computes."""
        return sympy.gamma(a)


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    return [
        PartSpec("primitive", "pinball", lambda c: Pinball(c.tau), "quantile loss", SlopeConfig),
        PartSpec("primitive", "gamma", lambda c: Gamma(), "no code"),
        PartSpec("primitive", "nothing", lambda c: object(), "no operation"),
    ]
