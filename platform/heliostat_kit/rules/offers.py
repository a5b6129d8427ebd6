"""Rules about the rest of a plugin: its import, its parts, its observers of runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from heliostat.contract.part import PROTOCOLS, PartSpec
from heliostat.plugins.allowed import LOAD_VARIABLE
from heliostat.plugins.observers import COMMITTED, FINISHED, STARTED
from heliostat.plugins.registry import registry
from heliostat_kit import watched
from heliostat_kit.exam.command import CommandRun, account_in, failure_of
from heliostat_kit.rules.parts import try_part
from heliostat_kit.verdict import LIMIT_SECONDS, Broken, NotJudged, Verdict

IMPORT = "import"
_IMPORT_PROMISE = "importing the plugin replaces nothing in Heliostat"
_IMPORT_MEND = (
    "assign nothing to Heliostat's modules and classes, every other plugin's runs would change; "
    "offer what is wanted through a hook"
)

PART = "part"
_PART_PROMISE = (
    "a part keeps the protocol of its kind and draws from the generator it is given alone"
)
_PART_MEND = (
    "make it do what docs/plugins.md says of its kind; where it is given a generator, draw from "
    "that one, else from none"
)

OBSERVER = "observer"
_OBSERVER_PROMISE = "an observer raises nothing, and a run it watches is the one it does not watch"
_OBSERVER_MEND = (
    "catch what may fail (a server that is away), and treat run and outcomes as read-only"
)

PROMISES = {IMPORT: _IMPORT_PROMISE, PART: _PART_PROMISE, OBSERVER: _OBSERVER_PROMISE}
"""What is judged besides methods, and what it has to keep to."""


def judge_import(replaced: Sequence[str]) -> Verdict:
    """Return the verdict on what was found replaced after the plugin was imported."""
    if not replaced:
        return Verdict(IMPORT, _IMPORT_PROMISE, "kept")
    more = f" and {len(replaced) - 3} more" if len(replaced) > 3 else ""
    return Verdict(IMPORT, _IMPORT_PROMISE, "broken", "; ".join(replaced[:3]) + more, _IMPORT_MEND)


def judge_part(spec: PartSpec, limit: float = LIMIT_SECONDS) -> Verdict:
    """Return whether a part keeps its protocol; families that need an argument are not judged."""
    name = f"{PART} {spec.kind} {spec.name}"
    if spec.prefix:
        return Verdict(name, _PART_PROMISE, "not judged", "its name needs an argument")
    if spec.kind not in PROTOCOLS:
        return Verdict(name, _PART_PROMISE, "not judged", f"kind {spec.kind} is the plugin's own")
    try:
        try_part(spec, limit)
    except NotJudged as error:
        return Verdict(name, _PART_PROMISE, "not judged", str(error))
    except Broken as error:
        return Verdict(name, _PART_PROMISE, "broken", str(error), _PART_MEND)
    return Verdict(name, _PART_PROMISE, "kept")


def observes(plugins: Sequence[str]) -> bool:
    """Return whether one of these plugins watches runs or adds to reports."""
    hooks = (STARTED, COMMITTED, FINISHED, "heliostat_report_sections")
    return any(
        call.plugin in plugins for hook in hooks for call in registry().hook_implementations(hook)
    )


def judge_observers(
    plugins: Sequence[str], folder: Path, limit: float = LIMIT_SECONDS
) -> Iterator[Verdict]:
    """Yield a verdict on these plugins' observers, from a quick run with and without them."""
    try:
        _watch(plugins, CommandRun(folder, limit))
    except Broken as error:
        yield Verdict(OBSERVER, _OBSERVER_PROMISE, "broken", str(error), _OBSERVER_MEND)
    else:
        yield Verdict(OBSERVER, _OBSERVER_PROMISE, "kept")


def _watch(plugins: Sequence[str], runs: CommandRun) -> None:
    arguments = ["run", watched.NAME, "--workers", "serial", "--json"]
    loaded = [os.environ.get(LOAD_VARIABLE, ""), watched.__name__]
    home = runs.folder / "runs"
    environment = {
        "HELIOSTAT_RUNS": str(home),
        LOAD_VARIABLE: ",".join(filter(None, loaded)),
    }
    blocked = [part for name in plugins for part in ("--no-plugin", name)]
    done = runs.command(*arguments, environment=environment)
    account, others = account_in(done.stdout)
    if account is None:
        raise Broken(f"a run it watches ended with: {failure_of(done, home).message}")
    alone = runs.command(*blocked, *arguments, environment=environment)
    unwatched, _ = account_in(alone.stdout)
    if unwatched is None:
        raise Broken(f"a run without it ended with: {failure_of(alone, home).message}")
    raised = {n: c for n, c in account["observer_failures"].items() if n in plugins}
    if raised:
        told = [line for line in done.stderr.splitlines() if any(n in line for n in raised)]
        count = sum(raised.values())
        times = "once" if count == 1 else f"{count} times"
        raise Broken(f"it raised {times}; {' '.join(told[:1])}".rstrip("; "))
    if others:
        raise Broken(f"it prints {others[0][:80]!r} on standard output, which is for the account")
    if account["digest"] != unwatched["digest"]:
        raise Broken("the run has another digest with the plugin than without it")
    report = Path(runs.folder / account["report"]).read_text(encoding="utf-8")
    for name in plugins:
        if f"The sections of plugin {name} are left out" in report:
            start = report.index(f"The sections of plugin {name}")
            raise Broken(report[start : start + 200].partition("<")[0])
