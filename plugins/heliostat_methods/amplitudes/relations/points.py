"""The random point that a kind of relation is checked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.kinematics.random_points import (
    random_ads_point,
    random_gram_point,
)
from heliostat_methods.amplitudes.relations.helicities import SpinorPoint
from heliostat_methods.amplitudes.relations.integrands import LoopKinematics
from heliostat_methods.amplitudes.relations.relation import Kind


def point_for(kind: Kind, n: int, rng: np.random.Generator, field: Field) -> Any:
    """Return a random point of n legs, with numbers of the field."""
    if kind == "ads":
        return random_ads_point(n, rng, field)
    if kind == "loop":
        return LoopKinematics.random(n, rng, field)
    if kind == "spinor":
        return SpinorPoint.random(n, rng, field)
    return random_gram_point(n, rng, field)
