"""What of a run fits a budget: the answer of a method to ``heliostat show RUN --budget TEXT``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.contract.fields import Fields


@dataclass(frozen=True)
class Within:
    """What a run has for a budget, as lines for a terminal and as plain data for JSON.

    `feasible` is whether it fits. What comes closest may be told where nothing does; the command
    then says first that nothing fits. Raises PluginError for a field that is not so.
    """

    text: str
    plain: Mapping[str, Any] = field(default_factory=dict)
    feasible: bool = True

    def __post_init__(self) -> None:
        fields = Fields("Within")
        fields.text("text", self.text)
        fields.mapping("plain", self.plain, object, "plain values")
        fields.unless(isinstance(self.feasible, bool), "feasible", self.feasible, "True or False")
