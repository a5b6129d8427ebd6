"""What a tuning shows: the sections of its report, and the lines of a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from in_process import InProcess

from heliostat.contract.sections import Plot, Section, Table, Text
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.tune.report import describe, report

SPACE = """
rate = {low = 0.1, high = 0.4}
data = {choices = ["wine", "diabetes"]}
loss = {choices = ["cross_entropy", {name = "focal", gamma = 1.0}]}
"""
SERIAL = ("--workers", "serial", "--no-report")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(view, sections by title) of a tuning over a number, texts and a table."""
    here = InProcess(tmp_path_factory.mktemp("tune"))
    (here.folder / "space.toml").write_text(SPACE)
    account = here.json("tune", "tuned_table", "--space", "space.toml", "--trials", "6",
                        "--sampler", "random", *SERIAL)  # fmt: skip
    view = RunView(RunFolder(here.runs / account["run"]))
    return view, by_title(report(view))


def by_title(sections: Sequence[Section]) -> dict[str, Section]:
    return {section.title: section for section in sections}


def plots(section: Section) -> dict[str, Plot]:
    return {part.title: part for part in section.content if isinstance(part, Plot)}


def table(section: Section) -> Table:
    return next(part for part in section.content if isinstance(part, Table))


def test_a_choice_that_is_a_table_has_its_place(shown: Any) -> None:
    view, sections = shown
    plot = plots(sections["Parameters"])["value by loss"]
    assert plot.note == '0: cross_entropy; 1: {"gamma": 1.0, "name": "focal"}'
    drawn = [t["params"]["loss"] for t in view.result["trials"]]
    assert list(plot.series[0].x) == [float(loss != "cross_entropy") for loss in drawn]
    assert set(plot.series[0].x) == {0.0, 1.0}


def test_every_parameter_is_drawn_against_the_result(shown: Any) -> None:
    view, sections = shown
    drawn = plots(sections["Parameters"])
    assert list(drawn) == ["value by data", "value by loss", "value by rate"]
    trials = view.result["trials"]
    assert list(drawn["value by rate"].series[0].x) == [t["params"]["rate"] for t in trials]
    assert list(drawn["value by rate"].series[0].y) == [t["values"][0] for t in trials]


def test_the_best_is_shown_beside_the_configuration_as_it_was(shown: Any) -> None:
    view, sections = shown
    best, base = view.result["best"], view.result["base"]
    outcome = table(sections["Outcome"])
    assert list(outcome.columns) == ["", "value", "data", "loss", "rate"]
    assert [row[0] for row in outcome.rows] == [
        f"best: trial {best['number']}", "the configuration as it was",
    ]  # fmt: skip
    assert [row[1] for row in outcome.rows] == [best["values"][0], base["values"][0]]
    assert base["params"] == {"data": "wine", "loss": "cross_entropy", "rate": 0.1}


def test_the_history_holds_the_best_so_far(shown: Any) -> None:
    view, sections = shown
    (plot,) = plots(sections["History"]).values()
    trial, best = plot.series
    values = [t["values"][0] for t in view.result["trials"]]
    assert list(trial.y) == values
    better = max if "(max)" in plot.title else min
    assert list(best.y) == [better(values[: i + 1]) for i in range(len(values))]


def test_every_trial_has_a_row(shown: Any) -> None:
    _, sections = shown
    trials = table(sections["Trials"])
    assert trials.caption == "6 trials, 0 failed, 1 at once"
    assert [row[0] for row in trials.rows] == list(range(6))
    assert {len(row) for row in trials.rows} == {len(trials.columns)}


def test_a_terminal_names_the_best_and_how_to_run_it(shown: Any) -> None:
    view, _ = shown
    text = describe(view.result, view.id)
    assert text.startswith(
        f"best of 6 trials of tuned_table: trial {view.result['best']['number']}"
    )
    assert "the configuration as it was, under the same budget of one trial:" in text
    assert f"heliostat export {view.id} --product best.toml" in text


class Stored:
    """What a report reads of a run, with a result put together by hand."""

    id = "20260101-000000-tune-0000"

    def __init__(self, result: Any, metrics: Any = None) -> None:
        self.result, self._metrics = result, metrics or {}
        self.config: dict[str, Any] = {"space": {}}
        self.method, self.seed, self.digest = "tune", 0, None

    def metrics(self, scope: Any = None) -> Any:
        return self._metrics


def trial(number: int, values: Any, **params: Any) -> Mapping[str, Any]:
    failure = "" if values else "ValueError: too large"
    return {"number": number, "params": params, "values": values, "failure": failure}


def tuned(trials: Any, *, best: Any, base: Any = None, front: Any = ()) -> Mapping[str, Any]:
    return {"method": "m", "objectives": [["price", "max"], ["error", "min"]],
            "best": best, "base": base, "front": list(front), "trials": trials,
            "failed": sum(t["values"] is None for t in trials)}  # fmt: skip


def test_several_objectives_show_the_front_and_failed_trials_their_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = [trial(0, None, x=1), trial(1, [3.0, 1.0], x=2), trial(2, [2.0, 2.0], x=3)]
    result = tuned(trials, best=trials[1], base=trials[0], front=[1])
    monkeypatch.setattr("heliostat_methods.tune.report.studies", lambda view: [None])
    monkeypatch.setattr("heliostat_methods.tune.report.importances", lambda study, place: {})
    sections = by_title(report(Stored(result)))  # type: ignore[arg-type]
    front = plots(sections["Front"])["error and price"]
    assert {one.label: list(zip(one.x, one.y, strict=True)) for one in front.series} == {
        "dominated": [(2.0, 2.0)], "not dominated": [(3.0, 1.0)],
    }  # fmt: skip
    assert [row[0] for row in table(sections["Front"]).rows] == [1]
    assert list(table(sections["Trials"]).rows[0]) == [0, None, None, 1, "ValueError: too large"]
    outcome = table(sections["Outcome"])
    assert list(outcome.rows[1]) == ["the configuration as it was", None, None, 1]
    assert {len(row) for row in outcome.rows} == {len(outcome.columns)}
    assert "not dominated: trials 1" in describe(result, "r")


def test_a_tuning_whose_trials_all_failed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliostat_methods.tune.report.studies", lambda view: [None])
    monkeypatch.setattr("heliostat_methods.tune.report.importances", lambda study, place: {})
    result = tuned([trial(0, None, x=1)], best=None)
    (said,) = by_title(report(Stored(result)))["Outcome"].content  # type: ignore[arg-type]
    assert isinstance(said, Text) and said.body.startswith("No trial gave a result")
    assert describe(result, "r") == "no trial of m gave a result"


def test_an_unfinished_tuning_shows_what_was_told() -> None:
    told = Stored(None, {"value": [(1, 2.0), (2, 1.5)]})
    (section,) = report(told)  # type: ignore[arg-type]
    assert list(plots(section)["value"].series[0].y) == [2.0, 1.5]
    (section,) = report(Stored(None))  # type: ignore[arg-type]
    assert section.content == [Text("No trial has ended yet.")]


def test_a_tuning_that_goes_on_shows_trials_and_the_best_so_far(shown: Any) -> None:
    ended, _ = shown
    view = RunView(ended.folder)
    vars(view)["result"] = None
    section = by_title(report(view))["Trials so far"]
    trial, best = plots(section)["value"].series
    assert sorted(trial.y) == sorted(t["values"][0] for t in ended.result["trials"])
    assert list(best.y) == sorted(best.y, reverse=True)
    assert min(trial.y) == best.y[-1]
