"""The report of a run: what every run shows, around what its method shows."""

from __future__ import annotations

from collections.abc import Callable

from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Plot, Section, Text
from heliostat.errors import StoreError, place_of, told
from heliostat.plugins.offers import listed
from heliostat.plugins.registry import HookCall, Registry
from heliostat.process.guard import contained
from heliostat.report import account, heading
from heliostat.report.html import render
from heliostat.report.settings import configured
from heliostat.report.standing import convergence, so_far
from heliostat.store.entries import write_fresh
from heliostat.store.view import RunView


def write_report(
    view: RunView,
    method: MethodSpec,
    plugins: Registry,
    tell: Callable[[str], None] = lambda text: None,
) -> str:
    """Write `report.html` into the run's folder and return its path.

    `tell` takes what had to be left out, because the code that makes it failed.
    """
    html = render(
        heading.title(view, method),
        sections_of(view, method, plugins, tell),
        heading.subtitle(view, method),
        banner=heading.banner(view),
        lead=heading.lead(view),
    )
    try:
        write_fresh(view.folder.report, html.encode())
    except OSError as error:
        raise StoreError(f"cannot write {view.folder.report}: {error.strerror}") from error
    return str(view.folder.report)


def sections_of(
    view: RunView,
    method: MethodSpec,
    plugins: Registry,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Section]:
    """Return the sections: how far an unfinished run is, the method's, what every run shows."""
    sections: list[Section] = []
    if view.labels:
        sections.append(
            Section(
                "Read this first", [Text(f"This result carries a label: {x}") for x in view.labels]
            )
        )
    finished = view.state == "finished"
    sections += [] if finished else [so_far(view, method)]
    of_method = _of_method(method, view, tell)
    drawn = any(isinstance(block, Plot) for section in of_method for block in section.content)
    sections += of_method
    sections += [] if finished or drawn else convergence(view)
    for contribute in plugins.hook_implementations("heliostat_report_sections"):
        sections += _contributed(contribute, view)
    return [
        *sections,
        *account.products(view, method),
        configured(view, method, plugins),
        account.failures(view),
        account.workers(view),
        account.environment(view),
        account.reproduce(view),
    ]


def _of_method(method: MethodSpec, view: RunView, tell: Callable[[str], None]) -> list[Section]:
    """Return the method's sections, or a note in their place; raises StoreError for a bad run."""
    if method.report is None:
        return convergence(view)
    try:
        with contained("report"):
            found: list[Section] = listed("report", method.report(view), Section)
            render(method.name, found)
        return found
    except StoreError:
        raise
    except Exception as error:
        place = place_of(error.__cause__ or error)
        what = f"The sections of method {method.name} are left out: {told(error)} ({place})"
        tell(what)
        return [Section(f"Method {method.name}", [Text(what)]), *convergence(view)]


def _contributed(call: HookCall, view: RunView) -> list[Section]:
    """Return a plugin's sections, or a note in their place: a report does without them."""
    try:
        with contained("heliostat_report_sections"):
            found: list[Section] = listed("heliostat_report_sections", call(run=view), Section)
            render(call.plugin, found)
        return found
    except Exception as error:
        what = f"The sections of plugin {call.plugin} are left out: {told(error)}"
        return [Section(f"Plugin {call.plugin}", [Text(what)])]
