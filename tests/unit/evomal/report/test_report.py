"""What a search and a study show: sections of the report, and the lines of a terminal."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

from heliostat.contract.sections import Plot, Section, Table, Text
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.evomal.comparison.records import read
from heliostat_methods.evomal.report import study as study_report
from heliostat_methods.evomal.report.search import describe, report
from heliostat_methods.evomal.study.outcome import StudyOutcome
from heliostat_search.statistics import holm


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(view, sections) of the smallest search that ends with a comparison."""
    here = InProcess(tmp_path_factory.mktemp("evomal"))
    account = here.json(
        "run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
        "-o", "generations=1", "-o", "meta_steps=3", "-o", "test_steps=10",
    )  # fmt: skip
    view = RunView(RunFolder(here.runs / account["run"]))
    return view, report(view)


def of_kind(section: Any, kind: type) -> list[Any]:
    return [part for part in section.content if isinstance(part, kind)]


def table_with(section: Any, column: str) -> Table:
    return next(table for table in of_kind(section, Table) if column in table.columns)


def test_a_data_set_has_a_section_and_the_found_loss_another(shown: Any) -> None:
    view, sections = shown
    assert [section.title for section in sections] == [
        "diabetes: regression, EvoMAL", "Use the found loss",
    ]  # fmt: skip
    code = [text.body for text in of_kind(sections[1], Text) if text.code]
    assert f'found_loss("run:{view.id}")' in code[0]
    training = view.result["problems"][0]["training"]
    assert f"learning rate {training['learning_rate']:g}, Nesterov momentum 0.9" in code[0]
    assert f"batches of 128, {training['steps']} steps" in code[0]
    assert code[1] == f'loss = "run:{view.id}"'


def test_the_best_losses_are_listed_with_fitness_and_size(shown: Any) -> None:
    view, sections = shown
    best = view.result["problems"][0]["best"]
    table = table_with(sections[0], "rank")
    assert [[*row[:3], row[4]] for row in table.rows][2:] == [
        [i, one["formula"], one["fitness"], one["complexity"]] for i, one in enumerate(best, 1)
    ]
    problem = view.result["problems"][0]
    assert [list(row[:4]) for row in table.rows][:2] == [
        [name, one["formula"], one["fitness"], one["error"]]
        for name, one in (("short", problem["short"]), ("readable", problem["readable"]))
    ]


def test_the_comparison_gives_intervals_tests_and_curves(shown: Any) -> None:
    view, sections = shown
    comparison = view.result["problems"][0]["comparison"]
    losses = table_with(sections[0], "learning rate")
    at_best = [row for row in comparison["losses"] if row["role"].endswith("_best")]
    named = [row["label"] for row in at_best]
    # one rate was given, so the configured rate is the best one and is not shown again
    assert [row[0] for row in losses.rows] == [*named, *named, "always the mean"]
    trivial = comparison["trivial"]["measures"]
    assert losses.rows[-1][4] == trivial["mse"]
    columns = list(losses.columns)
    deviation = comparison["deviation"]
    assert losses.rows[-1][columns.index("RMSE")] == pytest.approx(trivial["rmse"] * deviation)
    assert losses.rows[0][columns.index("MAE")] == pytest.approx(
        sum(at_best[0]["others"]["mae"]) / 4 * deviation
    )
    tests = table_with(sections[0], "paired difference")
    titles = [row[0] for row in tests.rows]
    assert titles[0] in ("short at its best", "found at its best")
    assert tests.rows[0][4] == comparison["against"][0]["at_best"]["t_p"]
    assert tests.rows[0][6] == comparison["against"][0]["at_best"]["wilcoxon_p"]
    curves = next(p for p in of_kind(sections[0], Plot) if "during training" in p.title)
    assert [one.label for one in curves.series] == named
    assert all(one.low and one.high for one in curves.series)


def test_the_search_shows_its_convergence_its_front_and_what_it_spent(shown: Any) -> None:
    view, sections = shown
    problem = view.result["problems"][0]
    titles = [plot.title for plot in of_kind(sections[0], Plot)]
    assert "Convergence of the search" in titles and "Complexity against fitness" in titles
    spent = table_with(sections[0], "candidate steps")
    assert [row[1] for row in spent.rows] == list(problem["steps"].values())


def test_a_terminal_shows_formulas_intervals_and_the_verdict(shown: Any) -> None:
    view, _ = shown
    text = describe(view.result, view.id)
    best = view.result["problems"][0]["best"][0]
    assert text.startswith("== diabetes (regression), EvoMAL ==")
    assert f"  1. m(y, f) = {best['formula']}"[:70] in text
    assert "over 4 paired seeds" in text and "found at its best" in text
    whole = " ".join(text.split())
    assert "each at its best: steps chosen on" in whole and "on one split of the data" in whole
    assert "always the mean" in text and "RMSE" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_formula_longer_than_the_terminal_is_cut_and_the_whole_one_is_named(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = {**shown[0].result}
    problem = {**result["problems"][0], "short": {**result["problems"][0]["short"],
                                                  "formula": "f*" * 40}}  # fmt: skip
    text = describe({**result, "problems": [problem]}, "RUN")
    assert "  m(y, f) = f*f*f*f*f*f*f*f*f*f*f*f* ..." in text.splitlines()
    assert "whole formulas: heliostat losses show RUN" in text


@pytest.mark.parametrize(
    ("baseline", "said"),
    [("fixed", "none of the given losses trained a model (2 diverged): at another learning_rate"),
     ("none", "none was accepted (2 diverged): a longer search or another seed may find one")],
)  # fmt: skip
def test_why_no_loss_was_found_is_counted(shown: Any, baseline: str, said: str) -> None:
    problem = copy.deepcopy(shown[0].result["problems"][0])
    for name in ("comparison", "behaviour", "readable", "short", "training"):
        problem.pop(name, None)
    problem |= {"best": [], "counts": {"structures_scored": 2, "diverged": 2}}
    result = {**shown[0].result, "baseline": baseline, "problems": [problem]}
    text = describe(result, "r")
    assert said in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def edited(shown: Any, change: Any) -> str:
    """Return what a terminal shows once `change` has seen the comparison."""
    problem = copy.deepcopy(shown[0].result["problems"][0])
    comparison = problem["comparison"]
    comparison["against"] = [one for one in comparison["against"] if one["role"] == "found"]
    change(comparison)
    return " ".join(describe({**shown[0].result, "problems": [problem]}, "r").split())


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (-0.2, -0.1, 0.01, "the found loss is better than mse, on this split"),
        (0.1, 0.2, 0.01, "the found loss is worse than mse, on this split"),
        (-0.1, 0.2, 0.5, "no difference between the found loss and mse could be shown"),
    ],
)
def test_a_win_is_claimed_only_where_the_interval_shows_it(
    shown: Any, low: float, high: float, p: float, said: str
) -> None:
    def change(comparison: Any) -> None:
        for way in ("at_end", "at_best"):
            test = comparison["against"][0][way]
            test |= {"t_p": p, "outlying": False}
            test["difference"] |= {"mean": (low + high) / 2, "low": low, "high": high}

    assert f"at equal steps and each at its best: {said}" in edited(shown, change)


def test_the_two_verdicts_are_told_apart(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for way, mean in (("at_end", -0.1), ("at_best", 0.1)):
            test = comparison["against"][0][way]
            test |= {"t_p": 0.01, "outlying": False}
            test["difference"] |= {"mean": mean}

    text = edited(shown, change)
    assert "at equal steps: the found loss is better than mse, on this split" in text
    assert "each at its best: the found loss is worse than mse, on this split" in text


def test_explosions_are_told_of_the_way_in_which_they_happen(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for row in comparison["losses"]:
            row["exploded"] = 4 if row["role"] == "found_best_rate" else 0
            row["edge"] = False
        test = comparison["against"][0]["at_best"]
        test |= {"t_p": 0.01, "outlying": False}
        test["difference"] |= {"mean": 0.1}

    text = edited(shown, change)
    assert (
        "at equal steps: the found loss is worse than mse, on this split; it explodes in 4 of 4 "
        "trainings, mse in 0 each at its best: the found loss is worse than mse, on this split "
    ) in text


def test_a_loss_that_is_best_untrained_is_told(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for row in comparison["losses"]:
            if row["role"] == "found_best":
                row["kept"] = [0, 0, 0, 55]

    said = "warning: found is at its best before any step: training with it does not help"
    assert said in edited(shown, change)
    assert said not in edited(shown, lambda comparison: None)


def test_a_rate_at_an_edge_of_those_tried_decides_nothing(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for row in comparison["losses"]:
            row["edge"] = row["role"] == "standard_best"

    text = edited(shown, change)
    assert "each at its best: not decided: the best rate of mse lies at the edge" in text
    assert "at equal steps: not decided" not in text


def test_a_loss_worse_than_the_mean_is_warned_of(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for row in comparison["losses"]:
            row["mean"] = 1.5 if row["role"] == "found_best" else 0.5

    text = edited(shown, change)
    assert "warning: found does worse than always the mean, each at its best" in text
    assert "warning: mse" not in text


def test_references_are_drawn_in_the_analysis(tmp_path: Path) -> None:
    here = InProcess(tmp_path)
    account = here.json(
        "run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
        "-o", "datasets=wine", "-o", "baseline=fixed", "-o", "racing=[10]", "-o", "reject=early",
        "-o", "test_steps=10", "-o", "test_seeds=2",
    )  # fmt: skip
    (section,) = report(RunView(RunFolder(here.runs / account["run"])))
    rests = table_with(section, "rests at p")
    names = {"cross_entropy", "focal", "ace", "polyloss", "sparse_label_smoothing"}
    assert names <= {line[0] for line in rests.rows}
    risks = table_with(section, "can lose")
    assert [line[0] for line in risks.rows] == ["reject = early", "racing"]
    assert "over-fits" in str(risks.rows[1][1])


def test_exact_settings_can_lose_nothing(shown: Any) -> None:
    _, sections = shown
    assert not [t for t in of_kind(sections[0], Table) if "can lose" in t.columns]


def corrected(account: dict[str, Any]) -> dict[tuple[str, str, str], float]:
    return study_report.corrected(read(StudyOutcome, account))


def describe_study(account: dict[str, Any]) -> str:
    return study_report.describe_study(read(StudyOutcome, account))


def study_sections(account: dict[str, Any], **measured: float) -> Sequence[Section]:
    return study_report.study_sections(read(StudyOutcome, account), **measured)


def row(name: str, mean: float, p: float, **more: Any) -> dict[str, Any]:
    difference = {"n": 3, "mean": mean, "deviation": 0.001, "low": mean - 0.001,
                  "high": mean + 0.001, "confidence": 0.95}  # fmt: skip
    return {"name": name, "searches": 2, "diverged": 0, "mean": 0.5 + mean, "kept": 2,
            "search_means": [0.5 + mean] * 2, "test_low": 0.4, "test_high": 0.6,
            "difference": difference, "t_p": p, "wilcoxon_p": p, **more}  # fmt: skip


def study(*tables: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    standard = {"name": "standard", "searches": 1, "diverged": 0, "mean": 0.5, "kept": 1,
                "search_means": [0.5], "test_low": 0.4, "test_high": 0.6}  # fmt: skip
    return {
        "cells": [{"dataset": "wine", "model": "linear", "baseline": "none", "seed": 0,
                   "core_hours": 0.1, "not_run": ""}],
        "estimated_core_hours": 0.1, "cap": 1.0, "search_seeds": 2, "test_seeds": 3,
        "tables": [
            {"dataset": name, "model": "linear", "metric": "error_rate", "test_steps": 9,
             "standard": "cross_entropy", "losses": [], "rows": [standard, *rows]}
            for name, rows in tables
        ],
    }  # fmt: skip


STUDY = study(
    ("wine", [row("none", -0.1, 0.03), row("gp_lfl", 0.1, 0.04),
              row("transfer from iris", 1, 0.03)]),
    ("iris", [row("none", 0.1, 0.01), row("gp_lfl", 0.1, 0.2), row("transfer from wine", 1, 0.01)]),
    ("digits", [row("none", 0.1, 0.04), {"name": "gp_lfl", "searches": 2, "diverged": 2}]),
)  # fmt: skip


def test_p_values_are_corrected_over_the_tables_of_one_search() -> None:
    found = corrected(STUDY)
    for name, raw in (("none", [0.03, 0.01, 0.04]), ("gp_lfl", [0.04, 0.2])):
        corrections = holm(raw)
        for data, p in zip(("wine", "iris", "digits"), corrections, strict=False):
            assert found[data, "linear", name] == p
    # the transfers are one search, whatever they come from
    assert found["wine", "linear", "transfer from iris"] == 0.03
    assert found["iris", "linear", "transfer from wine"] == 0.02
    assert ("digits", "linear", "gp_lfl") not in found


def test_a_study_says_better_and_worse_of_corrected_p_values() -> None:
    # raw, one is better and two are worse; corrected, 0.03 and 0.04 become 0.06
    said = "in 3 comparisons: better in 0, worse in 1, no difference shown in 2."
    assert said in describe_study(STUDY)
    assert any(said in text.body for text in of_kind(study_sections(STUDY)[0], Text))


def test_a_studys_table_has_both_p_values() -> None:
    table = table_with(study_sections(STUDY)[1], "p (Holm)")
    both = [(line[0], line[table.columns.index("p (t)")], line[table.columns.index("p (Holm)")])
            for line in table.rows]  # fmt: skip
    assert both == [("cross_entropy", None, None), ("EvoMAL", 0.03, 0.06), ("GP-LFL", 0.04, 0.08),
                    ("transfer from iris", 0.03, 0.03)]  # fmt: skip
    assert "p = 0.03, Holm 0.06" in describe_study(STUDY)


def test_a_row_says_of_how_many_searches_its_numbers_are() -> None:
    part = study(("wine", [row("none", 0.1, 0.01, searches=3, diverged=1)]))
    said = "(explodes in 1 of 9 trainings; the numbers are of 2 of 3 searches)"
    assert said in describe_study(part)
    text = describe_study(STUDY)
    assert "the numbers are of" not in text
    assert "GP-LFL                             explodes in 2 of 6 trainings" in text
    older = row("none", 0.1, 0.01)
    del older["kept"]  # as runs of earlier versions hold it
    assert "the numbers are of" not in describe_study(study(("wine", [older])))


def verdicts(account: dict[str, Any]) -> list[Any]:
    table = table_with(study_sections(account)[1], "verdict")
    return [line[table.columns.index("verdict")] for line in table.rows]


def test_a_loss_that_diverges_more_often_is_neither_better_nor_equal() -> None:
    survivor = row("none", -0.1, 0.001, searches=3, diverged=11, kept=1)
    lost = {"name": "gp_lfl", "searches": 3, "diverged": 9}
    part = study(("wine", [survivor, lost]))
    assert verdicts(part) == [None, "explodes more often than the standard loss", "worse"]
    text = describe_study(part)
    assert "better in 0, worse in 0, no difference shown in 0, explodes more often than" in text
    plot = next(p for p in study_sections(part)[1].content if isinstance(p, Plot))
    assert plot.series[0].x == []
    assert "Not drawn: EvoMAL explodes in 11 of 9 trainings" in plot.note


def test_a_standard_loss_that_diverges_as_often_is_no_equal() -> None:
    part = study(("wine", [{"name": "none", "searches": 1, "diverged": 1}]))
    part["tables"][0]["rows"][0] |= {"diverged": 1}
    assert verdicts(part)[1] == "not compared, since the standard loss explodes"


def test_a_found_loss_that_explodes_more_often_wins_nothing(shown: Any) -> None:
    def change(comparison: Any) -> None:
        for row in comparison["losses"]:
            row["exploded"] = 3 * (row["role"] == "found_best")
        test = comparison["against"][0]["at_best"]
        test |= {"t_p": 0.01, "rank_sign": -1}
        test["difference"] |= {"mean": -0.1, "low": -0.2, "high": -0.1}

    text = edited(shown, change)
    assert "the found loss explodes in 3 of 4 trainings, mse in 0: it is no better" in text
    assert "3 exploded" in text and "better than" not in text


def test_rates_steps_and_cost_of_a_study_are_shown() -> None:
    part = study(("wine", [row("none", 0.1, 0.01)]))
    part |= {"rates": [0.001, 0.01, 0.1], "aside_core_hours": 0.02}
    part["cells"][0]["steps"] = {"local_search": 2_000_000, "rejection": 0, "training": 500_000}
    part["tables"][0]["losses"] = [
        {"label": label, "learning_rate": rate}
        for label, rate in (
            ("cross_entropy", 0.01), ("cross_entropy, rate x 10", 0.1),
            ("none seed 0, rate x 1", 0.01), ("none seed 1, rate x 0.1", 0.001),
        )
    ]  # fmt: skip
    table = table_with(study_sections(part)[1], "rates")
    assert [line[-2:] for line in table.rows] == [["0.1*", None], ["0.01, 0.001*", 2_500_000]]
    text = describe_study(part)
    assert "rate 0.01, 0.001*  2.5 M steps" in text
    assert "Of 3 learning rates chosen, 2 lie at an edge" in text
    assert "the standard loss's in 1 of 1 tables" in text
    assert "0.02 of it for transfers and the standard losses' trainings; cap on the" in text
    planned = study_sections(part, measured_core_hours=0.25)[0].content[0]
    assert isinstance(planned, Text)
    assert "measured 0.25 core-hours." in planned.body


def test_a_search_that_goes_on_shows_convergence_candidates_and_its_best_losses(
    shown: Any,
) -> None:
    ended, _ = shown
    view = RunView(ended.folder)
    vars(view)["result"] = None
    section, last = report(view)
    assert section.title == "So far on diabetes"
    titles = [plot.title for plot in of_kind(section, Plot)]
    assert titles == ["Convergence of the search", "What became of candidates"]
    (table,) = of_kind(section, Table)
    fitness = [row[2] for row in table.rows]
    assert fitness == sorted(fitness)
    best = ended.result["problems"][0]["best"][0]
    assert table.rows[0][1:3] == [best["formula"], best["fitness"]]
    assert "trainings of it have ended" in of_kind(last, Text)[0].body
