"""What a tuning's report and a terminal show: history, each parameter, importance, the front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView, next_command
from heliostat.report import Plot, Section, Series, Table, Text, importances, studies
from heliostat_search.strategies.space import choice_text

ROWS_SHOWN = 200


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of a tuning's report; of what was told so far if it has not finished."""
    result = view.result
    if result is None:
        return _so_far(view)
    return [
        _outcome(view.id, result),
        _history(result),
        _slices(view, result),
        *_front(result),
        _trials(result),
    ]


def describe(result: Mapping[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end."""
    best = result["best"]
    told = _told_of_no_number(result)
    if best is None:
        ended = [line for line in (_pruned(result), ended_by(result, run_id)) if line]
        return "\n".join([f"no trial of {result['method']} gave a result", *told, *ended])
    lines = [
        f"best of {len(result['trials'])} trials of {result['method']}: trial {best['number']}"
    ]
    lines += [f"  {name:<24}{value:.6g}" for name, value in _named(result, best)]
    lines += [f"  {path:<24}{_shown(value)}" for path, value in best["params"].items()]
    if result["base"] is not None and result["base"]["values"] is not None:
        lines.append("  the configuration as it was, under the same budget of one trial:")
        lines += [f"    {name:<22}{value:.6g}" for name, value in _named(result, result["base"])]
    if len(result["objectives"]) > 1:
        lines.append(f"  not dominated: trials {', '.join(map(str, result['front']))}")
    lines += [f"  {line}" for line in told]
    lines += [f"  {line}" for line in (_pruned(result), ended_by(result, run_id)) if line]
    lines.append(f"run it   {_export_best(run_id)}")
    lines.append(f"         {next_command('run', 'best.toml')}")
    return "\n".join(lines)


def ended_by(result: Mapping[str, Any], run_id: str) -> str:
    """Return which rule ended a tuning before its budget did, with the command that goes on."""
    stopped = result.get("stopped")
    if not stopped:
        return ""
    rule, told = stopped["rule"], stopped["told"]
    if rule == "target":
        return f"ended by target: trial {stopped['trial']} reached it, after {told} in all"
    what = "no better trial for as long" if rule == "patience" else "the time was up"
    on = next_command("resume", run_id, "-o", f"{rule}=MORE")
    return f"ended by {rule} after {told} trials: {what} (to go on: {on})"


def _pruned(result: Mapping[str, Any]) -> str:
    """Return how many trials were given up on the way."""
    count = result.get("pruned", 0)
    return f"given up on the way: {count} of {len(result['trials'])} trials" if count else ""


def _told_of_no_number(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each objective that was no number in some trials."""
    of = len(result["trials"])
    return [
        f"{name} was no number in {count} of {of} trials: never best, told as the worst"
        for name, count in result.get("no_number", {}).items()
    ]


def _so_far(view: RunView) -> list[Section]:
    """Return what trials were told, a plot for each objective, with the best so far of one."""
    metrics = dict(view.metrics(()))
    best = metrics.pop("best", [])
    single = len([name for name in metrics if name != "no_number"]) == 1
    plots = []
    for name, points in metrics.items():
        series = [Series("trial", *_columns(points), style="points")]
        if single and best and name != "no_number":
            series.append(Series("best so far", *_columns(best), style="step"))
        plots.append(Plot(name, "trials told", name, series))
    return [Section("Trials so far", plots or [Text("No trial has ended yet.")])]


def _export_best(run_id: str) -> str:
    return next_command("export", run_id, "--product", "best.toml", "--output", "best.toml")


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[float], list[float]]:
    return [float(step) for step, _ in points], [value for _, value in points]


def _outcome(run_id: str, result: Mapping[str, Any]) -> Section:
    best, base = result["best"], result["base"]
    notes = [*_told_of_no_number(result), _pruned(result), ended_by(result, run_id)]
    told: list[Text | Table] = [Text(f"{line}.") for line in notes if line]
    if best is None:
        none = Text("No trial gave a result; the failures are listed below.")
        return Section("Outcome", [none, *told])
    paths = [*best["params"], *(path for path in (base or best)["params"]
                                if path not in best["params"])]  # fmt: skip
    head = ["", *_names(result), *paths]
    rows = [[f"best: trial {best['number']}", *_cells(result, best, paths)]]
    if base is not None:
        cells = _cells(result, base, paths)  # it may have failed where others did not
        rows.append(["the configuration as it was", *cells])
    return Section(
        "Outcome",
        [
            Table(head, rows),
            *told,
            Text(
                "Each trial was run once, with random streams of its own. The best of many noisy "
                "trials looks better than it is: run its configuration, and the one it is compared "
                "with, with several seeds before a difference is claimed."
            ),
            Text(_export_best(run_id), code=True),
            Text(next_command("run", "best.toml", "--seed", "1"), code=True),
        ],
    )


def _history(result: Mapping[str, Any]) -> Section:
    plots = []
    for place, (name, direction) in enumerate(result["objectives"]):
        done = [(t["number"], t["values"][place]) for t in result["trials"] if t["values"]]
        best: list[float] = []
        for _, value in done:
            known = value if not best else best[-1]
            worse = math.isnan(value) or (value > known if direction == "min" else value < known)
            best.append(known if worse and not math.isnan(known) else value)
        numbers = [float(number) for number, _ in done]
        values = Series("trial", numbers, [value for _, value in done], style="points")
        series = [values, Series("best so far", numbers, best, style="step")]
        plots.append(Plot(f"{name} ({direction})", "trial", name, series))
    return Section("History", plots)


def _slices(view: RunView, result: Mapping[str, Any]) -> Section:
    content: list[Text | Table | Plot] = []
    (study,) = studies(view)
    for place, name in enumerate(_names(result)):
        importance = importances(study, place)
        if importance:
            rows: list[list[str | float]] = [[k, round(v, 3)] for k, v in importance.items()]
            content.append(
                Table(["parameter", "share"], rows, f"importance for {name} (PED-ANOVA, Optuna)")
            )
        for path, table in view.config["space"].items():
            content.append(_slice(result, place, name, path, table))
    return Section("Parameters", content)


def _slice(
    result: Mapping[str, Any], place: int, name: str, path: str, table: Mapping[str, Any]
) -> Plot:
    # a field that is not always there has the trials in which it was
    done = [t for t in result["trials"] if t["values"] and path in t["params"]]
    y = [t["values"][place] for t in done]
    if "choices" in table:
        choices = [choice_text(choice) for choice in table["choices"]]
        x = [float(choices.index(choice_text(t["params"][path]))) for t in done]
        note = "; ".join(f"{i}: {choice}" for i, choice in enumerate(choices))
        return Plot(f"{name} by {path}", path, name, [Series("trial", x, y, style="points")],
                    note=note)  # fmt: skip
    x = [float(t["params"][path]) for t in done]
    points = Series("trial", x, y, style="points")
    return Plot(f"{name} by {path}", path, name, [points], log_x=bool(table.get("log")))


def _front(result: Mapping[str, Any]) -> list[Section]:
    if len(result["objectives"]) < 2:
        return []
    first, second = _names(result)[:2]
    chosen = [t for t in result["trials"] if t["number"] in result["front"]]
    others = [t for t in result["trials"] if t["values"] and t["number"] not in result["front"]]
    series = [
        Series(label, [t["values"][0] for t in some], [t["values"][1] for t in some],
               style="points")
        for label, some in (("dominated", others), ("not dominated", chosen))
        if some
    ]  # fmt: skip
    paths = _paths(chosen)
    rows = [[t["number"], *_cells(result, t, paths)] for t in chosen]
    names = [*_names(result), *paths]
    return [
        Section(
            "Front",
            [
                Plot(f"{second} and {first}", first, second, series),
                Table(["trial", *names], rows, "trials that no other dominates"),
            ],
        )
    ]


def _trials(result: Mapping[str, Any]) -> Section:
    trials = result["trials"]
    paths = _paths(trials)
    rows = [[t["number"], *_cells(result, t, paths), _state(t)] for t in trials]
    caption = f"{len(trials)} trials, {result['failed']} failed"
    caption += f", {result['pruned']} given up on the way" if result.get("pruned") else ""
    caption += f", {result['at_once']} at once" if "at_once" in result else ""
    caption += f"; the first {ROWS_SHOWN} are shown" if len(trials) > ROWS_SHOWN else ""
    head = ["trial", *_names(result), *paths, "state"]
    return Section("Trials", [Table(head, rows[:ROWS_SHOWN], caption)])


def _names(result: Mapping[str, Any]) -> list[str]:
    """Return the objectives in the order of each trial's values."""
    return [name for name, _ in result["objectives"]]


def _named(result: Mapping[str, Any], trial: Mapping[str, Any]) -> list[tuple[str, float]]:
    return list(zip(_names(result), trial["values"], strict=True))


def _state(trial: Mapping[str, Any]) -> str:
    """Return what became of a trial: nothing to say, given up at a step, or its failure."""
    if trial.get("pruned") is not None:
        return f"pruned at step {trial['pruned']}"
    return str(trial["failure"])[:200]


def _paths(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all fields that trials have, in the order of the alphabet."""
    return sorted({path for trial in trials for path in trial["params"]})


def _cells(result: Mapping[str, Any], trial: Mapping[str, Any], paths: Sequence[str]) -> list[Any]:
    """Return a trial's values and the fields of these paths, nothing where it lacks one."""
    none = [None] * len(result["objectives"])
    values = none if trial["values"] is None else trial["values"]
    params = trial["params"]
    return [*values, *(_shown(params[path]) if path in params else "" for path in paths)]


def _shown(value: Any) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return choice_text(value)
