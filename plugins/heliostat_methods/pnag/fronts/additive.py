"""Exact fronts under additive score and cost, where fronts are looked for.

The dynamic programme itself stands among the spaces, one of which knows its own front by it.
"""

from heliostat_methods.pnag.spaces.exact_front import (
    AdditiveFront,
    LayerValue,
    exact_additive_front,
)

__all__ = ["AdditiveFront", "LayerValue", "exact_additive_front"]
