"""What every report ends with: products, failures, workers, environment, how to make it again."""

from __future__ import annotations

import shlex
import time

from heliostat.amounts import size
from heliostat.contract.commands import next_command
from heliostat.contract.instructions import PORTABLE
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Block, Folded, Section, Table, Text
from heliostat.errors import key_text
from heliostat.store.view import RunView
from heliostat.values.outcome import by_machine, counted

MOST_PRODUCTS = 100


def products(view: RunView, method: MethodSpec) -> list[Section]:
    """Return what the run saved, with sizes and how to use it; nothing where it saved nothing."""
    found = view.products()
    if not found:
        return []
    kinds = {spec.kind for spec in method.products}
    rows = [
        [
            one["unique_name"],
            one["kind"] or None,
            size(one["bytes"]),
            f"run:{view.id}/{one['unique_name']}" if one["kind"] in kinds else None,
        ]
        for one in found[:MOST_PRODUCTS]
    ]
    caption = f"The first {MOST_PRODUCTS} of {len(found)}." if len(found) > MOST_PRODUCTS else ""
    name = str(found[0]["unique_name"])
    content: list[Block] = [
        Table(["product", "kind", "size", "in a configuration"], rows, caption),
        Text("As a file:"),
        Text(next_command("export", view.id, "--product", name, "--output", name), code=True),
    ]
    return [Section("Products", content)]


def failures(view: RunView) -> Section:
    """Return the tasks that failed, those of the machine told apart."""
    failed = view.failures()
    if not failed:
        return Section("Failures", [Text(f"None of {view.tasks()} tasks failed.")])
    rows = [
        [key_text(row.key), row.function, row.failure.kind, row.failure.message[:300]]
        for row in failed[:50]
        if row.failure is not None
    ]
    machine = by_machine(row.failure for row in failed)
    told_of = [
        Text(
            f"Failures of the machine ({counted(machine)}) are no values: a resume asks them again "
            "(WorkerLost and NodeLost always, others with --retry KIND)."
        )
    ]
    caption = f"{len(failed)} of {view.tasks()} tasks failed"
    caption += "; the first 50 are shown" if len(failed) > 50 else ""
    table = Table(["key", "task", "kind", "message"], rows, caption)
    return Section("Failures", [*(told_of if machine else []), table])


def workers(view: RunView) -> Section:
    """Return what each worker process did."""
    rows: list[list[str | int | float]] = [
        [name, int(work["items"]), work["seconds"]] for name, work in view.workers().items()
    ]
    record = view.record
    done = (
        f"{record.get('evaluated', 0)} outcomes were evaluated and {record.get('replayed', 0)} "
        f"replayed from the journal by the last start, in {record.get('seconds', 0)} s."
        if record
        else "No start has come to an end of its own yet."
    )
    told = Text(f"{done} The result does not depend on the workers.")
    return Section("Workers", [told, Table(["worker process", "items", "busy seconds"], rows)])


def environment(view: RunView) -> Section:
    """Return where the run was begun, and with which libraries."""
    values = view.environment
    rows: list[list[str]] = [
        ["numerics", str(view.about.numerics or "not recorded")],
        ["CPU", str(values.get("cpu", {}).get("model"))],
        ["vector instructions", str(values.get("cpu", {}).get("vector"))],
        ["cores", str(values.get("cores"))],
        ["system", str(values.get("system"))],
        ["Python", str(values.get("python"))],
        ["code fingerprint", view.code[:16]],
    ]
    more = [
        *([name, str(version)] for name, version in values.get("versions", {}).items() if version),
        *([name, str(value)] for name, value in values.get("variables", {}).items() if value),
    ]
    content: list[Block] = [Table(["what", "value"], rows)]
    if more:
        content.append(Folded("Libraries and variables", [Table(["what", "value"], more)]))
    return Section("Environment", content)


def _promise(numerics: str) -> str:
    portable = numerics.startswith(PORTABLE)
    where = "any x86-64 CPU with AVX2 and FMA" if portable else "CPUs of this type"
    return f"Equal digests mean equal outcomes, bit for bit: on {where}, with equal libraries."


def reproduce(view: RunView) -> Section:
    """Return the commands that make the run again, with the digest to compare."""
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
