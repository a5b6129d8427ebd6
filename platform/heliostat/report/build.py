"""The report of a run: what every run shows, around what its method shows."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Sequence

from heliostat.contract.instructions import PORTABLE
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Plot, Section, Series, Table, Text
from heliostat.errors import StoreError, key_text, place_of, told
from heliostat.plugins.offers import listed
from heliostat.plugins.registry import HookCall, Registry
from heliostat.process.guard import contained
from heliostat.report.html import render
from heliostat.store.entries import write_fresh
from heliostat.store.view import RunView
from heliostat.values.outcome import by_machine, counted


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
        f"{method.name}: {method.summary}",
        sections_of(view, method, plugins, tell),
        subtitle=f"run {view.id}, seed {view.seed}, {view.state}",
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
    """Return the sections: the method's first, then what every run shows."""
    sections: list[Section] = []
    if view.labels:
        sections.append(
            Section(
                "Read this first", [Text(f"This result carries a label: {x}") for x in view.labels]
            )
        )
    sections += _of_method(method, view, tell)
    for contribute in plugins.hook_implementations("heliostat_report_sections"):
        sections += _contributed(contribute, view)
    return [
        *sections,
        _failures(view),
        _workers(view),
        _configuration(view),
        _environment(view),
        _reproduce(view),
    ]


def _of_method(method: MethodSpec, view: RunView, tell: Callable[[str], None]) -> list[Section]:
    """Return the method's sections, or a note in their place; raises StoreError for a bad run."""
    if method.report is None:
        return list(convergence(view))
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


def convergence(view: RunView) -> Sequence[Section]:
    """Return the curves of all metrics, for a method without sections of its own."""
    plots = [
        Plot(
            title=name,
            x_label="step",
            y_label=name,
            series=[Series(name, [s for s, _ in points], [v for _, v in points])],
        )
        for name, points in view.metrics().items()
    ]
    return [Section("Progress", plots)] if plots else []


def _failures(view: RunView) -> Section:
    failures = view.failures()
    if not failures:
        return Section("Failures", [Text(f"None of {view.tasks()} tasks failed.")])
    rows = [
        [key_text(row.key), row.function, row.failure.kind, row.failure.message[:300]]
        for row in failures[:50]
        if row.failure is not None
    ]
    machine = by_machine(row.failure for row in failures)
    told_of = [
        Text(
            f"Failures of the machine ({counted(machine)}) are no values: a resume asks them again "
            "(WorkerLost and NodeLost always, others with --retry KIND)."
        )
    ]
    caption = f"{len(failures)} of {view.tasks()} tasks failed"
    caption += "; the first 50 are shown" if len(failures) > 50 else ""
    table = Table(["key", "task", "kind", "message"], rows, caption)
    return Section("Failures", [*(told_of if machine else []), table])


def _workers(view: RunView) -> Section:
    rows: list[list[str | int | float]] = [
        [name, int(work["items"]), work["seconds"]] for name, work in view.workers().items()
    ]
    record = view.record
    told = Text(
        f"{record.get('evaluated', 0)} outcomes were evaluated and {record.get('replayed', 0)} "
        f"replayed from the journal by the last start, in {record.get('seconds', 0)} s. The result "
        "does not depend on the workers."
    )
    return Section("Workers", [told, Table(["worker process", "items", "busy seconds"], rows)])


def _configuration(view: RunView) -> Section:
    rows = [[name, json.dumps(value)] for name, value in view.config.items()]
    rows += [[label, sha256[:16]] for label, sha256 in view.inputs.items()]
    return Section("Configuration", [Table(["field", "value"], rows)])


def _environment(view: RunView) -> Section:
    values = view.environment
    rows: list[list[str]] = [
        ["numerics", str(view.about.numerics or "not recorded")],
        ["CPU", str(values.get("cpu", {}).get("model"))],
        ["vector instructions", str(values.get("cpu", {}).get("vector"))],
        ["cores", str(values.get("cores"))],
        ["system", str(values.get("system"))],
        ["Python", str(values.get("python"))],
        *([name, str(version)] for name, version in values.get("versions", {}).items() if version),
        *([name, str(value)] for name, value in values.get("variables", {}).items() if value),
        ["code fingerprint", view.code[:16]],
    ]
    return Section("Environment", [Table(["what", "value"], rows)])


def _promise(numerics: str) -> str:
    portable = numerics.startswith(PORTABLE)
    where = "any x86-64 CPU with AVX2 and FMA" if portable else "CPUs of this type"
    return f"Equal digests mean equal outcomes, bit for bit: on {where}, with equal libraries."


def _reproduce(view: RunView) -> Section:
    config = shlex.join(["heliostat", "run", str(view.folder.config)])
    lines = [
        Text("The command that began this run:"),
        Text(view.command, code=True),
        Text("The same configuration and seed from the run's own folder:"),
        Text(config, code=True),
        Text(f"Digest of the finished run: {view.digest or 'not finished'}", code=True),
        Text(_promise(view.about.numerics)),
    ]
    if view.state != "finished":
        lines.append(Text(shlex.join(["heliostat", "resume", str(view.folder.path)]), code=True))
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(view.created))
    return Section("How to reproduce", [*lines, Text(f"Begun on {created}.")])
