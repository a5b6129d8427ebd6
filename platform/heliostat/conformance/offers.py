"""Rules about what a plugin offers besides methods: its parts, and its observers of runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from heliostat.candidates import LOAD_VARIABLE
from heliostat.conformance import watched
from heliostat.conformance.rule import Broken, Verdict
from heliostat.conformance.trial import CommandRun
from heliostat.observers import COMMITTED, FINISHED, STARTED
from heliostat.parts import PROTOCOLS, PartSpec, check_part_object
from heliostat.plugins import registry

PART = "part"
_PART_PROMISE = "a part with its default parameters builds and follows the protocol of its kind"
_PART_MEND = "give the object what is missing; docs/plugins.md lists the protocols"

OBSERVER = "observer"
_OBSERVER_PROMISE = "an observer raises nothing, and a run it watches is the one it does not watch"
_OBSERVER_MEND = (
    "catch what may fail (a server that is away), and treat run and outcomes as read-only"
)


def judge_part(spec: PartSpec) -> Verdict:
    """Return whether a part keeps its protocol; families that need an argument are not judged."""
    name = f"{PART} {spec.kind} {spec.name}"
    if spec.prefix:
        return Verdict(name, _PART_PROMISE, "not judged", "its name needs an argument")
    if spec.kind not in PROTOCOLS:
        return Verdict(name, _PART_PROMISE, "not judged", f"kind {spec.kind} is the plugin's own")
    try:
        parameters = spec.config()
    except ValidationError:
        return Verdict(name, _PART_PROMISE, "not judged", "a parameter has no default")
    try:
        part = spec.build(parameters)
        check_part_object(spec.kind, spec.name, part)
        if spec.kind == "dataset":
            _check_dataset(part)
    except Exception as error:  # a stranger's function
        seen = f"{type(error).__name__}: {error}"
        return Verdict(name, _PART_PROMISE, "broken", seen, _PART_MEND)
    return Verdict(name, _PART_PROMISE, "kept")


def observes(plugins: Sequence[str]) -> bool:
    """Return whether one of these plugins watches runs or adds to reports."""
    hooks = (STARTED, COMMITTED, FINISHED, "heliostat_report_sections")
    return any(
        call.plugin in plugins for hook in hooks for call in registry().hook_implementations(hook)
    )


def judge_observers(plugins: Sequence[str], folder: Path) -> Iterator[Verdict]:
    """Yield a verdict on these plugins' observers, from a quick run with and without them."""
    try:
        _watch(plugins, folder)
    except Broken as error:
        yield Verdict(OBSERVER, _OBSERVER_PROMISE, "broken", str(error), _OBSERVER_MEND)
    else:
        yield Verdict(OBSERVER, _OBSERVER_PROMISE, "kept")


def _watch(plugins: Sequence[str], folder: Path) -> None:
    runs = CommandRun(folder)
    arguments = ["run", watched.NAME, "--workers", "serial", "--json"]
    loaded = [os.environ.get(LOAD_VARIABLE, ""), watched.__name__]
    environment = {
        "HELIOSTAT_RUNS": str(folder / "runs"),
        LOAD_VARIABLE: ",".join(filter(None, loaded)),
    }
    blocked = [part for name in plugins for part in ("--no-plugin", name)]
    done = runs.command(*arguments, environment=environment)
    alone = runs.command(*blocked, *arguments, environment=environment)
    for ended in (done, alone):
        if ended.returncode != 0:
            raise Broken(f"a run ended with: {ended.stderr.strip()[-300:]}")
    # an observer may have printed before the account
    account, unwatched = (json.loads(ended.stdout.splitlines()[-1]) for ended in (done, alone))
    raised = {n: c for n, c in account["observer_failures"].items() if n in plugins}
    if raised:
        told = [line for line in done.stderr.splitlines() if any(n in line for n in raised)]
        raise Broken(f"raised {sum(raised.values())} times; {' '.join(told[:1])}".rstrip("; "))
    if account["digest"] != unwatched["digest"]:
        raise Broken("the run has another digest with the plugin than without it")
    report = Path(runs.folder / account["report"]).read_text(encoding="utf-8")
    for name in plugins:
        if f"The sections of plugin {name} are left out" in report:
            start = report.index(f"The sections of plugin {name}")
            raise Broken(report[start : start + 200].partition("<")[0])


def _check_dataset(part: object) -> None:
    from heliostat.parts import Dataset

    assert isinstance(part, Dataset)
    rows, targets = len(part.inputs), len(part.targets)
    if str(part.inputs.dtype) != "float32":
        raise Broken(f"inputs are {part.inputs.dtype}, expected float32")
    if rows != targets:
        raise Broken(f"{rows} rows of inputs and {targets} targets")
    kind = "int64" if part.task == "classification" else "float32"
    if str(part.targets.dtype) != kind:
        raise Broken(f"targets are {part.targets.dtype}, expected {kind} for {part.task}")
