"""A comparison on a terminal: within 80 columns, each loss by a name of its own."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from heliostat_methods.evomal.comparison.outcome import (
    Against,
    ComparedLoss,
    Comparison,
    Curve,
    Trivial,
)
from heliostat_methods.evomal.report.comparison import comparison_lines
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest
from heliostat_search.trainings.rates import TriedRate

RUN = "20261129-111704-evomal-68f5"
LABELS = {"short": "short", "found": f"{RUN}/loss-csv:table.csv",
          "reference3": f"{RUN}/loss-csv:table.csv/best",
          "reference4": "mul(-1.25, mul(1.02*y, log(0.9*f)))"}  # fmt: skip
TRIED = {"standard": ((TriedRate(1.0, 0.5, 0.4, 5.0), TriedRate(3.0, 0.5, 0.4, 5.0)),)}


def comparison(size: float) -> Comparison:
    """Return one whose numbers are of this size, with explosions and rates at an edge."""
    names = {"standard": "cross_entropy", **LABELS}
    values = {name: [size * (1 + k / 7 + i / 13) for i in range(5)] for k, name in enumerate(names)}
    rows = []
    for name, suffix in itertools.product(names, ("", "_best_rate", "_best")):
        said = OverSeeds.of(values[name])
        rows.append(
            ComparedLoss(
                name + suffix, names[name], 0.0123, said.values, 1, said.mean, said.low, said.high,
                Curve(), (0.0123, 1.23), (100000,), exploded=12, edge=suffix != "",
                others={"cross_entropy": (size,), "auc_error": (0.5,)},
            )
        )  # fmt: skip
    tests = {name: PairedTest.between(values[name], values["standard"]) for name in LABELS}
    against = tuple(Against(n, names[n], test, test, test) for n, test in tests.items())
    known = {"error_rate": 0.5, "cross_entropy": 0.7, "auc_error": 0.5}
    return Comparison("error_rate", 20, 100000, (0, 100000), tuple(rows), TRIED, against,
                      Trivial("always the most frequent class", known))  # fmt: skip


@pytest.mark.parametrize("size", [0.01, 1.0, 1234.5, 1.5e8, 3e-200, 3e38])
def test_lines_stay_within_80_columns(size: float) -> None:
    lines = comparison_lines(comparison(size))
    assert max(map(len, lines)) <= 80
    assert any("12 exploded  * edge" in line for line in lines)


def test_losses_of_one_run_are_told_apart() -> None:
    lines = comparison_lines(comparison(1.0))
    best = lines.index("  each at its best: rate and steps chosen on validation data")
    names = [line[4:30] for line in lines[best + 2 : best + 12] if "0.012-1.2" in line]
    assert len(set(names)) == len(names) == 5
    minus = next(i for i, line in enumerate(lines) if line.startswith("  minus"))
    titles = tuple(f"    {text}" for text in ("short ", "2026", "mul("))
    at_best = [line for line in lines[minus:] if " at its best" in line and line.startswith(titles)]
    assert len({line.split("at its best")[0] for line in at_best}) == 4


def test_a_rate_that_was_given_is_not_called_chosen() -> None:
    text = "\n".join(comparison_lines(replace(comparison(1.0), tried={})))
    assert "each at its best: steps chosen on validation data, the rate as given" in text
    assert "rate and steps chosen" not in text and "the rate that is best" not in text


def test_a_command_without_a_field_names_its_own_option() -> None:
    lines = comparison_lines(comparison(1.0), False, "--rate-factor lets others be tried")
    text = " ".join(" ".join(lines).split())
    assert "of those tried; --rate-factor lets others be tried" in text
    assert "rate_growths" not in text
