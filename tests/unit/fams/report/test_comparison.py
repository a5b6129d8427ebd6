"""What terminal and report show of a comparison, whatever its names and numbers are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.report import Plot, Section, Table, Text, render
from heliostat_methods.fams.comparison.outcome import Judged, Outcome
from heliostat_methods.fams.comparison.verdicts import beside, sentence
from heliostat_methods.fams.estimators.by_name import ESTIMATORS
from heliostat_methods.fams.report.comparison import report
from heliostat_methods.fams.report.terminal import CELL, describe
from heliostat_methods.fams.report.wording import HEADS, interval_text
from heliostat_methods.fams.training.measures import METRICS

HOSTILE = "race=<script>alert(1)</script>\n\x1b[31m, " + "long " * 40 + "name=" + "x" * 90


def curve(name: str, rows: int = 40) -> dict[str, Any]:
    numbers = {"score": [0.2, 0.8], "rate": [0.25, 0.7], "low": [0.1, 0.6], "high": [0.4, 0.9]}
    return {"group": name, **numbers, "rows": [rows, rows]}


def judged(name: str, seeds: int, shift: float = 0.0, **more: Any) -> Judged:
    values = np.random.default_rng(len(name)).normal(0.5 + shift, 0.05, seeds).tolist()
    refused = more.get("refused", "")
    made: dict[str, Any] = {
        "name": name, "label": name, "sentence": ESTIMATORS[name].sentence, "needs_groups": False,
        "parameters": {"lr": 0.00123456, "epochs": 7}, "trials": 4, "failed": 4 if refused else 0,
        "chosen": None if refused else 0.41, "default": None if refused else 0.43,
        "tuning_passes": 1200.0, "passes": 300.0,
        "metrics": {} if refused else dict.fromkeys(METRICS, values), "missing": {},
        "refused": refused,
        "beside": {}, "curves": [] if refused else [curve("sex=f"), curve("sex=m", 3)],
        "remarks": [],
    }  # fmt: skip
    return Judged(**{**made, **more})


def result(*contestants: Judged, seeds: int = 5, reference: str = "erm", **more: Any) -> Any:
    """A result as a run has it, with paired tests worked out."""
    whole = {one.name: one.metrics for one in contestants if one.metrics}
    tests = beside(whole, reference) if reference in whole else {}
    told = [
        Judged(**{**vars(one), "beside": tests.get(one.name, one.beside)}) for one in contestants
    ]
    made: dict[str, Any] = {
        "dataset": "mine", "rows": 12_345, "groups": 37, "smallest": 3, "median": 99.5,
        "largest": 7_426, "positives": 0.25, "classes": ["well", "ill"],
        "note": "", "hint": "", "train_rows": 2_830, "test_rows": 9_515,
        "seeds": seeds, "criterion": "nll", "reference": reference,
        "of": {name: list(what) for name, what in METRICS.items()}, "contestants": told,
        "sweep": [], "rounds": [], "sentence": sentence(tests, reference, seeds),
    }  # fmt: skip
    return Outcome(**{**made, **more}).plain()


def typical(seeds: int = 5, **more: Any) -> Any:
    names = ("fams", "erm", "snn")
    made = [judged(name, seeds, 0.1 * at) for at, name in enumerate(names)]
    return result(*made, seeds=seeds, **more)


def sections(plain: Any) -> dict[str, Section]:
    found = report(SimpleNamespace(result=plain))  # type: ignore[arg-type]
    return {one.title: one for one in found}


def parts(section: Section, kind: Any) -> list[Any]:
    return [part for part in section.content if isinstance(part, kind)]


def texts(plain: Any) -> Iterator[str]:
    """All text of a report, and of the terminal."""
    yield describe(plain, "RUN")
    yield render("mine", list(sections(plain).values()), "")


ROUNDS = [{"loss": 0.5 / at, "divergence_low": 1.0, "divergence": 2.0, "divergence_high": 3.0,
           "of sex=f": 1.5, **({"of sex=m": 2.5} if at > 1 else {})}
          for at in (1, 2, 3)]  # fmt: skip


def test_terminal_and_report_begin_with_what_label_1_is() -> None:
    found = typical()
    assert describe(found, "RUN").splitlines()[0] == (
        "mine: 12,345 rows, label 1 is 'ill' (25.0 %), label 0 'well'; 37 subgroups of 3"
    )
    first = sections(found)["What came out"].content[0]
    assert isinstance(first, Text) and "label 1 is 'ill' (25.0 %), label 0 'well'" in first.body
    (plot, *_) = parts(sections(found)["Calibration by subgroup"], Plot)
    assert plot.y_label == "rate of 'ill'"


def without(one: Judged, *metrics: str, why: str = "too few rows") -> Judged:
    """The same without some metrics."""
    left = {name: values for name, values in one.metrics.items() if name not in metrics}
    return Judged(**{**vars(one), "metrics": left, "missing": dict.fromkeys(metrics, why)})


def test_a_metric_without_a_value_is_a_dash_with_its_reason_and_the_others_stand() -> None:
    squared = ("gap_squared", "gap")
    made = [without(judged("fams", 5), *squared), without(judged("erm", 5), *squared)]
    found = result(*made, judged("snn", 5), hint="Cut age into bands.")
    shown = describe(found, "RUN")
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.split()}
    assert rows["fams"][-2:] == rows["erm"][-2:] == ["-", "-"]
    assert "-" not in rows["snn"]
    told = '"-" stands where gap, gap squared of fams, erm has no value: too few rows'
    assert told in " ".join(shown.split())
    assert "Cut age into bands." in shown
    assert "nan" not in shown
    page = sections(found)
    (table,) = parts(page["What came out"], Table)
    assert [row[4:7].count("-") for row in table.rows] == [2, 2, 0]
    assert told in [part.body for part in parts(page["What came out"], Text)]
    (plot,) = parts(page["What came out"], Plot)
    assert [one.label for one in plot.series] == ["snn"]
    tested = {one["name"]: set(one["beside"]) for one in found["contestants"]}
    assert tested["fams"] == tested["snn"] == {"accuracy", "worst_group", "nll"}


def test_where_nobody_has_the_gap_there_is_no_picture_of_it() -> None:
    found = result(*(without(judged(name, 5), "gap_squared") for name in ("fams", "erm")))
    assert parts(sections(found)["What came out"], Plot) == []
    assert render("mine", list(sections(found).values()), "")


# The report


def test_sections_stand_in_their_order_and_pictures_come_first() -> None:
    found = sections(typical(rounds=ROUNDS))
    assert list(found) == [
        "What came out", "Calibration by subgroup", "The two levels", "Paired differences",
        "What was tuned",
    ]  # fmt: skip
    kinds = [type(part) for part in found["What came out"].content]
    assert kinds.index(Plot) < kinds.index(Table)
    for title in ("Calibration by subgroup", "The two levels"):
        assert isinstance(found[title].content[0], Plot)
        assert isinstance(found[title].content[-1], Text)


def test_every_table_is_followed_by_what_may_be_concluded() -> None:
    for section in sections(typical()).values():
        for at, part in enumerate(section.content):
            if isinstance(part, Table):
                assert isinstance(section.content[at + 1], Text)


def test_differences_stand_in_the_order_of_the_metrics_though_a_store_sorts_names() -> None:
    found = typical()
    for one in found["contestants"]:
        one["beside"] = dict(sorted(one["beside"].items()))
    (table,) = parts(sections(found)["Paired differences"], Table)
    order = ["accuracy", "worst group", "gap", "gap squared", "NLL"]
    assert [row[1] for row in table.rows] == order * 2


def test_axes_have_names_and_the_trade_off_says_what_to_see() -> None:
    found = sections(typical(rounds=ROUNDS))
    for section in found.values():
        for plot in parts(section, Plot):
            assert plot.x_label
            assert plot.y_label
    (plot,) = parts(found["What came out"], Plot)
    assert plot.note.startswith("To the upper left is better.")
    assert [one.label for one in plot.series] == ["fams", "erm", "snn"]
    for one in plot.series:
        assert one.low[0] < one.y[0] < one.high[0]


def test_the_sweep_is_a_line_in_the_trade_off() -> None:
    sweep = [judged("fams", 5, shift, label=f"lambda {lam:g}", beside={})
             for lam, shift in ((0.1, 0.0), (1.0, 0.05), (10.0, 0.02))]  # fmt: skip
    refused = judged("fams", 5, label="lambda 100", refused="round 2, block 0: not finite")
    found = typical(sweep=[*sweep, refused])
    (plot,) = parts(sections(found)["What came out"], Plot)
    line = plot.series[-1]
    assert (line.label, line.style, len(line.x)) == ("fams, by lambda", "line", 3)
    assert "lambda 0.1, lambda 1, lambda 10, in this order" in plot.note
    flat = " ".join(describe(found, "RUN").split())
    assert "lambda 100 gave no result: round 2, block 0: not finite" in flat


def test_a_group_that_was_left_out_of_a_round_has_no_point_there() -> None:
    apart, loss = parts(sections(typical(rounds=ROUNDS))["The two levels"], Plot)
    assert {one.label: list(one.x) for one in apart.series} == {"sex=f": [1, 2, 3], "sex=m": [2, 3]}
    assert list(loss.series[0].y) == [0.5, 0.25, 0.5 / 3]
    many = [
        {key: value for key, value in one.items() if not key.startswith("of ")} for one in ROUNDS
    ]
    apart, _ = parts(sections(typical(rounds=many))["The two levels"], Plot)
    assert [one.label for one in apart.series] == [
        "a tenth of the subgroups lie above", "median", "a tenth lie below",
    ]  # fmt: skip


def test_bins_of_few_rows_are_left_out_of_curves() -> None:
    plots = parts(sections(typical())["Calibration by subgroup"], Plot)
    assert [plot.title for plot in plots] == ["fams", "erm"]
    assert [one.label for one in plots[0].series] == ["calibrated", "sex=f"]


def test_a_run_that_goes_on_shows_its_trainings() -> None:
    points = {(0, at): {"loss": [(1, 0.7), (2, 0.6)]} if at else {"value": [(1, 0.3)]}
              for at in range(9)}  # fmt: skip
    view: Any = SimpleNamespace(
        result=None, count=lambda: 1234, scopes=lambda: list(points), metrics=points.__getitem__,
        found=lambda task: iter(()),
    )  # fmt: skip
    (section,) = report(view)
    plot, text = section.content
    assert [one.label for one in plot.series] == [f"0.{at}" for at in (3, 4, 5, 6, 7, 8)]
    assert text.body.startswith("1,234 tasks are done")
    empty: Any = SimpleNamespace(
        result=None, count=lambda: 0, scopes=list, metrics=None, found=lambda task: iter(())
    )
    ((text,),) = (one.content for one in report(empty))
    assert text.body.startswith("0 tasks are done")


# What could not be had


def test_one_refused_is_told_and_the_others_are_shown() -> None:
    found = result(
        judged("fams", 5), judged("erm", 5), judged("fscs", 5, refused="group 'a': one label")
    )
    for text in texts(found):
        assert "fscs gave no result: group &#x27;a&#x27;: one label" in text.replace("'", "&#x27;")
    (table,) = parts(sections(found)["What came out"], Table)
    assert [row[0] for row in table.rows] == ["fams", "erm"]
    (tuned,) = parts(sections(found)["What was tuned"], Table)
    assert tuned.rows[2][2:6] == ["4", "4", "-", "-"]


def test_all_refused_is_no_error() -> None:
    found = result(*(judged(name, 5, refused="too few rows") for name in ("fams", "erm")))
    assert "No estimator gave a result." in describe(found, "RUN")
    assert "Nothing could be compared with erm." in describe(found, "RUN")
    assert parts(sections(found)["What came out"], Plot) == []
    assert sections(found)["Paired differences"].content == [Text("There is nothing to compare.")]
    assert not set(found) & {"accuracy", "nll", "gap_squared"}


def test_one_seed_shows_means_and_concludes_nothing() -> None:
    found = typical(seeds=1)
    for text in texts(found):
        assert "nan" not in text.lower()
        assert "With one seed nothing can be concluded" in " ".join(text.split())
    (plot,) = parts(sections(found)["What came out"], Plot)
    assert {one.low for one in plot.series} == {None}
    (table,) = parts(sections(found)["Paired differences"], Table)
    assert {(row[3], row[4], row[5]) for row in table.rows} == {
        ("-", "1.000", "no difference shown")
    }
    assert "±" not in describe(found, "RUN")


def test_lost_blocks_are_told() -> None:
    lost = ["seed 0: 1 of 4 blocks were lost and skipped"]
    found = result(judged("fams", 5, remarks=lost), judged("erm", 5))
    for text in texts(found):
        assert "fams, seed 0: 1 of 4 blocks were lost and skipped" in text


# What terminals show


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_a_terminal_of_80_columns_holds_every_estimator(seeds: int) -> None:
    found = result(*(judged(name, seeds) for name in ESTIMATORS), seeds=seeds)
    lines = describe(found, "RUN").splitlines()
    assert max(map(len, lines)) <= 80
    head = next(line for line in lines if line.startswith("estimator"))
    rows = [line for line in lines if line.split()[:1] and line.split()[0] in ESTIMATORS]
    assert {len(line) for line in rows} == {len(head)}


def test_hostile_names_break_neither_terminal_nor_page() -> None:
    found = result(
        judged("fams", 5, curves=[curve(HOSTILE)]),
        judged("erm", 5, refused=f"y has one label only in group {HOSTILE!s}"),
        reference="fams", dataset=HOSTILE, note=HOSTILE,
        rounds=[{**ROUNDS[0], f"of {HOSTILE}": 1.0}],
    )  # fmt: skip
    shown, page = texts(found)
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert "<script>alert" not in page


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6))
def test_any_interval_of_a_metric_from_minus_1_to_1_leaves_a_blank_in_its_cell(
    values: list[float],
) -> None:
    text = interval_text(values)
    assert len(text) < CELL
    assert "nan" not in text
    assert float(text.split()[0]) == pytest.approx(math.fsum(values) / len(values), abs=6e-4)


def test_every_metric_but_the_p_value_has_a_head() -> None:
    assert set(HEADS) == set(METRICS) - {"p_value"}
