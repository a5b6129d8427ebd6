"""A plugin of spaces that cannot be searched: one without decisions, one that nobody evaluates."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract import PartSpec, hookimpl
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace


class Undecided:
    """A part of kind "space" that has a name and nothing else."""

    name = "undecided"


class Unknown:
    """A space with all that a search needs, but neither results nor networks."""

    _PASSED = ("name", "decisions", "size", "canonical", "valid", "write", "read", "encode")

    def __init__(self) -> None:
        inside = ElasticConvSpace()
        for name in self._PASSED:
            setattr(self, name, getattr(inside, name))


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    return [
        PartSpec("space", "undecided", lambda config: Undecided(), "no decisions"),
        PartSpec("space", "unknown", lambda config: Unknown(), "neither known nor trainable"),
    ]
