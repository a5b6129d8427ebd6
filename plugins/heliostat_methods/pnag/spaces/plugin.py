"""The search spaces as a plugin of their own, so that several methods name them."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import PartSpec, hookimpl
from heliostat_methods.pnag.spaces.parts import SPACES


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the search spaces."""
    return SPACES
