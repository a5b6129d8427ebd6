"""A comparison through the public command, from a data set to a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

from heliostat import ConfigError
from heliostat.contract import RunView, find
from heliostat.report import Text
from heliostat.values.canonical import decode
from heliostat_methods.fams import found_model, search
from heliostat_methods.fams.gaussian.block import LossNotFinite
from heliostat_methods.fams.metrics.accuracy import negative_log_likelihood
from heliostat_methods.fams.report.comparison import report
from heliostat_methods.fams.tasks import Score
from heliostat_methods.fams.training import two_levels
from heliostat_methods.fams.training.problem import judged_rows

RUN = ("run", "fams", "--preset", "smoke", "--workers", "serial", "-o", "fams.rounds=2")


def mixed_rows(path: Path) -> None:
    """Write 90 rows in three groups, of which one has a single label."""
    rng = np.random.default_rng(2)
    group = np.repeat(["ann", "bob", "eve"], 30)
    u = rng.normal(size=90).round(3)
    y = np.where(group == "eve", 1, (rng.random(90) < 1 / (1 + np.exp(-2 * u))).astype(int))
    lines = [f"{a},{b},{c}" for a, b, c in zip(group, u, y, strict=True)]
    path.write_text("\n".join(["who,u,y", *lines]) + "\n", encoding="utf-8")


CSV = (
    *RUN, "-o", "dataset={name='csv:mixed.csv',target='y'}", "-o", "groups.by=['who']",
    "-o", "methods=['fams','erm','fairlearn_thresholds']", "-o", "lambdas=[0.0,2.0]",
)  # fmt: skip


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[InProcess, dict[str, Any], str]:
    """A comparison with a sweep, of whose estimators one cannot run: account and terminal text."""
    here = InProcess(tmp_path_factory.mktemp("fams"))
    mixed_rows(here.folder / "mixed.csv")
    done = here(*CSV)
    assert done.returncode == 0, done.stderr
    shown = here.json("show", "last")
    return here, shown, done.stdout


def by_label(result: Any, rows: str = "contestants") -> dict[str, Any]:
    return {one["label"]: one for one in result[rows]}


# What comes out


def test_every_estimator_is_a_row_and_one_that_cannot_run_says_why(ended: Any) -> None:
    _, shown, text = ended
    rows = by_label(shown["result"])
    assert list(rows) == ["fams", "erm", "fairlearn_thresholds"]
    refused = rows["fairlearn_thresholds"]
    assert "one label only in group 'who=eve'" in refused["refused"]
    assert (refused["metrics"], refused["failed"]) == ({}, refused["trials"])
    for name in ("fams", "erm"):
        assert (rows[name]["refused"], rows[name]["remarks"]) == ("", [])
        assert all(len(values) == 2 for values in rows[name]["metrics"].values())
        assert all(np.isfinite(values).all() for values in rows[name]["metrics"].values())
    flat = " ".join(text.split())
    assert "fairlearn_thresholds gave no result: y has one label only in group 'who=eve'" in flat


def test_outputs_are_those_of_the_method(ended: Any) -> None:
    result = ended[1]["result"]
    metrics = by_label(result)["fams"]["metrics"]
    for name in ("accuracy", "gap_squared", "nll"):
        assert result[name] == pytest.approx(np.mean(metrics[name]))


def test_the_sweep_changes_lambda_alone(ended: Any) -> None:
    result = ended[1]["result"]
    swept = by_label(result, "sweep")
    assert list(swept) == ["lambda 0", "lambda 2"]
    own = by_label(result)["fams"]["parameters"]
    assert [one["parameters"] for one in swept.values()] == [{**own, "lam": 0}, {**own, "lam": 2}]
    assert all(len(one["metrics"]["accuracy"]) == 2 for one in swept.values())


def test_what_a_terminal_shows_fits_it_and_holds_no_nan(ended: Any) -> None:
    _, _, text = ended
    body = text[: text.index("pictures:")]
    assert max(map(len, body.splitlines())) <= 80
    assert "nan" not in text.lower()


def test_json_show_and_report_say_the_same(ended: Any) -> None:
    here, shown, _ = ended
    again = here.json(*CSV, "--no-report")
    assert again["digest"] == shown["digest"]
    assert by_label(here.json("show", again["run"])["result"]) == by_label(shown["result"])
    page = Path(here.json("report", again["run"])["report"]).read_text(encoding="utf-8")
    for text in ("What came out", "by lambda", "gave no result", "Paired differences", "lambda 0"):
        assert text in page
    assert "nan" not in page.lower().replace("financ", "")


def test_the_saved_model_predicts_what_the_run_measured(ended: Any) -> None:
    here, shown, _ = ended
    view = RunView(find("last", here.runs))
    items = [decode(view.text(row.item)) for row in view.outcomes()]
    item = next(one for one in items if isinstance(one, Score) and one.judging.curves)
    problem, training = (
        decode(view.folder.artifacts.get(handle.sha256).decode())
        for handle in (item.problem, item.training)
    )
    view.close()
    test = judged_rows(problem, training.split, "test")
    scores = found_model("last", here.runs).scores(test.inputs)
    measured = by_label(shown["result"])["fams"]["metrics"]
    assert negative_log_likelihood(test.labels, scores) == pytest.approx(measured["nll"][0])
    assert np.mean((scores > 0.5) == test.labels) == measured["accuracy"][0]


def test_a_run_that_left_no_model_says_what_it_left(here: InProcess) -> None:
    done = here(*RUN, "--no-report", "-o", "methods=['erm','logistic']")
    assert done.returncode == 0, done.stderr
    with pytest.raises(ConfigError, match=r"run = 'last': expected a run of fams that has trained"):
        found_model("last", here.runs)


def ill_or_well(path: Path) -> None:
    """Write 60 rows of two groups, a quarter of them ill."""
    rng = np.random.default_rng(4)
    rows = [f"{'ab'[at % 2]},{rng.normal():.3f},{'ill' if at % 4 < 1 else 'well'}"
            for at in range(60)]  # fmt: skip
    path.write_text("\n".join(["who,u,health", *rows]) + "\n", encoding="utf-8")


WORDS = (
    *RUN, "--no-report", "-o", "dataset={name='csv:words.csv',groups=['who'],encode={who='drop'}}",
    "-o", "methods=['fams']", "-o", "reference='fams'", "-o", "trials=1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("positive", "classes", "share"),
    [((), ["ill", "well"], 0.75), (("-o", "positive='ill'"), ["well", "ill"], 0.25)],
)
def test_label_1_is_named_and_can_be_turned(
    here: InProcess, positive: tuple[str, ...], classes: list[str], share: float
) -> None:
    ill_or_well(here.folder / "words.csv")
    done = here(*WORDS, *positive)
    assert done.returncode == 0, done.stderr
    told = f"60 rows, label 1 is '{classes[1]}' ({100 * share:.1f} %), label 0 '{classes[0]}'"
    assert told in done.stdout
    result = here.json("show", "last")["result"]
    assert (result["classes"], result["positives"]) == (classes, share)
    assert found_model("last", here.runs).classes == tuple(classes)


def test_a_label_that_no_row_has_is_refused_with_the_nearest(here: InProcess) -> None:
    ill_or_well(here.folder / "words.csv")
    done = here(*WORDS, "-o", "positive='il'")
    assert done.returncode == 2
    told = "positive = 'il': expected a label of csv:words.csv; did you mean 'ill'?"
    assert told in " ".join(done.stderr.split())


def test_a_gap_without_a_value_costs_no_other_metric(here: InProcess) -> None:
    rng = np.random.default_rng(6)
    rows = [f"{20 + at // 4},{rng.normal():.3f},{rng.integers(2)}" for at in range(80)]
    (here.folder / "ages.csv").write_text("\n".join(["age,u,y", *rows]) + "\n", encoding="utf-8")
    done = here(
        *RUN, "-o", "dataset={name='csv:ages.csv',target='y',groups=['age']}", "-o",
        "methods=['fams','erm']", "-o", "validation=0.5",
        "-o", "n_bins=10000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, one in by_label(here.json("show", "last")["result"]).items():
        assert one["refused"] == "", name
        assert set(one["missing"]) == {"gap_squared"}
        assert "no subgroup has two rows in one score bin" in one["missing"]["gap_squared"]
        assert all(len(one["metrics"][metric]) == 2 for metric in ("accuracy", "nll", "ece"))
    flat = " ".join(done.stdout.split())
    assert '"-" stands where gap squared of fams, erm has no value: sensitive_features: no' in flat
    assert (
        "Half of the 20 subgroups have fewer than 5 rows: cut age (20 different values) into "
        "bands, such as groups.bands = {age = 5}."
    ) in flat


@pytest.mark.parametrize(("most", "train"), [(0, 44), (5, 10)])
def test_half_of_each_subgroup_trains_or_as_many_rows_as_are_set(
    here: InProcess, most: int, train: int
) -> None:
    rows = [f"{'ab'[at % 2]},{at}.5,{at // 2 % 2}" for at in range(88)]
    (here.folder / "two.csv").write_text("\n".join(["who,u,y", *rows]) + "\n", encoding="utf-8")
    done = here(
        *RUN, "--no-report", "-o", "dataset={name='csv:two.csv',target='y',groups='who'}",
        "-o", "methods=['logistic']", "-o", "reference='logistic'",
        "-o", f"rows_per_group={most}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert here.json("show", "last")["result"]["train_rows"] == train


# What goes wrong


def failing(monkeypatch: pytest.MonkeyPatch, round: int, group: int) -> None:
    """Let the block that holds a group fail in a round, counted from 0."""
    lower_level = two_levels.lower_level

    def fails(*given: Any, **more: Any) -> Any:
        batch, now = given[2:4]
        if now == round and group in batch.groups:
            raise LossNotFinite(group, round)
        return lower_level(*given, **more)

    monkeypatch.setattr(two_levels, "lower_level", fails)


def test_skipped_blocks_are_told_at_the_end_and_in_the_report(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 1, 3)
    done = here(*RUN, "-o", "methods=['fams','erm']", "-o", "on_lost='skip'", "-o", "trials=1")
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    assert "fams, tuning: 1 of 1 trials had to do without some blocks" in flat
    told = (
        "fams, seed 0: 1 of 4 blocks were lost and skipped, in 1 of 2 rounds, so the result leans "
        "towards the others (round 2: block 1)"
    )
    assert told in flat
    assert max(map(len, done.stdout[: done.stdout.index("pictures:")].splitlines())) <= 80
    view = RunView(find("last", here.runs))
    page = [part.body for part in report(view)[0].content if isinstance(part, Text)]
    assert told in page
    names = [set(one) for one in view.result["rounds"]]
    assert "of group=3" in names[0]
    assert "of group=3" not in names[1]
    view.close()


def test_a_training_whose_loss_is_not_finite_is_a_row_and_the_others_go_on(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, 0, 0)
    done = here(*RUN, "--no-report", "-o", "methods=['fams','erm']")
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    assert "fams gave no result: round 1, block 0: the loss is not finite; lower the" in flat
    assert "Nothing could be compared with erm." in flat


def test_a_run_without_any_result_says_so(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 0, 0)
    done = here(*RUN, "-o", "methods=['fams']", "-o", "reference='fams'")
    assert done.returncode == 0, done.stderr
    assert "No estimator gave a result." in done.stdout
    assert "nan" not in done.stdout.lower()


def test_a_run_that_was_stopped_has_a_report_of_what_there_is(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **more: Any) -> Any:
        raise RuntimeError("the machine is gone")

    monkeypatch.setattr(search, "concluded", broken)
    assert here(*RUN, "--no-report", "-o", "methods=['fams','erm']").returncode != 0
    done = here("report", "last")
    assert done.returncode == 0, done.stderr
    view = RunView(find("last", here.runs))
    (section,) = report(view)
    plot, tuning, table, text = section.content
    assert section.title == "Trainings so far"
    assert tuning.title == "Tuning"
    assert {row[0] for row in table.rows} == {"fams", "erm"}
    assert {row[1] for row in table.rows} == {"valid", "test"}
    assert all(0 <= row[3] <= 1 for row in table.rows)
    assert "tasks are done; the comparison stands here when all are" in text.body
    assert [len(one.x) for one in plot.series] == [2, 2, 2]
    view.close()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["dataset='wine'"], "dataset = 'wine': expected a data set of two classes; it has 3"),
        (["dataset='diabetes'"], "expected a data set of two classes; its target is a number"),
        (["groups.by=['grup']"], "groups.by[0] = 'grup': expected an attribute or a column of"),
        (["validation=0.001"], "validation = 0.001: expected a share that is a row of some"),
        (["device='cuda'"], "device = 'cuda': expected 'cpu' or 'auto' here"),
        (["sampler='randm'"], "sampler = 'randm': expected a sampler; did you mean 'random'"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    here: InProcess, values: list[str], message: str
) -> None:
    done = here(*RUN, *(word for value in values for word in ("-o", value)))
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
