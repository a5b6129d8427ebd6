"""The hooks through which plugins, the built-in ones too, offer methods and parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from heliostat.contract.method import MethodSpec
from heliostat.contract.part import PartSpec
from heliostat.names import PROJECT

if TYPE_CHECKING:
    import click

    from heliostat.contract.sections import Section
    from heliostat.store.view import RunView
    from heliostat.values.outcome import Outcome

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """What a plugin may implement; each hook may be left out.

    What a plugin offers is asked for once, when it is loaded; a wrong return value makes it a
    failed plugin, and none of its offers is used. An observer may name fewer arguments, in any
    order; what it returns is ignored.
    """

    @hookspec
    def heliostat_methods(self) -> Sequence[MethodSpec]:  # type: ignore[empty-body]
        """Return the methods that the plugin offers.

        Asked for once, when the plugin is loaded. A method's name may not be taken.
        """

    @hookspec
    def heliostat_parts(self) -> Sequence[PartSpec]:  # type: ignore[empty-body]
        """Return data sets, models, layers, losses, metrics or samplers by name.

        Asked for once, when the plugin is loaded. Kind and name together may not be taken; what
        `build` returns is checked against the protocol of its kind.
        """

    @hookspec
    def heliostat_commands(self) -> Sequence[click.Command]:  # type: ignore[empty-body]
        """Return commands that are added to the command line.

        Asked for once, when the plugin is loaded. Import what a command needs inside it. A name of
        Heliostat's own verbs may not be taken.
        """

    @hookspec
    def heliostat_report_sections(self, run: RunView) -> Sequence[Section]:  # type: ignore[empty-body]
        """Return sections that are added to every report.

        Called when a report is written, after the method's own sections. One that raises or returns
        something else leaves a note in the report in its place.
        """

    @hookspec
    def heliostat_run_started(self, run: RunView) -> None:
        """Observe that a run starts or resumes.

        Called before the search. One that raises is counted and logged, and changes no result.
        """

    @hookspec
    def heliostat_batch_committed(self, run: RunView, outcomes: Sequence[Outcome[object]]) -> None:
        """Observe a batch of committed outcomes (per batch, never per item).

        Called after each commit, with keys and failures; values are in the run. Batches depend on
        the workers. One that raises is counted and logged, and changes no result.
        """

    @hookspec
    def heliostat_run_finished(self, run: RunView, error: BaseException | None) -> None:
        """Observe the end of a run and the error that ended it, if any.

        Called after the journal is closed. One that raises is counted and logged, and changes no
        result.
        """
