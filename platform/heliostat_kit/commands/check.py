"""`heliostat plugins check`: the conformance kit on one plugin, in words."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.errors import ConfigError, PluginError, did_you_mean
from heliostat.terminal import say
from heliostat_kit.verdict import LIMIT_SECONDS

if TYPE_CHECKING:
    from heliostat.plugins.allowed import PluginRow
    from heliostat_kit.verdict import Verdict

_WIDTH = 20


@click.command()
@click.argument("plugin", metavar="PATH|NAME")
@click.option("--only", multiple=True, metavar="RULE", help="Judge this rule; may be repeated.")
@click.option("--ray/--no-ray", default=True, help="Also run on Ray workers.")
@click.option("--preset", default="smoke", show_default=True, help="The preset to run.")
@click.option(
    "--limit",
    default=LIMIT_SECONDS,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a run that takes longer.",
)
@json_option
def check(
    plugin: str, only: tuple[str, ...], ray: bool, preset: str, limit: float, as_json: bool
) -> None:
    """Run the conformance kit on an installed plugin, or on one in a folder or file.

    Says for each rule whether it is kept, else what was seen and how to mend it, and ends with exit
    code 3 if one is broken. Importing a plugin runs its code.
    """
    from heliostat.worker.numerics import prepare_environment
    from heliostat_kit.rules.methods import chosen

    rules = chosen(only, ray=ray)
    prepare_environment()
    with tempfile.TemporaryDirectory(prefix="heliostat-check-") as name:
        folder = Path(name)
        rows, replaced = _rows(plugin, folder)
        judged: list[dict[str, Any]] = []
        for subject, verdicts in _subjects(rows, replaced, rules, only, preset, limit, folder):
            if not as_json:
                say(subject)
            for verdict in _quietly(verdicts):
                judged.append({"subject": subject, **verdict.__dict__})
                if not as_json:
                    _say(verdict)
    broken = sum(entry["state"] == "broken" for entry in judged)
    kept = sum(entry["state"] == "kept" for entry in judged)
    if as_json:
        print_json({"plugins": [row.name for row in rows], "broken": broken, "rules": judged})
    else:
        say(f"{broken} broken, {kept} kept, {len(judged) - broken - kept} not judged")
    if broken:
        raise PluginError(f"{plugin} does not conform: {broken} broken")
    if judged and not kept:
        raise PluginError(f"{plugin}: nothing could be judged")


def _subjects(
    rows: Sequence[PluginRow],
    replaced: Sequence[str],
    rules: Sequence[Any],
    only: Sequence[str],
    preset: str,
    limit: float,
    folder: Path,
) -> Iterator[tuple[str, Iterator[Verdict]]]:
    """Yield each thing that a plugin offers, with the verdicts on it as they come."""
    from heliostat.plugins.registry import registry
    from heliostat_kit.exam.exam import Exam
    from heliostat_kit.rules import offers
    from heliostat_kit.rules.methods import judge

    names = [row.name for row in rows]
    if replaced or not only:
        yield f"plugin {', '.join(names)}", iter([offers.judge_import(replaced)])
    labels = [label.split(" ", 1) for row in rows for label in row.offers]
    for kind, name in labels:
        if kind == "method":
            own = folder / "methods" / name
            own.mkdir(parents=True)
            judged = [rule.name for rule in rules]
            exam = Exam(name, own, preset, limit=limit, judged=judged)
            yield f"method {name}, preset {preset}", judge(exam, rules)
            exam.close()
    if only:
        return
    parts = [(kind, name) for kind, name in labels if kind not in ("method", "command")]
    if parts:
        found = (registry().part(kind, name) for kind, name in parts)
        yield "parts", (offers.judge_part(spec, limit) for spec in found)
    if offers.observes(names):
        own = folder / "observed"
        own.mkdir()
        yield "observers", offers.judge_observers(names, own, limit)


def _rows(plugin: str, folder: Path) -> tuple[list[PluginRow], list[str]]:
    """Return the rows of the plugin that is meant, and what its import replaced in Heliostat.

    Raises PluginError when one was not loaded.
    """
    from heliostat.plugins.allowed import LOAD_VARIABLE, built_in, loadable
    from heliostat.plugins.registry import registry
    from heliostat_kit.commands import local
    from heliostat_kit.rules.untouched import platform_now, replaced_since

    path = Path(plugin)
    is_path = path.exists() or "/" in plugin or plugin.endswith((".py", ".toml"))
    known = [other.row for other in loadable(built_in().PLUGINS)]
    if plugin in built_in().PLUGINS:
        names = [plugin]
    elif any(plugin in (row.name, row.distribution) for row in known):
        names = [row.name for row in known if plugin in (row.name, row.distribution)]
        local.allow(names)
    elif is_path:
        found = local.find(path)
        names = list(found.entry_points)
        if local.loaded(found, [row.name for row in known if row.distribution == LOAD_VARIABLE]):
            local.allow(names)
        else:
            local.make_importable(found, folder / "site")
    else:
        every = [
            *built_in().PLUGINS,
            *(row.name for row in known),
            *(row.distribution for row in known),
        ]
        hint = did_you_mean(plugin, list(dict.fromkeys(every)))
        raise ConfigError("PATH|NAME", plugin, "an installed plugin, or a folder or file", hint)
    before = platform_now()
    rows = [row for row in registry().rows() if row.name in names]
    replaced = replaced_since(before)
    for row in rows:
        if row.state != "loaded":
            raise PluginError(
                f"plugin {row.name} is {row.state}: {row.reason}\n"
                "  mend: a plugin has to load before it can be judged; "
                "heliostat --debug plugins check shows the traceback"
            ) from row.error
    return rows, replaced


def _quietly(verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts; what a plugin prints while it is judged goes to standard error."""
    while True:
        with contextlib.redirect_stdout(sys.stderr):
            verdict = next(verdicts, None)
        if verdict is None:
            return
        yield verdict


def _say(verdict: Verdict) -> None:
    state = {"kept": "kept  ", "broken": "BROKEN", "not judged": "--    "}[verdict.state]
    told = verdict.seen if verdict.state == "not judged" else verdict.promise
    lead = "not judged: " if verdict.state == "not judged" else ""
    say(f"  {state}  {verdict.rule:<{_WIDTH}}  {lead}{told}")
    if verdict.state == "broken":
        say(*f"          seen: {verdict.seen}\n          mend: {verdict.mend}".split("\n"))
