"""What is shown of a search: formulas, the comparison, convergence, the front, the curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat.report.sections import Plot, Section, Series, Table, Text
from heliostat.runs import RunView
from heliostat_methods.evomal.analysis import loss_curve
from heliostat_methods.evomal.expression import LossExpression, parse

CAVEAT = (
    "Intervals are 95 % t-intervals over paired training seeds on one split of the data: they "
    "cover training, not the search itself."
)


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end of a run."""
    lines: list[str] = []
    for problem in result["problems"]:
        lines += [f"== {problem['dataset']} ({problem['task']}) ==", "best losses found:"]
        for i, best in enumerate(problem["best"], 1):
            lines.append(f"  {i}. m(y, f) = {best['formula']}")
            lines.append(
                f"     validation {problem['metric']} {best['fitness']:.4g}, "
                f"{best['complexity']} nodes, generation {best['generation']}"
            )
        comparison = problem.get("comparison")
        if comparison is None:
            lines += ["  none was accepted: a longer search or another seed may find one", ""]
            continue
        seeds, steps = comparison["seeds"], comparison["steps"]
        lines.append("")
        lines.append(f"test {comparison['metric']}, mean and 95 % interval over {seeds} paired")
        lines.append(f"seeds of {steps} training steps each:")
        for row in comparison["losses"]:
            lines.append(f"  {row['label']:<28}{_interval(row)}")
        for title, key in (
            ("found - standard", "at_same_rate"),
            ("the same, best rates", "at_best_rates"),
        ):
            lines.append(f"  {title:<28}{_difference(comparison[key])}")
        lines += ["  " + _verdict(comparison), ""]
    if any(problem.get("comparison") for problem in result["problems"]):
        lines += [CAVEAT, "", "use the best loss in your own training loop:"]
        lines += ["  " + line for line in _usage(result, run_id).splitlines()]
    return "\n".join(lines)


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the HTML report, one for each data set."""
    if view.result is None:
        return [Section("No result yet", [Text(f"The run is {view.state}.")])]
    sections: list[Section] = []
    for problem, scope in zip(view.result["problems"], _scopes(view), strict=False):
        metrics = view.metrics(scope)
        sections.append(_problem_section(problem, metrics))
    if any(problem.get("comparison") for problem in view.result["problems"]):
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
    problem: dict[str, Any], metrics: dict[str, list[tuple[int, float]]]
) -> Section:
    content: list[Text | Table | Plot] = [
        Table(
            ["rank", "m(y, f)", f"validation {problem['metric']}", "nodes", "generation"],
            [
                [i, best["formula"], best["fitness"], best["complexity"], best["generation"]]
                for i, best in enumerate(problem["best"], 1)
            ],
            "The best losses by validation fitness; f is the model's output, y the label.",
        )
    ]
    comparison = problem.get("comparison")
    if comparison is None:
        content.append(Text("No candidate was accepted, so there is nothing to compare."))
    else:
        content += _comparison(comparison)
    content += _search_plots(problem, metrics)
    if problem["best"]:
        content += _curves(problem)
    counts = problem["counts"]
    rows = [[name.replace("_", " "), counts[name]] for name in counts]
    content.append(Table(["candidates", "number"], rows, "What became of the structures tried."))
    return Section(f"{problem['dataset']}: {problem['task']}", content)


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
        for title, test in (
            ("found - standard, same rate", comparison["at_same_rate"]),
            ("found - standard, each at its best rate", comparison["at_best_rates"]),
        )
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
            "Negative favours the found loss.",
        ),
        Text(CAVEAT),
        Plot(f"test {metric} during training", "step", metric, series, note="Bands: 95 %."),
    ]


def _search_plots(
    problem: dict[str, Any], metrics: dict[str, list[tuple[int, float]]]
) -> list[Plot]:
    metric = f"validation {problem['metric']}"
    convergence = [
        Series(name, [step for step, _ in metrics[name]], [v for _, v in metrics[name]])
        for name in ("best", "median")
        if name in metrics
    ]
    edge = problem["front"]
    plots = [
        Plot("Convergence of the search", "generation", metric, convergence,
             note="Best so far, and median of the accepted in each generation."),
    ]  # fmt: skip
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


def _curves(problem: dict[str, Any]) -> list[Plot]:
    found = LossExpression.from_dict(problem["best"][0]["loss"])
    usual = "square(sub(y, f))" if problem["task"] == "regression" else "mul(-1, mul(y, log(f)))"
    pair = (("found", found), (problem["standard"]["name"], parse(usual)))
    if problem["task"] == "regression":
        f = np.linspace(-3, 3, 241)
        return [
            Plot(
                "The loss m(y = 0, f), scaled to unit range",
                "model output f (target y = 0, standardised)",
                "loss",
                [Series(label, list(f), list(_unit(loss_curve(e, 0.0, f).value)))
                 for label, e in pair],
                note="The scale is divided out: it acts as a learning rate.",
            )
        ]  # fmt: skip
    return [
        Plot(
            f"The loss m(y = {label_value}, p), scaled to unit range",
            "probability p that the model gives the class",
            "loss",
            [
                Series(label, list(curve.p), list(curve.shape))
                for label, curve in ((n, loss_curve(e, float(label_value))) for n, e in pair)
            ],
            note="Target entries (y = 1) and all others (y = 0) of a softmax output.",
        )
        for label_value in (1, 0)
    ]


def _unit(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted: np.ndarray[Any, Any] = values - values.min()
    span = shifted.max()
    return shifted / span if span > 0 else shifted


def _interval(row: dict[str, Any]) -> str:
    diverged = f"  ({row['diverged']} diverged)" if row["diverged"] else ""
    if "mean" not in row:
        return f"no finite result{diverged}"
    return f"{row['mean']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]{diverged}"


def _difference(test: dict[str, Any] | None) -> str:
    if test is None:
        return "not enough finite pairs"
    d = test["difference"]
    return f"{d['mean']:+.4f}  [{d['low']:+.4f}, {d['high']:+.4f}]  p = {test['t_p']:.2g}"


def _verdict(comparison: dict[str, Any]) -> str:
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
    problem = next(p for p in result["problems"] if p.get("comparison"))
    best = problem["best"][0]
    return (
        "from heliostat_methods.evomal import parse\n"
        f"loss = parse('{best['prefix']}').to_torch_module('{problem['task']}')\n"
        "loss(model(x), y).backward()\n"
        f"# or export it as JSON: heliostat export {run_id} --product loss-{problem['dataset']}"
    )
