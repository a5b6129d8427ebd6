"""What `heliostat doctor` says about one thing of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from heliostat.contract.fields import Fields, short

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, what was found, and what to do when it is not ok.

    Raises PluginError for a field that is not so.
    """

    name: str
    state: State
    found: str
    mend: str = ""

    def __post_init__(self) -> None:
        fields = Fields(f"finding {short(self.name)}")
        for name in ("name", "found", "mend"):
            fields.text(name, getattr(self, name))
        states = get_args(State)
        fields.unless(self.state in states, "state", self.state, '"ok", "warning" or "failed"')
