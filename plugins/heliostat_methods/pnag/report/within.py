"""What of a run fits a budget: the most accurate network of its front that costs no more."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView, Within, next_command
from heliostat.errors import ConfigError
from heliostat.terminal import printable
from heliostat_methods.pnag.cost.budget import Budget, read_any_budget
from heliostat_methods.pnag.report.graph_words import graph_words
from heliostat_methods.pnag.report.units import bare, cost_text, head, percent
from heliostat_methods.pnag.report.wording import is_whole, trained

WIDTH = 79
BUILD = "heliostat latency build makes a table; then run with latency = run:RUN"


def within(view: RunView, budget: str) -> Within:
    """Return the most accurate network on validation data within a budget, else the cheapest.

    Raises ConfigError for a budget that cannot be read or of a quantity that was not measured, and
    for a run that has not come to its end.
    """
    result = view.result
    if result is None:
        raise _unfinished(view)
    asked = read_any_budget(budget, result["quantity"])
    front = result["front"]
    _check_measured(budget, asked, front)
    fitting = [one for one in front if one["costs"][asked.quantity] <= asked.value]
    feasible = bool(fitting)
    chosen = (
        max(fitting, key=lambda one: (one["accuracy"], -one["costs"][asked.quantity]))
        if feasible
        else min(front, key=lambda one: one["costs"][asked.quantity])
    )
    lines = [
        part
        for line in _lines(result, chosen, asked, feasible)
        for part in _wrapped(line, chosen["text"])
    ]
    if trained(result):
        named = ("--budget", budget) if feasible else ("--arch", chosen["text"])
        words = ("networks", "export", view.id, *named, "--format", "onnx", "-o", "network.onnx")
        lines.append(f"take it away: {next_command(*words)}")
    return Within("\n".join(lines), _plain(result, chosen, asked, feasible), feasible)


def _wrapped(line: str, architecture: str) -> list[str]:
    # an architecture is copied as a whole
    return [printable(line)] if line == architecture else textwrap.wrap(printable(line), WIDTH)


def _unfinished(view: RunView) -> ConfigError:
    state = view.state
    done = f"{view.count():,} tasks are done"
    then = (
        f"ask when it has ended; {next_command('show', view.id)} tells how far it is"
        if state == "running"
        else f"go on with {next_command('resume', view.id)}"
    )
    return ConfigError("run", view.id, "a run that has come to its end",
                       f"it is {state}, {done}: {then}")  # fmt: skip


def _check_measured(budget: str, asked: Budget, front: Sequence[Mapping[str, Any]]) -> None:
    known = [name for name in front[0]["costs"] if all(name in one["costs"] for one in front)]
    if asked.quantity not in known:
        said = ", ".join(map(head, known))
        raise ConfigError(
            "budget", budget, f"a budget of what the run measured: {said}",
            BUILD if asked.quantity == "latency" else f"write it as {_example(known[0], front)}",
        )  # fmt: skip


def _example(quantity: str, front: Sequence[Mapping[str, Any]]) -> str:
    return cost_text(quantity, max(one["costs"][quantity] for one in front)).replace(" ", "")


def _lines(
    result: Mapping[str, Any], chosen: Mapping[str, Any], asked: Budget, feasible: bool
) -> list[str]:
    most = cost_text(asked.quantity, asked.value)
    own = chosen["costs"][asked.quantity]
    if not feasible and cost_text(asked.quantity, own) == most:
        most = f"{asked.write()}, below {Budget(asked.quantity, own).write()}"
    lines = [str(chosen["text"])]
    if not feasible:
        within = cost_text(asked.quantity, asked.value)
        lines.insert(0, f"no network of the front costs {within} or less; the cheapest is")
    if words := graph_words(result["space"], chosen["text"]):
        lines.append(words)
    costs = [cost_text(name, cost) for name, cost in sorted(chosen["costs"].items())]
    lines.append(f"costs: {', '.join(costs)} (budget {most})")
    lines += _latency(result, chosen)
    on = "validation" if trained(result) else "validation data of the table"
    tested = "not tested" if chosen["test"] is None else f"{percent(chosen['test'])} test"
    lines.append(f"accuracy: {percent(chosen['accuracy'])} {on}, {tested}")
    regret = _regret(result, chosen, asked, feasible)
    return [*lines, _regret_line(result, asked, feasible, regret)]


def _latency(result: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[str]:
    if not trained(result) or "latency" not in chosen["costs"]:
        return []
    predicted, measured = chosen["costs"]["latency"], chosen["measured"]
    text = f"latency: {bare('latency', predicted)} by the table"
    if measured is not None:
        apart = 100 * (predicted / measured - 1)
        text += f", {bare('latency', measured)} measured ({apart:+.1f} %)"
    elif result["latency_error"] is not None:
        text += f", which is off by {100 * result['latency_error']:.1f} % on average"
    else:
        text += "; this network was not timed itself"
    return [text]


def _regret(
    result: Mapping[str, Any], chosen: Mapping[str, Any], asked: Budget, feasible: bool
) -> float | None:
    """Return by how much accuracy stays below the best known within the budget, if that is known.

    Of all that was evaluated a network of the front is the best within the costs it was chosen by.
    """
    if not feasible or asked.quantity != result["quantity"]:
        return None
    fitting = [accuracy for cost, accuracy in result["truth"] if cost <= asked.value]
    return max(fitting) - float(chosen["accuracy"]) if fitting else 0.0


def _regret_line(
    result: Mapping[str, Any], asked: Budget, feasible: bool, regret: float | None
) -> str:
    if not feasible:
        return f"regret: none can be told, since {_beyond(result, asked)}"
    if regret is None:
        return (
            f"regret: not known; the run kept {head(result['quantity'])} small, so networks off "
            f"its front may do better within this budget of {head(asked.quantity)}"
        )
    if _is_true_regret(result):
        return f"regret: {100 * regret:.1f} points, against the front of the whole space"
    return (
        f"regret: 0 against the front of all {result['evaluated']:,} networks evaluated, by "
        "construction; against the whole space it is not known"
    )


def _beyond(result: Mapping[str, Any], asked: Budget) -> str:
    """Return whether anything known fits a budget that no network of the front fits."""
    fitting = [
        accuracy for cost, accuracy in result["truth"]
        if cost <= asked.value and asked.quantity == result["quantity"]
    ]  # fmt: skip
    if not fitting:
        return "nothing known fits"
    return f"no search found a network that fits; the space has one of {percent(max(fitting))}"


def _is_true_regret(result: Mapping[str, Any]) -> bool:
    return bool(result["truth"]) or is_whole(result)


def _plain(
    result: Mapping[str, Any], chosen: Mapping[str, Any], asked: Budget, feasible: bool
) -> dict[str, Any]:
    regret = _regret(result, chosen, asked, feasible)
    against = "whole space" if _is_true_regret(result) else "all that was evaluated"
    return {
        "architecture": chosen["text"],
        "quantity": asked.quantity,
        "budget": asked.value,
        "feasible": feasible,
        "costs": dict(chosen["costs"]),
        "measured_latency": chosen["measured"],
        "accuracy": chosen["accuracy"],
        "test": chosen["test"],
        "regret": regret,
        "regret_against": None if regret is None else against,
    }
