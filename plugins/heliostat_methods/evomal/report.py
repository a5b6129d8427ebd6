"""What is shown of a search: formulas, the comparison, convergence, the front, the curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat.report.sections import Plot, Section, Series, Table, Text
from heliostat.runs import RunView
from heliostat_methods.evomal.behaviour import behaviour, references
from heliostat_methods.evomal.plots import analysis_contents, landscape_contents
from heliostat_methods.evomal.study_report import describe_study, name_of, study_sections

FILTERS = (
    "Untrainable losses are skipped without any loss; label-free, rejected early, equal gradient "
    "and raced are approximate savings that were asked for."
)
CAVEAT = (
    "Intervals are 95 % t-intervals over paired training seeds on one split of the data: they "
    "cover training, not the search itself."
)


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end of a run."""
    if "study" in result:
        return describe_study(result["study"])
    lines: list[str] = []
    for problem in result["problems"]:
        lines += [f"== {problem['dataset']} ({problem['task']}), {name_of(result['baseline'])} =="]
        lines += [f"note: {note}" for note in problem["notes"]]
        if problem["best"]:
            lines.append("best losses:")
        for i, best in enumerate(problem["best"], 1):
            lines.append(f"  {i}. m(y, f) = {best['formula']}")
            lines.append(
                f"     {_fitness_name(problem)} {best['fitness']:.4g}, "
                f"{best['complexity']} {_unit(best)}, {_when(best)} {best['generation']}"
            )
        comparison = problem.get("comparison")
        if comparison is None:
            lines += ["  none was accepted: a longer search or another seed may find one", ""]
            continue
        lines += ["", *_comparison_lines(comparison), "  " + _verdict(comparison), ""]
        for target in problem.get("transfer", ()):
            lines += [f"transferred to {target['dataset']}, model {target['model']}:"]
            lines += _comparison_lines(target["comparison"])
            lines += ["  " + _verdict(target["comparison"]), ""]
    if any(problem.get("comparison") for problem in result["problems"]):
        lines += [CAVEAT]
    if any(problem["best"] for problem in result["problems"]):
        lines += ["", "use the best loss in your own training loop:"]
        lines += ["  " + line for line in _usage(result, run_id).splitlines()]
    return "\n".join(lines)


def _fitness_name(problem: dict[str, Any]) -> str:
    name, together = f"validation {problem['metric']}", problem.get("together")
    return f"mean {name} over {' and '.join(together)}" if together else name


def _unit(best: dict[str, Any]) -> str:
    return "nodes" if "nodes" in best["loss"] else "weights"


def _when(best: dict[str, Any]) -> str:
    return "generation" if "nodes" in best["loss"] else "start"


def _comparison_lines(comparison: dict[str, Any]) -> list[str]:
    lines = [
        f"test {comparison['metric']} after {comparison['steps']} training steps, mean and 95 % "
        f"interval over {comparison['seeds']} paired seeds:",
    ]
    tests = _tests(comparison)
    wide = max(36, *(len(row["label"]) + 2 for row in comparison["losses"]),
               *(len(title) + 2 for title, _ in tests))  # fmt: skip
    lines += [f"  {row['label']:<{wide}}{_interval(row)}" for row in comparison["losses"]]
    lines += [f"  {title:<{wide}}{_difference(test)}" for title, test in tests]
    return lines


def _tests(comparison: dict[str, Any]) -> list[tuple[str, dict[str, Any] | None]]:
    """Return the paired differences by title."""
    standard = comparison["losses"][0]["label"]
    tests: list[tuple[str, dict[str, Any] | None]] = []
    if "at_same_rate" in comparison:
        tests.append((f"found - {standard}, same rate", comparison["at_same_rate"]))
        tests.append((f"found - {standard}, best rates", comparison["at_best_rates"]))
    tests += [
        (f"{one['label']} - {standard}, best rates", one["test"])
        for one in comparison["references"]
    ]
    return tests


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the HTML report, one for each data set."""
    if view.result is None:
        return [Section("No result yet", [Text(f"The run is {view.state}.")])]
    if "study" in view.result:
        return study_sections(view.result["study"])
    sections: list[Section] = []
    scopes, problems = _scopes(view), view.result["problems"]
    if len(scopes) == 1:
        scopes = scopes * len(problems)  # one search for all data sets
    for i, problem in enumerate(problems):
        metrics = view.metrics(scopes[i]) if i < len(scopes) else {}
        sections.append(_problem_section(problem, metrics, name_of(view.result["baseline"])))
    if any(problem["best"] for problem in view.result["problems"]):
        sections.append(
            Section(
                "Use the found loss",
                [
                    Text("In any training loop, without the platform's engine:"),
                    Text(_usage(view.result, view.id), code=True),
                    Text("In another run, by name:"),
                    Text(f'loss = "run:{view.id}"', code=True),
                ],
            )
        )
    return sections


def _scopes(view: RunView) -> list[tuple[int, ...]]:
    return [scope for scope in view.scopes() if scope]


def _problem_section(
    problem: dict[str, Any], metrics: dict[str, list[tuple[int, float]]], title: str
) -> Section:
    when = _when(problem["best"][0]) if problem["best"] else "generation"
    content: list[Text | Table | Plot] = [
        Table(
            ["rank", "m(y, f)", _fitness_name(problem), "size", when],
            [
                [i, best["formula"], best["fitness"], best["complexity"], best["generation"]]
                for i, best in enumerate(problem["best"], 1)
            ],
            "The best losses by validation fitness; f is the model's output, y the label.",
        )
    ]
    content += [Text(f"Note: {note}.") for note in problem["notes"]]
    comparison = problem.get("comparison")
    if comparison is None:
        content.append(Text("No candidate was accepted, so there is nothing to compare."))
    else:
        content += _comparison(comparison)
    for target in problem.get("transfer", ()):
        content.append(Text(f"Transferred to {target['dataset']}, model {target['model']}:"))
        content += _comparison(target["comparison"])
    content += _search_plots(problem, metrics)
    if problem.get("behaviour"):
        content += analysis_contents(_behaviours(problem))
    if problem.get("landscape"):
        content += landscape_contents(problem["landscape"])
    counts, steps = problem["counts"], problem["steps"]
    rows = [[name.replace("_", " "), counts[name]] for name in counts if counts[name]]
    content.append(
        Table(["candidates", "number"], rows, f"What became of the structures tried. {FILTERS}")
    )
    rows = [[name.replace("_", " "), steps[name]] for name in steps]
    content.append(Table(["phase", "candidate steps"], rows, "What the search spent."))
    return Section(f"{problem['dataset']}: {problem['task']}, {title}", content)


def _behaviours(problem: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the accounts of the found loss and of fixed ones to draw it against."""
    task, classes = problem["task"], problem["classes"]
    accounts = [(label, account) for label, account in problem["behaviour"]]
    drawn = {label for label, _ in accounts}
    accounts += [
        (label, behaviour(loss, task, classes))
        for label, loss in references(task, classes)
        if label not in drawn
    ]
    return accounts[::-1] if accounts[0][0] != "found" else accounts


def _comparison(comparison: dict[str, Any]) -> list[Text | Table | Plot]:
    metric, steps = comparison["metric"], comparison["curve_steps"]
    losses = comparison["losses"]
    rows = [
        [row["label"], row["learning_rate"], row.get("mean"), row.get("low"), row.get("high"),
         row["diverged"]]
        for row in losses
    ]  # fmt: skip
    tests = [
        [title, test["difference"]["mean"], test["difference"]["low"], test["difference"]["high"],
         test["t_p"], test["wilcoxon_p"], test["n"]]
        for title, test in _tests(comparison)
        if test is not None
    ]  # fmt: skip
    series = [
        Series(row["label"], steps, row["curve"]["mean"], row["curve"]["low"], row["curve"]["high"])
        for row in losses
        if row["curve"]["mean"]
    ]
    return [
        Text(_sentence(_verdict(comparison))),
        Table(
            ["loss", "learning rate", f"test {metric}", "low", "high", "diverged"],
            rows,
            f"Mean over {comparison['seeds']} seeds and its 95 % interval.",
        ),
        Table(
            ["paired difference", "mean", "low", "high", "p (t)", "p (Wilcoxon)", "pairs"],
            tests,
            "Negative favours the first-named loss.",
        ),
        Text(CAVEAT),
        Plot(f"test {metric} during training", "step", metric, series, note="Bands: 95 %."),
    ]


def _search_plots(
    problem: dict[str, Any], metrics: dict[str, list[tuple[int, float]]]
) -> list[Plot]:
    metric = _fitness_name(problem)
    convergence = [
        Series(name, [step for step, _ in metrics[name]], [v for _, v in metrics[name]])
        for name in ("best", "median")
        if name in metrics
    ]
    edge = problem["front"]
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
        low = min(y for _, y in problem["scored"])
        shown = [(x, y) for x, y in problem["scored"] if y <= low + 3 * max(abs(low), 1e-3)]
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


def _interval(row: dict[str, Any]) -> str:
    diverged = f"  ({row['diverged']} diverged)" if row["diverged"] else ""
    if row.get("mean") is None:
        return f"no finite result{diverged}"
    return f"{row['mean']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]{diverged}"


def _difference(test: dict[str, Any] | None) -> str:
    if test is None:
        return "not enough finite pairs"
    d = test["difference"]
    return f"{d['mean']:+.4f}  [{d['low']:+.4f}, {d['high']:+.4f}]  p = {test['t_p']:.2g}"


def _verdict(comparison: dict[str, Any]) -> str:
    if "at_best_rates" not in comparison:
        return "no loss was found; the given ones are compared, each at its best rate"
    test = comparison["at_best_rates"]
    standard = comparison["losses"][0]["label"]
    if test is None:
        return "too many trainings diverged to compare the losses"
    low, high = test["difference"]["low"], test["difference"]["high"]
    if high < 0:
        return f"the found loss is better than {standard}, each at its best rate, on this split"
    if low > 0:
        return f"the found loss is worse than {standard}, each at its best rate, on this split"
    return f"no difference from {standard} could be shown, each at its best rate"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _usage(result: dict[str, Any], run_id: str) -> str:
    problem = next(p for p in result["problems"] if p["best"])
    best = problem["best"][0]
    if "nodes" not in best["loss"]:
        return (
            "import json\n"
            "from heliostat_methods.evomal import LossNetwork\n"
            'loss = LossNetwork.from_dict(json.load(open("loss.json"))["loss"])\n'
            "loss(model(x), y).backward()\n"
            f"# loss.json: heliostat losses export {run_id} -o loss.json"
        )
    return (
        "from heliostat_methods.evomal import parse\n"
        f"loss = parse('{best['prefix']}').to_torch_module('{problem['task']}')\n"
        "loss(model(x), y).backward()\n"
        f"# or export it as JSON: heliostat export {run_id} --product loss-{problem['dataset']}"
    )
