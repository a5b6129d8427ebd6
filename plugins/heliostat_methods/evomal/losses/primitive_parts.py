"""Parts of kind `primitive`: sets that a search's trees are made of, and operations beside one.

A plugin of its own, so that its names are listed and taken before those of others. Cheap to import:
SymPy is loaded when a part is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import PartSpec, hookimpl
from heliostat.contract import NoParameters


def _set(name: str, summary: str) -> PartSpec:
    def build(config: NoParameters) -> Any:
        from heliostat_methods.evomal.losses.primitives import set_named

        return set_named(name)

    return PartSpec("primitive", name, build, summary)


def _operation(name: str, summary: str) -> PartSpec:
    def build(config: NoParameters) -> Any:
        from heliostat_methods.evomal.losses.usual_operations import usual_operation

        return usual_operation(name)

    return PartSpec("primitive", name, build, summary)


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the sets of primitives of a search, and operations that may stand beside one."""
    return [
        _set("standard", "the released code's; log and sqrt of max(|a|, 1e-7)"),
        _set("shifted", "the same names; log and sqrt of |a| + 1e-7"),
        _operation("exp", "e^a"),
        _operation("softplus", "log(1 + e^a)"),
        _operation("huber", "a^2/2 up to |a| = 1, |a| - 1/2 beyond"),
    ]
