"""`heliostat tune`: a search over another method's configuration is a run like any other."""

from __future__ import annotations

import json
import re
import tomllib
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from in_process import InProcess

from heliostat.contract.sections import Plot, Table
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.tune.report import report

SPACE = """
generations = {low = 1, high = 3}
points = {choices = [20, 40, 60]}
noise = {low = 0.001, high = 0.5, log = true}
"""
BASE = ("tune", "curve_fit", "-o", "population=5", "--space", "space.toml")
SERIAL = ("--workers", "serial")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    """`heliostat` in this process."""
    return InProcess(tmp_path)


@pytest.fixture
def tune(here: InProcess) -> InProcess:
    """The same in a folder that holds a space for `curve_fit`."""
    (here.folder / "space.toml").write_text(SPACE)
    return here


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One finished run of 22 trials: (command line, its account)."""
    made = InProcess(tmp_path_factory.mktemp("tune"))
    (made.folder / "space.toml").write_text(SPACE)
    return made, made.json(*BASE, "--trials", "22", *SERIAL)


def test_a_tuning_tries_configurations_and_names_the_best(finished: Any) -> None:
    _, account = finished
    result = account["result"]
    values = [trial["values"][0] for trial in result["trials"]]
    assert result["objectives"] == [["misfit", "min"]]
    assert result["best"]["values"] == [min(values)]
    assert [trial["number"] for trial in result["trials"]] == list(range(22))
    for trial in result["trials"]:
        assert trial["params"]["generations"] in (1, 2, 3)
        assert trial["params"]["points"] in (20, 40, 60)
        assert 0.001 <= trial["params"]["noise"] <= 0.5


def test_the_configuration_as_it_is_comes_first_if_it_lies_in_the_space(tune: Any) -> None:
    inside = tune.json(*BASE, "-o", "generations=2", "--trials", "2", *SERIAL)["result"]
    assert inside["base"]["params"] == {"generations": 2, "noise": 0.05, "points": 60}
    assert inside["base"] == inside["trials"][0]
    outside = tune.json(*BASE, "--trials", "2", *SERIAL)["result"]  # by default 12 generations
    assert outside["base"] is None


def test_another_seed_gives_other_trials(finished: Any) -> None:
    here, account = finished
    other = here.json(*BASE, "--trials", "22", "--seed", "1", *SERIAL)
    assert other["digest"] != account["digest"]


def test_a_killed_tuning_goes_on_where_it_was(finished: Any, cli: Any, tune: Any) -> None:
    _, account = finished
    commits = 60
    killed = cli(*BASE, "--trials", "22", *SERIAL,
                  HELIOSTAT_FAULT=f"kill-after-commits={commits}")  # fmt: skip
    assert killed.returncode == -9
    resumed = tune.json("resume", "last", *SERIAL)
    assert (resumed["digest"], resumed["result"]) == (account["digest"], account["result"])
    assert resumed["replayed"] >= commits


def test_the_budget_may_grow_on_resume(tune: Any) -> None:
    short = tune.json(*BASE, "--trials", "5", "--lookahead", "3", *SERIAL)
    grown = tune.json("resume", short["run"], "-o", "trials=9", *SERIAL)
    assert grown["replayed"] == short["outcomes"]
    straight = tune.json(*BASE, "--trials", "9", "--lookahead", "3", *SERIAL)
    assert (grown["digest"], grown["result"]) == (straight["digest"], straight["result"])


def test_how_many_trials_are_under_way_is_said_and_may_grow(tune: Any) -> None:
    begun = tune(*BASE, "--trials", "12", "--lookahead", "2", *SERIAL)
    assert "trials at once: 2 (another number: --lookahead)\n" in begun.stderr
    done = tune("resume", "last", *SERIAL)
    assert "trials at once: 2, as the run began\n" in done.stderr
    assert "-o at_once=N" in done.stderr
    grown = tune.json("resume", "last", "-o", "at_once=4", *SERIAL)
    straight = tune.json(*BASE, "--trials", "12", "--lookahead", "4", *SERIAL)
    assert grown["result"]["at_once"] == 4
    assert (grown["digest"], grown["result"]) == (straight["digest"], straight["result"])
    assert grown["replayed"] > 0  # what the sampler asks first depends on no answer


def test_more_at_once_uses_no_checkpoint_of_a_trial_with_other_parameters(here: Any) -> None:
    # `group_means` keeps checkpoints, and from the eleventh trial on TPE asks by what it was told
    (here.folder / "space.toml").write_text("pull = {low = 0.1, high = 9.0, log = true}\n")
    base = ("tune", "group_means", "-o", "rounds=3", "--space", "space.toml", "--trials", "13")
    here.json(*base, "--lookahead", "1", *SERIAL)
    grown = here.json("resume", "last", "-o", "at_once=3", *SERIAL)
    straight = here.json(*base, "--lookahead", "3", *SERIAL)
    assert (grown["digest"], grown["result"]) == (straight["digest"], straight["result"])
    assert grown["replayed"] > 0


def test_verify_evaluates_the_items_of_the_trials_again(finished: Any) -> None:
    here, account = finished
    checked = here.json("verify", account["run"], "--sample", "40")
    assert (checked["checked"], checked["equal"]) == (40, 40)


def test_the_best_configuration_is_a_file_that_run_takes(finished: Any) -> None:
    here, account = finished
    done = here("export", account["run"], "--product", "best.toml", "--output", "best.toml")
    assert done.returncode == 0, done.stderr
    file = tomllib.loads((here.folder / "best.toml").read_text())
    assert file["method"] == "curve_fit"
    assert file["config"]["population"] == 5
    for name, value in account["result"]["best"]["params"].items():
        assert file["config"][name] == value
    assert here.json("run", "best.toml", *SERIAL)["state"] == "finished"


def test_optuna_loads_the_exported_study(finished: Any) -> None:
    here, account = finished
    done = here("export", account["run"], "--optuna", "trials.db")
    assert done.returncode == 0, done.stderr
    study = optuna.load_study(
        study_name=account["run"], storage=f"sqlite:///{here.folder / 'trials.db'}"
    )
    assert study.directions == [optuna.study.StudyDirection.MINIMIZE]
    assert study.metric_names == ["misfit"]
    assert study.best_trial.number == account["result"]["best"]["number"]
    assert study.user_attrs["digest"] == account["digest"]
    for theirs, ours in zip(study.trials, account["result"]["trials"], strict=True):
        assert theirs.values == ours["values"]
        assert theirs.params["noise"] == ours["params"]["noise"]
        assert theirs.params["points"] == str(ours["params"]["points"])
    again = here("export", account["run"], "--optuna", "trials.db")
    assert again.returncode == 5 and "exists already" in again.stderr


def test_a_run_without_trials_has_no_study(tune: Any) -> None:
    account = tune.json("run", "curve_fit", "--preset", "smoke", *SERIAL)
    done = tune("export", account["run"], "--optuna", "trials.db")
    assert done.returncode == 5
    assert "no trials" in done.stderr
    assert not list(tune.folder.glob("trials.db*"))


def test_the_report_shows_history_parameters_and_importance(finished: Any) -> None:
    here, account = finished
    text = Path(here.folder / account["report"]).read_text()
    for told in ("best so far", "misfit by noise", "misfit by points", "PED-ANOVA", "Outcome"):
        assert told in text


def test_progress_shows_step_best_and_rate(tune: Any) -> None:
    done = tune(*BASE, "--trials", "3", *SERIAL)
    assert re.search(r"step 3/3 .*best .* trials/s", done.stderr)
    assert "best of 3 trials of curve_fit" in done.stdout


def test_several_objectives_give_a_front(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    account = here.json("tune", "yield_and_cost", "--space", "space.toml", "--trials", "12",
                       *SERIAL)  # fmt: skip
    result = account["result"]
    assert result["objectives"] == [["yield", "max"], ["cost", "min"]]
    front = [result["trials"][number]["values"] for number in result["front"]]
    for gain, cost in front:
        assert not any(g > gain and c < cost for g, c in (t["values"] for t in result["trials"]))
    text = Path(here.folder / account["report"]).read_text()
    assert "not dominated" in text
    products = [f"trial-{number}.toml" for number in result["front"]]
    for name in products:
        assert here("export", account["run"], "--product", name).returncode == 0


def test_each_value_is_shown_under_its_own_name_and_direction(here: Any) -> None:
    # declared as yield (max), cost (min), which is not the order of the alphabet
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    done = here("tune", "yield_and_cost", "--space", "space.toml", "--trials", "12",
                "--sampler", "random", *SERIAL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    account = here.json("show", "last")
    width = account["result"]["best"]["params"]["width"]
    told = dict(re.findall(r"^  (yield|cost) +([0-9.]+)$", done.stdout, re.M))
    assert told == {"yield": f"{width**0.5:.6g}", "cost": f"{(width - 9.0) ** 2:.6g}"}
    view = RunView(RunFolder(here.runs / account["run"]))
    sections = {section.title: section.content for section in report(view)}
    for section in ("Outcome", "Front", "Trials"):
        (table,) = [part for part in sections[section] if isinstance(part, Table)]
        columns = list(table.columns)
        for row in table.rows:
            drawn = row[columns.index("width")]
            assert row[columns.index("yield")] == drawn**0.5, section
            assert row[columns.index("cost")] == (drawn - 9.0) ** 2, section
    history = {part.title: part.series for part in sections["History"] if isinstance(part, Plot)}
    assert list(history) == ["yield (max)", "cost (min)"]
    assert [series[1].y[-1] for series in history.values()] == [
        max(history["yield (max)"][0].y), min(history["cost (min)"][0].y),
    ]  # fmt: skip
    widths = [trial["params"]["width"] for trial in account["result"]["trials"]]
    slices = {part.title: part.series[0] for part in sections["Parameters"]
              if isinstance(part, Plot)}  # fmt: skip
    assert list(slices["yield by width"].y) == [width**0.5 for width in widths]
    assert list(slices["cost by width"].y) == [(width - 9.0) ** 2 for width in widths]


PRICE = ("tune", "call_price", "--space", "space.toml", "--trials", "3", "-o", "most_blocks=8")


def test_a_result_without_a_direction_is_no_goal(here: Any) -> None:
    (here.folder / "space.toml").write_text("block = {low = 100, high = 4000, step = 100}\n")
    done = here(*PRICE, *SERIAL, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["result"]
    assert result["objectives"] == [["standard_error", "min"]]
    errors = [trial["values"] for trial in result["trials"]]
    assert result["best"]["values"] == min(errors)
    assert "objective: standard_error (min); no goal: price\n" in done.stderr


def test_what_is_no_goal_is_refused_as_an_objective(here: Any) -> None:
    (here.folder / "space.toml").write_text("block = {low = 100, high = 4000, step = 100}\n")
    field = "error: --objective = 'price'"
    refused(here, (*PRICE, "--objective", "price"), field, "a goal: standard_error")


def test_a_method_without_goals_is_not_tuned(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    told = "a method with a goal among its results"
    refused(here, ("tune", "weighs", "--space", "space.toml"), "method", told)


def test_a_trial_without_a_result_is_the_worst_and_the_run_goes_on(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    result = here.json("tune", "sometimes", "--space", "space.toml", "--trials", "6",
                       "--sampler", "random", *SERIAL)["result"]  # fmt: skip
    values = {t["params"]["width"]: t["values"][0] for t in result["trials"]}
    numbers = {width for width, value in values.items() if isinstance(value, float)}
    assert numbers == {width for width in values if width % 2 == 0}
    assert result["best"]["params"]["width"] == min(w for w in values if w % 2 == 0)


def test_a_goal_that_is_no_number_is_named_and_counted(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {choices = [1, 3, 5, 8]}\n")
    done = here("tune", "sometimes", "--space", "space.toml", "--trials", "7",
                "--sampler", "random", *SERIAL)  # fmt: skip
    result = here.json("show", "last")["result"]
    without = sum(not isinstance(t["values"][0], float) for t in result["trials"])
    assert result["no_number"] == {"value": without} and 0 < without < 7
    told = f"value was no number in {without} of 7 trials: never best, told as the worst"
    assert told in done.stdout
    assert told in (here.folder / here.json("report", "last")["report"]).read_text()
    (here.folder / "space.toml").write_text("width = {choices = [1, 3, 5]}\n")
    done = here("tune", "sometimes", "--space", "space.toml", "--trials", "2", *SERIAL)
    assert "no trial of sometimes gave a result" in done.stdout
    assert "value was no number in 2 of 2 trials" in done.stdout
    assert here.json("show", "last")["result"]["best"] is None


STEPS = [
    ("{low = 0.1, high = 0.7, step = 0.15}", [0.1, 0.25, 0.4, 0.55, 0.7]),
    ("{low = 0, high = 1, step = 0.3333333333333333}", [0.0, 1 / 3, 2 / 3, 1.0]),
    ("{low = 0, high = 1, step = 0.3}", [0.0, 0.3, 0.6, 0.9]),
]


@pytest.mark.parametrize(("table", "values"), STEPS)
def test_every_value_of_a_step_is_tried_reported_and_exported(
    here: Any, table: str, values: list[float]
) -> None:
    (here.folder / "space.toml").write_text(f"noise = {table}\n")
    small = ("tune", "curve_fit", "-o", "population=5", "-o", "generations=1", "-o", "points=8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        account = here.json(*small, "--space", "space.toml", "--trials", "24",
                            "--sampler", "qmc", *SERIAL)  # fmt: skip
        assert here("export", account["run"], "--optuna", "trials.db").returncode == 0
        view = RunView(RunFolder(here.runs / account["run"]))
        sections = {section.title: section.content for section in report(view)}
    tried = [trial["params"]["noise"] for trial in account["result"]["trials"]]
    assert set(tried) == set(values)
    study = optuna.load_study(
        study_name=account["run"], storage=f"sqlite:///{here.folder / 'trials.db'}"
    )
    assert [trial.params["noise"] for trial in study.trials] == tried
    assert study.trials[0].distributions["noise"].high == values[-1]
    plots = [part for part in sections["Parameters"] if isinstance(part, Plot)]
    assert list(plots[0].series[0].x) == tried


def test_a_trial_whose_configuration_does_not_fit_together_fails_alone(here: Any) -> None:
    # by itself each value is allowed; with most = 3 those above are not
    (here.folder / "space.toml").write_text("least = {low = 1, high = 6}\n")
    account = here.json("tune", "ordered", "--space", "space.toml", "--trials", "9",
                        "--sampler", "random", *SERIAL)  # fmt: skip
    trials = account["result"]["trials"]
    for trial in trials:
        assert (trial["values"] is None) == (trial["params"]["least"] > 3)
    failed = [trial for trial in trials if trial["values"] is None]
    assert account["result"]["failed"] == len(failed) > 0
    assert failed[0]["failure"] == "ConfigError"
    events = here.json("show", account["run"])["events"]
    assert any("at most most = 3" in event["text"] for event in events)


def test_what_each_trial_left_can_be_picked(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    account = here.json(
        "tune", "keeps", "--space", "space.toml", "--trials", "3", "--lookahead", "3", *SERIAL
    )
    trials = account["result"]["trials"]
    shown = here("show", account["run"]).stdout
    for trial in trials:
        name = f"width@{trial['number']}"
        assert f"product   {name} (value, " in shown
        content = json.loads(here("export", account["run"], "--product", name).stdout)
        assert content == {"width": trial["params"]["width"]}
    done = here("export", account["run"], "--product", "width")
    assert done.returncode == 5
    assert "3 products are called 'width': width@0, width@1, width@2" in done.stderr
    assert here("export", account["run"], "--product", "best.toml").returncode == 0


def test_parts_and_their_parameters_can_be_tuned(here: Any) -> None:
    (here.folder / "table.csv").write_text("x,target\n" + "1,2.5\n" * 9 + "2,9.5\n")
    (here.folder / "space.toml").write_text(
        'data = {choices = ["wine", "csv:table.csv"]}\n[section]\nwidth = {low = 1, high = 64}\n'
    )
    account = here.json("tune", "tuned_table", "--space", "space.toml", "--trials", "6",
                       "--sampler", "random", *SERIAL)  # fmt: skip
    sums = {trial["params"]["data"]: trial["values"] for trial in account["result"]["trials"]}
    assert sums["csv:table.csv"] == [32.0]
    assert set(sums) == {"wine", "csv:table.csv"}
    (here.folder / "table.csv").write_text("x,target\n" + "1,2.5\n" * 9 + "2,8.5\n")
    done = here("resume", account["run"], *SERIAL)
    assert done.returncode == 5 and "table.csv" in done.stderr


@pytest.mark.parametrize("method", ["tune", "step_options", "evomal"])
def test_a_written_configuration_file_is_valid(here: Any, method: str) -> None:
    written = here("config", "init", method, "--preset", "smoke", "--output", "written.toml")
    assert written.returncode == 0, written.stderr
    shown = here.json("config", "show", method, "--preset", "smoke")
    assert here.json("config", "check", "written.toml")["config"] == shown


BAD = [
    ("noize = {low = 0.1, high = 1.0}", "space.noize", "did you mean 'noise'"),
    ("points = {low = 2, high = 20}", "space.points.low", "greater than or equal to 8"),
    ("noise = {low = -1.0, high = 1.0}", "space.noise.low", "greater than or equal to 0"),
    ("points = {low = 8.5, high = 20}", "space.points.low", "an integer"),
    ("points = {low = 20, high = 10}", "space.points.high", "more than low"),
    ("points = {low = 10, hihg = 20}", "space.points.hihg", "did you mean 'high'"),
    ("points = {choices = [10, 2]}", "space.points.choices[1]", "greater than or equal to 8"),
    ("points = {choices = [10, 'many']}", "space.points.choices[1]", "valid integer"),
    ("points = 10", "space.points", "a table"),
    ("points.width = {low = 1, high = 2}", "space.points.width", "no field below points"),
    ("", "space", "at least one field"),
    ("points = {low = 10", "space.toml", "valid TOML"),
]


@pytest.mark.parametrize(("text", "field", "told"), BAD, ids=[bad[1] for bad in BAD])
def test_a_space_that_does_not_fit_is_refused(here: Any, text: str, field: str, told: str) -> None:
    (here.folder / "space.toml").write_text(text)
    if field != "space.toml":
        field = f"error: space.toml: {field} = "
    refused(here, (*BASE, "--trials", "3"), field, told)


BAD_TABLE = [
    ("mode = {low = 1, high = 2}", "space.mode", "choices"),
    ("mode = {choices = ['fast', 'exakt']}", "space.mode.choices[1]", "did you mean 'exact'"),
    ("section.width = {low = 1, high = 65}", "space.section.width.high", "less than or equal"),
    ("section.wdith = {low = 1, high = 6}", "space.section.wdith", "did you mean 'width'"),
    ("data = {choices = ['wine', 'wein']}", "space.data.choices[1]", "did you mean 'wine'"),
    ("loss.gama = {low = 1.0, high = 2.0}", "space.loss.gama", "a field of loss"),
    ("widths = {low = 1, high = 2}", "space.widths", "choices"),
]


@pytest.mark.parametrize(("text", "field", "told"), BAD_TABLE, ids=[bad[1] for bad in BAD_TABLE])
def test_sections_parts_and_choices_are_checked(
    here: Any, text: str, field: str, told: str
) -> None:
    (here.folder / "space.toml").write_text(text)
    refused(here, ("tune", "tuned_table", "--space", "space.toml"), field, told)


OPTIONS = [
    (("--trials", "0"), "error: --trials = 0", "greater than or equal to 1"),
    (("--sampler", "tep"), "error: --sampler = 'tep'", "did you mean 'tpe'"),
    (("--objective", "misfti"), "error: --objective = 'misfti'", "did you mean 'misfit'"),
    (("--objective", "misfit", "--objective", "misfit"), "error: --objective = 'misfit'", "once"),
    (("--parallel", "0"), "--parallel", "a positive integer"),
    (("--lookahead", "0"), "error: --lookahead = 0", "greater than or equal to 1"),
    (("--cost", "nois"), "error: --cost = 'nois'", "did you mean 'noise'"),
    (("-o", "pionts=9"), "pionts", "did you mean 'points'"),
    (("--preset", "smok"), "preset", "did you mean 'smoke'"),
    (("--workers", "no"), "--workers", "a positive number or serial"),
]


@pytest.mark.parametrize(("options", "field", "told"), OPTIONS, ids=[o[0][0] for o in OPTIONS])
def test_bad_options_are_refused(tune: Any, options: Any, field: str, told: str) -> None:
    refused(tune, (*BASE, *options), field, told)


@pytest.mark.parametrize("method", ["curve_fti", "tune"])
def test_only_other_methods_are_tuned(tune: Any, method: str) -> None:
    refused(tune, ("tune", method, "--space", "space.toml"), method, "")


def test_a_space_that_is_not_there_is_refused(here: Any) -> None:
    refused(here, BASE, "space.toml", "a readable TOML file")


def test_a_result_without_the_objective_ends_the_run(here: Any) -> None:
    (here.folder / "space.toml").write_text("items = {low = 1, high = 3}\n")
    done = here("tune", "count", "--space", "space.toml", "--trials", "3", *SERIAL)
    assert done.returncode == 3
    assert "4 values for 1 objectives" in done.stderr
    assert "Traceback" not in done.stderr


def refused(here: Any, arguments: tuple[str, ...], field: str, told: str) -> None:
    done = here(*arguments, *(() if "--workers" in arguments else SERIAL))
    assert done.returncode == 2, done.stderr
    assert field in done.stderr and told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not here.runs.exists() or not list(here.runs.iterdir())
