"""What can be set."""

from __future__ import annotations

from typing import Annotated

from heliostat import EXTENDABLE, MethodConfig, PartKind, PartRef
from pydantic import Field


class FeatureSubsetConfig(MethodConfig):
    """Choose columns of a classification data set."""

    dataset: Annotated[PartRef, PartKind("dataset")] = Field(
        PartRef("breast_cancer"), description="data for classification: `heliostat parts dataset`"
    )
    test: float = Field(0.4, gt=0, lt=1, description="share of rows that the search never sees")
    population: int = Field(40, ge=4, description="subsets in a generation")
    generations: int = Field(30, ge=1, description="generations", json_schema_extra=EXTENDABLE)
    block: int = Field(10, ge=1, description="subsets in one task: part of the run's identity")
    folds: int = Field(5, ge=2, description="folds of the cross-validation that scores a subset")
    price: float = Field(0.02, ge=0, description="what all features together add to the error")
    ridge: float = Field(1.0, gt=0, description="penalty of the linear classifier's weights")
    retrainings: int = Field(40, ge=2, description="trainings of each subset for the comparison")
