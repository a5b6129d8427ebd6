"""What may be set where a network of a past run is named as a model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class NetworkParameters(BaseModel):
    """Which of a run's networks is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: str = Field(
        "", description="most that it may cost: 12ms, 350M multiply-adds, 2.5Mparams; empty: any"
    )

    @field_validator("budget", mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        # budget=4900 is a number to whoever reads a reference, and a budget to whoever writes it
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return repr(value) if number else value
