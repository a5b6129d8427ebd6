"""What a run stores of an outcome is plain data, and comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heliostat import PartRef
from heliostat_methods.evomal.comparison.outcome import (
    Account,
    Against,
    ComparedLoss,
    Comparison,
    Curve,
    Trivial,
)
from heliostat_methods.evomal.comparison.records import plain, read
from heliostat_methods.evomal.report.comparison import comparison_lines
from heliostat_methods.evomal.searches.found import FoundLoss
from heliostat_methods.evomal.study.outcome import Outcome, TableRow
from heliostat_search.trainings.paired_seeds import OverSeeds, PairedTest
from heliostat_search.trainings.rates import TriedRate

LOSS = FoundLoss({"nodes": ["sub", "y", "f"]}, "y - f", "y - f", "sub(y, f)", 0.5, 3, 1)


def line(role: str, *values: float) -> ComparedLoss:
    said = OverSeeds.of(values)
    return ComparedLoss(role, role, 0.1, said.values, said.diverged, said.mean, said.low,
                        said.high, Curve((1.0,), (0.5,), (1.5,)))  # fmt: skip


def compared(*roles: str) -> Comparison:
    rows = tuple(line(role, 1.0, 2.0 + i) for i, role in enumerate(roles))
    test = PairedTest.between([1.0, 2.0, 4.0], [2.0, 4.0, 5.0])
    against = tuple(Against(role, role, None, test, test) for role in roles[1:])
    tried = {"standard": ((TriedRate(1.0, 0.5, 0.4, 5.0),),)}
    return Comparison("mse", 2, 10, (0, 10), rows, tried, against, Trivial("mean", {"mse": 1.0}))


def compared_before(*roles: str) -> dict[str, Any]:
    """Return a comparison as earlier versions stored it."""
    stored = plain(compared(*(f"{role}{end}" for role in roles for end in ("", "_best_rate"))))
    kept = ("metric", "seeds", "steps", "curve_steps", "losses")
    test = plain(PairedTest.between([1.0, 2.0, 4.0], [2.0, 4.0, 5.0]))
    del test["rank_sign"], test["outlying"]
    for row in stored["losses"]:
        for name in ("rates", "kept", "exploded", "edge", "others"):
            del row[name]
    return {**{name: stored[name] for name in kept}, "rates_tried": {"standard": [[1.0, 0.5]]},
            "references": [], "at_same_rate": None, "at_best_rates": test}  # fmt: skip


def account(**more: Any) -> Account:
    return Account("wine", "regression", "mse", "mlp", (), {"train": 9}, 1, {"accepted": 1},
                   {"training": 5}, (LOSS,), ((3.0, 0.5),), ((3.0, 0.5),),
                   {"name": "mse", "loss": {"part": PartRef("mse", {}, "loss")}}, (),
                   **more)  # fmt: skip


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("none", (account(comparison=compared("standard", "found"), transfer=()),), 0.5),
        Outcome("fixed", (account(comparison=compared("standard", "reference2")),)),
        Outcome("none"),
    ],
)
def test_an_outcome_comes_back_from_its_plain_data(outcome: Outcome) -> None:
    assert plain(Outcome.of(plain(outcome))) == plain(outcome)


def test_a_comparison_comes_back_as_the_same_value() -> None:
    whole = compared("standard", "found")
    assert read(Comparison, plain(whole)) == whole


def test_what_was_not_asked_for_is_left_out() -> None:
    stored = plain(account(comparison=compared("standard", "found")))
    assert "landscape" not in stored and "transfer" not in stored
    assert stored["comparison"]["against"][0]["configured"] is None  # could not be said
    assert "at_same_rate" not in stored["comparison"] and "epochs" not in stored["comparison"]


def test_plain_data_hold_lists_numbers_and_names_of_parts_alone() -> None:
    stored = plain(account(comparison=compared("standard", "found")))
    part = stored["standard"]["loss"].pop("part")
    assert part == PartRef("mse", {}, "loss")
    assert json.loads(json.dumps(stored)) == stored


def test_a_run_of_an_earlier_version_is_read() -> None:
    stored = plain(Outcome("none", (account(comparison=compared("standard", "found")),)))
    stored["problems"][0]["comparison"] = compared_before("standard", "found")
    stored["problems"][0].pop("labels", None)
    (old,) = Outcome.of(stored).problems
    assert old.labels is None and old.comparison is not None
    (against,) = old.comparison.tests
    assert against.at_best is None and against.at_end is not None
    said = comparison_lines(old.comparison)
    assert "  at equal steps: the rate that is best after all of them" in said
    # an interval that holds 0, over differences -1, -2, -1
    assert "no difference between the found loss and standard could be" in " ".join(said)


def test_a_row_of_searches_that_all_diverged_says_so_and_no_more() -> None:
    inf = float("inf")
    row = TableRow.of("none", [[1.0, inf], [inf, inf]], [1.0, 2.0])
    assert row.diverged == 3 and row.searches == 2
    assert "mean" not in plain(row) and "difference" not in plain(row)
    whole = TableRow.of("none", [[1.0, 2.0], [inf, 2.0], [3.0, 4.0]], [1.0, 2.5])
    assert (whole.kept, whole.mean, whole.search_means) == (2, 2.5, (1.5, 3.5))
    assert whole.difference is not None and whole.difference.mean == pytest.approx(0.75)
    assert TableRow.of("standard", [[1.0, 2.0]], [1.0, 2.0]).difference is None
