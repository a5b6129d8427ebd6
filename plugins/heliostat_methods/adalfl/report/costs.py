"""What contestants cost in one unit: a forward and a backward pass of a batch through a model."""

from __future__ import annotations

from heliostat.report import Table, Text
from heliostat_search.trainings.numbers import Plain

_ADAPTING = (
    "A step of a loss that adapts takes 8/3 of it: three passes of the training batch, three of "
    "the validation batch after the step, and two of the forward derivative of the outputs along "
    "that gradient make eight passes, where a usual step has three."
)
_RATE = "A learning rate that adapts needs the gradient of a validation batch as well: 2."


def costs(outcome: Plain) -> list[Table | Text]:
    """Return the table of costs, and what its numbers mean."""
    rows = [
        [
            one["label"],
            one["sentence"],
            f"{one['step_cost']:.2f}",
            f"{one['before']:,.0f}",
            f"{one['before'] + one['step_cost'] * outcome['steps']:,.0f}",
            f"{_steps(one, outcome):,}",
        ]
        for one in outcome["contestants"]
    ]
    head = ["contestant", "what it is", "a step", "before", f"{outcome['steps']:,} steps",
            "steps at equal cost"]  # fmt: skip
    adapts = [one["adapts"] for one in outcome["contestants"]]
    told = [
        "The unit is a gradient evaluation of the model: the forward and the backward pass of a "
        "batch, the latter counting for two of three passes.",
        *([_ADAPTING] if "loss" in adapts else []),
        *([_RATE] if "rate" in adapts else []),
        f"At equal cost each may spend {outcome['budget']:,.0f} of them, what comes before the "
        "first step included; the choice of rates is not counted, and was alike for all.",
    ]
    return [Table(head, rows, "Gradient evaluations of one training."), Text(" ".join(told))]


def _steps(one: Plain, outcome: Plain) -> int:
    """Return the whole steps that the budget pays, of those that there are."""
    left = (outcome["budget"] - one["before"]) / one["step_cost"]
    # a budget of n steps, divided by their cost, may come out a rounding below n
    return max(0, min(int(outcome["steps"]), int(left + 1e-6)))
