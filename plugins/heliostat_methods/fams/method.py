"""What the platform sees of fams: `heliostat audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import hookimpl


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat audit`."""
    from heliostat_methods.fams.commands.audit import audit  # only when a verb is looked for

    return [audit]
