"""The hooks through which plugins, the built-in ones too, offer methods and parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from heliostat.methods import MethodSpec
from heliostat.parts import PartSpec

if TYPE_CHECKING:
    import click

    from heliostat.outcome import Outcome
    from heliostat.report.sections import Section
    from heliostat.runs import RunView

PROJECT = "heliostat"
GROUP = "heliostat.plugins.v1"
"""The entry point group; the version of this interface is part of its name."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """What a plugin may implement; each hook may be left out."""

    @hookspec
    def heliostat_methods(self) -> Sequence[MethodSpec]:  # type: ignore[empty-body]
        """Return the methods that the plugin offers."""

    @hookspec
    def heliostat_parts(self) -> Sequence[PartSpec]:  # type: ignore[empty-body]
        """Return data sets, models, layers, losses, metrics or samplers by name."""

    @hookspec
    def heliostat_commands(self) -> Sequence[click.Command]:  # type: ignore[empty-body]
        """Return commands that are added to the command line."""

    @hookspec
    def heliostat_report_sections(self, run: RunView) -> Sequence[Section]:  # type: ignore[empty-body]
        """Return sections that are added to every report."""

    @hookspec
    def heliostat_run_started(self, run: RunView) -> None:
        """Observe that a run starts or resumes."""

    @hookspec
    def heliostat_batch_committed(self, run: RunView, outcomes: Sequence[Outcome[object]]) -> None:
        """Observe a batch of committed outcomes (per batch, never per item)."""

    @hookspec
    def heliostat_run_finished(self, run: RunView, error: BaseException | None) -> None:
        """Observe the end of a run and the error that ended it, if any."""
