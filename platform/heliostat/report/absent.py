"""A method that is not loaded here: what stands in for it, and how to have it again."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat.contract.config import MethodConfig
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Section, Text
from heliostat.errors import PluginError, UnknownMethod
from heliostat.plugins.allowed import LOAD_VARIABLE
from heliostat.report.standing import convergence
from heliostat.store.view import RunView


def not_loaded(view: RunView, error: PluginError) -> str:
    """Return in a line that a run's method is not loaded here, and what it was loaded from."""
    why = "" if isinstance(error, UnknownMethod) else f" ({error})"
    return f"method {view.method} is not loaded here{why}; {_as_then(view)}"


def stand_in(view: RunView, error: PluginError) -> MethodSpec:
    """Return a method of that name that shows what every run does, and says what is missing."""
    told = f"What the method itself shows is left out: {not_loaded(view, error)}"

    def report(seen: RunView) -> Sequence[Section]:
        return [Section("Method", [Text(told)]), *convergence(seen)]

    return MethodSpec(
        name=view.method,
        summary="not loaded here",
        paper="unknown",
        config=MethodConfig,
        search=_no_search,
        report=report,
    )


def _as_then(view: RunView) -> str:
    """Return which plugins the run began with: one of them has the method."""
    plugins = view.about.plugins
    named = [one.name for one in plugins if one.distribution == LOAD_VARIABLE]
    if named:
        names = ", ".join(named)
        return f"the run began in {view.directory} with {LOAD_VARIABLE} naming {names}: set it so"
    if plugins:
        from_ = ", ".join(f"{one.distribution} {one.version}".strip() for one in plugins)
        return f"the run began with plugins of {from_}: install what is missing"
    return f"name its module or file in {LOAD_VARIABLE}, or install it (see: heliostat plugins)"


def _no_search(config: object, run: object) -> None:
    """Stand in for the search of a method that is not here."""
