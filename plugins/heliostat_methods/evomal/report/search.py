"""What is shown of a search: formulas, the comparison, convergence, the front, the curves."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from heliostat.contract import RunView, next_command
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.evomal.analysis.behaviour import behaviour, references
from heliostat_methods.evomal.comparison.outcome import Account
from heliostat_methods.evomal.report.comparison import (
    CAVEAT,
    SPLITS_CAVEAT,
    comparison_contents,
    comparison_lines,
)
from heliostat_methods.evomal.report.data import data_contents, data_lines
from heliostat_methods.evomal.report.formulas import cut, training_lines
from heliostat_methods.evomal.report.label_texts import labels_text, metric_text, scale_text
from heliostat_methods.evomal.report.partial import partial
from heliostat_methods.evomal.report.plots import (
    Content,
    Rows,
    analysis_contents,
    landscape_contents,
)
from heliostat_methods.evomal.report.study import describe_study, name_of, study_sections
from heliostat_methods.evomal.searches.found import FoundLoss
from heliostat_methods.evomal.searches.scoring.archive import KINDS
from heliostat_methods.evomal.study.outcome import Outcome

FILTERS = (
    "Untrainable losses are skipped without any loss; label-free, rejected early, equal gradient "
    "and raced are approximate savings that were asked for."
)
RISKS: dict[str, dict[str | bool, str]] = {
    "cache": {
        "parametric": "nothing but an accident of all probes, at which two losses agree",
        "gradient": "losses equal before tuning that tuning would have parted; nothing for GP-LFL",
    },
    "skip_label_free": {True: "a loss that beats an untrained model by shrinking its outputs"},
    "reject": {"early": "losses that only tuning repairs"},
    "equivalence": {True: "losses that differ beyond two digits of their gradients"},
    "racing": {
        True: "what is behind after few steps and ahead at the end: slow starters, and where "
        "training over-fits the best ones"
    },
}
"""What each saving can lose, by setting and value."""


def describe(stored: Any, run_id: str) -> str:
    """Return what a terminal shows at the end of a run."""
    result = Outcome.of(stored)
    if result.study is not None:
        return describe_study(result.study)
    lines: list[str] = []
    for problem in result.problems:
        lines += [f"== {problem.dataset} ({problem.task}), {name_of(result.baseline)} =="]
        lines += data_lines(problem)
        for note in problem.notes:
            lines += textwrap.wrap(f"note: {note}", 79, subsequent_indent="  ")
        formulas = _formula_lines(problem)
        shown = [cut(line) if "m(y, f) =" in line else line for line in formulas]
        lines += shown
        if shown != formulas:
            lines.append(f"  whole formulas: {next_command('losses', 'show', run_id)}")
        comparison = problem.comparison
        if comparison is None:
            said = _none_accepted(result.baseline, problem)
            lines += [*textwrap.wrap(said, 79, initial_indent="  ", subsequent_indent="    "), ""]
            continue
        lines += ["", *comparison_lines(comparison), ""]
        for target in problem.transfer or ():
            lines += [f"transferred to {target.dataset}, model {target.model}:"]
            lines += [*comparison_lines(target.comparison), ""]
    compared = [problem.comparison for problem in result.problems if problem.comparison]
    if compared:
        lines += textwrap.wrap(SPLITS_CAVEAT if compared[0].splits > 1 else CAVEAT, 79)
    if any(problem.best for problem in result.problems):
        lines += ["", "use the best loss in your own training loop:"]
        lines += ["  " + line for line in _usage(result, run_id).splitlines()]
    return "\n".join(lines)


def _none_accepted(baseline: str, problem: Account) -> str:
    """Return why there is no loss, as far as it is counted."""
    kinds = ", ".join(f"{problem.counts[kind]} {kind.replace('_', ' ')}"
                      for kind in KINDS if problem.counts.get(kind))  # fmt: skip
    counted = f" ({kinds})" if kinds else ""
    if baseline == "fixed":
        return (
            f"none of the given losses trained a model{counted}: at another learning_rate, or in "
            "`losses compare`, which chooses a rate for each, they may"
        )
    return f"none was accepted{counted}: a longer search or another seed may find one"


def _formula_lines(problem: Account) -> list[str]:
    """Return the loss to use, then the best ones as the search left them."""
    lines = []
    short = problem.short
    if short is not None:
        best = problem.readable or short
        same = "the best loss" if short == best else "the shortest loss that is as good as the best"
        lines += [f"{same}, reduced and rounded:", f"  m(y, f) = {short.formula}",
                  f"  {_scored(problem, short)}"]  # fmt: skip
        if short != best:
            lines += ["the best one, reduced and rounded:", f"  m(y, f) = {best.formula}",
                      f"  {_scored(problem, best)}"]  # fmt: skip
    if problem.best:
        lines.append("best losses, as the search left them:")
    for i, one in enumerate(problem.best, 1):
        lines += [f"  {i}. m(y, f) = {one.formula}", f"     {_scored(problem, one)}"]
    return lines


def _scored(problem: Account, loss: FoundLoss) -> str:
    error = "" if loss.error is None else f" (standard error {loss.error:.2g})"
    return (
        f"{_fitness_name(problem)} {loss.fitness:.4g}{error}, "
        f"{loss.complexity} {_unit(loss)}, {_when(loss)} {loss.generation}"
    )


def _fitness_name(problem: Account) -> str:
    name = f"validation {metric_text(problem.metric).partition(' (')[0]}"
    together = problem.together
    return f"mean {name} over {' and '.join(together)}" if together else name


def _unit(best: FoundLoss) -> str:
    return "nodes" if "nodes" in best.loss else "weights"


def _when(best: FoundLoss) -> str:
    return "generation" if "nodes" in best.loss else "start"


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the HTML report, one for each data set."""
    if view.result is None:
        return partial(view)
    outcome = Outcome.of(view.result)
    if outcome.study is not None:
        study = outcome.study
        if not study.rates:  # a run of an earlier version
            study = replace(study, rates=_rates_tried(view.config))
        seconds = sum(worker["seconds"] for worker in view.workers().values())
        return study_sections(study, measured_core_hours=seconds / 3600)
    sections: list[Section] = []
    scopes, problems = _scopes(view), outcome.problems
    if len(scopes) == 1:
        scopes = scopes * len(problems)  # one search for all data sets
    for i, problem in enumerate(problems):
        metrics = view.metrics(scopes[i]) if i < len(scopes) else {}
        title = name_of(outcome.baseline)
        sections.append(_problem_section(problem, metrics, title, view.config))
    if any(problem.best for problem in problems):
        sections.append(
            Section(
                "Use the found loss",
                [
                    Text("In any training loop, without the platform's engine:"),
                    Text(_usage(outcome, view.id), code=True),
                    Text("In another run, by name:"),
                    Text(_names(view), code=True),
                ],
            )
        )
    return sections


def _names(view: RunView) -> str:
    """Return what names the found losses in another run; the run alone where it left but one."""
    found = [str(p["unique_name"]) for p in view.products() if p["kind"] == "loss"]
    names = [f"run:{view.id}/{name}" for name in found] if len(found) > 1 else [f"run:{view.id}"]
    return "\n".join(f'loss = "{name}"' for name in names)


def _rates_tried(config: dict[str, Any]) -> tuple[float, ...]:
    return tuple(config["learning_rate"] * factor for factor in config.get("rate_factors", ()))


def _scopes(view: RunView) -> list[tuple[int, ...]]:
    return [scope for scope in view.scopes() if scope]


def _problem_section(
    problem: Account,
    metrics: dict[str, list[tuple[int, float]]],
    title: str,
    config: dict[str, Any],
) -> Section:
    when = _when(problem.best[0]) if problem.best else "generation"
    shown: list[tuple[str | int, FoundLoss]] = []
    if problem.short is not None and problem.readable is not None:
        shown = [("short", problem.short), ("readable", problem.readable)]
    shown += list(enumerate(problem.best, 1))
    content: list[Content] = [
        *data_contents(problem),
        Table(
            ["rank", "m(y, f)", _fitness_name(problem), "standard error", "size", when],
            [
                [rank, one.formula, one.fitness, one.error, one.complexity, one.generation]
                for rank, one in shown
            ],
            "The best losses by validation fitness; f is the model's output, y the label. Short: "
            "the fewest nodes within one standard error of the best fitness. Readable: the best "
            "one, reduced and rounded to what its fitness cannot tell apart. Both were scored "
            "again as they stand.",
        ),
    ]
    content += [Text(f"Note: {note}.") for note in problem.notes]
    comparison = problem.comparison
    if comparison is None:
        content.append(Text("No candidate was accepted, so there is nothing to compare."))
    else:
        content += comparison_contents(comparison)
    for target in problem.transfer or ():
        content.append(Text(f"Transferred to {target.dataset}, model {target.model}:"))
        content += comparison_contents(target.comparison)
    content += _search_plots(problem, metrics)
    if problem.behaviour:
        content += analysis_contents(_behaviours(problem))
    if problem.landscape:
        content += landscape_contents(problem.landscape)
    counts, steps = problem.counts, problem.steps
    rows: Rows = [[name.replace("_", " "), counts[name]] for name in counts if counts[name]]
    content += _risks(config)
    content.append(
        Table(["candidates", "number"], rows, f"What became of the structures tried. {FILTERS}")
    )
    rows = [[name.replace("_", " "), steps[name]] for name in steps]
    content.append(Table(["phase", "candidate steps"], rows, "What the search spent."))
    return Section(f"{problem.dataset}: {problem.task}, {title}", content)


def _risks(config: dict[str, Any]) -> list[Table]:
    """Return the table of the savings that were asked for, and what each can lose."""
    given = {name: config.get(name) for name in RISKS}
    rows: Rows = [
        [name if value is True else f"{name} = {value}", risk]
        for name, risks in RISKS.items()
        for value, risk in risks.items()
        if value == (given[name] if isinstance(given[name], str) else bool(given[name]))
    ]
    caption = "Savings that were asked for. All others are exact."
    return [Table(["setting", "can lose"], rows, caption)] if rows else []


def _behaviours(problem: Account) -> list[tuple[str, dict[str, Any]]]:
    """Return the accounts of the found loss first, then of those to draw it against."""
    task, classes = problem.task, problem.classes
    accounts = [(label, account) for label, account in problem.behaviour or ()]
    accounts.sort(key=lambda pair: pair[0] != "found")
    drawn = {label for label, _ in accounts}
    accounts += [
        (label, behaviour(loss, task, classes))
        for label, loss in references(task, classes)
        if label not in drawn
    ]
    return accounts


def _search_plots(problem: Account, metrics: dict[str, list[tuple[int, float]]]) -> list[Plot]:
    metric = _fitness_name(problem)
    convergence = [
        Series(name, [step for step, _ in metrics[name]], [v for _, v in metrics[name]])
        for name in ("best", "median")
        if name in metrics
    ]
    edge = problem.front
    plots: list[Plot] = []
    if "median" in metrics:
        plots.append(
            Plot("Convergence of the search", "generation", metric, convergence,
                 note="Best so far, and median of the accepted in each generation.")
        )  # fmt: skip
    elif convergence:
        plots.append(Plot("Convergence of the search", "step", metric, convergence,
                          note="Best so far, by generation or start."))  # fmt: skip
    if edge:
        low = min(y for _, y in problem.scored)
        shown = [(x, y) for x, y in problem.scored if y <= low + 3 * max(abs(low), 1e-3)]
        plots.append(
            Plot(
                "Complexity against fitness",
                "nodes",
                metric,
                [
                    Series(
                        "accepted", [x for x, _ in shown], [y for _, y in shown], style="points"
                    ),
                    Series("front", [x for x, _ in edge], [y for _, y in edge], style="step"),
                ],
                note="Losses on the front are beaten by no other in both; far outliers left out.",
            )
        )
    return plots


def _usage(result: Outcome, run_id: str) -> str:
    problem = next(p for p in result.problems if p.best)
    several = sum(bool(p.best) for p in result.problems) > 1
    name = f"run:{run_id}/loss-{problem.dataset}" if several else f"run:{run_id}"
    said = [*training_lines(problem.training)]
    labels = labels_text(problem.task, problem.labels)
    if labels and problem.task == "classification":
        said += textwrap.wrap(labels, 76)
    export = next_command("losses", "export", name.removeprefix("run:"), "--format", "python")
    return "\n".join(
        [
            "from heliostat_methods.evomal import found_loss",
            f'loss = found_loss("{name}")',
            *(f"# {line}" for line in said),
            *_labels_lines(problem),
            "loss(model(x), y).backward()",
            "# without Heliostat:",
            f"#   {export}",
        ]
    )


def _labels_lines(problem: Account) -> list[str]:
    """Return the line that makes `y` of a regression's target."""
    if problem.task != "regression":
        return []
    return [f"y = {scale_text(problem.labels)}  # standardised, as in the search"]
