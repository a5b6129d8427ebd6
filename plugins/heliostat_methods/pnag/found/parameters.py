"""What may be set where a network of a past run is named as a model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetworkParameters(BaseModel):
    """Which of a run's networks is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: str = Field(
        "", description="most that it may cost: 12ms, 350M multiply-adds, 2.5Mparams; empty: any"
    )
