"""What may be set where a network of a past run is named as a model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetworkParameters(BaseModel):
    """How a network of a past run is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frozen: bool = Field(
        False, description="for inference alone: int8 tables by the kernel, nothing to train"
    )
