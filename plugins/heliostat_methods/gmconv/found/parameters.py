"""What may be set where a network of a past run is named as a model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetworkParameters(BaseModel):
    """How a network of a past run is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trained: bool = Field(
        True, description="with the weights that it has, or freshly drawn with the same layers"
    )
    folded: bool = Field(
        True, description="masks multiplied into the weights, where they are the same for all rows"
    )
