"""`heliostat tune` that stops well: its rules, trials given up on the way, conditional fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from in_process import InProcess

from heliostat.contract.sections import Plot, Table
from heliostat.report import studies
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.tune.report import report

SERIAL = ("--workers", "serial")
PULL = "pull = {low = 0.1, high = 9.0, log = true}\n"
PARTS = """
rate = {low = 0.1, high = 0.4}

[mode]
choices = ["fast", "exact"]

[section.width]
low = 1
high = 64
when = {mode = "exact"}

[loss]
choices = ["cross_entropy", "focal"]

[loss.gamma]
low = 0.5
high = 2.0
when = {loss = "focal", mode = ["fast", "exact"]}
"""


@pytest.fixture
def pull(here: InProcess) -> InProcess:
    """The command in a folder with a space for `group_means`, which reports and keeps rounds."""
    (here.folder / "space.toml").write_text(PULL)
    return here


GROUPS = ("tune", "group_means", "-o", "rounds=4", "-o", "groups=2", "--space", "space.toml",
          "--sampler", "random")  # fmt: skip
PRUNED = (*GROUPS, "--trials", "14", "--pruner", "asha")


def test_a_target_ends_a_tuning_and_says_so(pull: Any) -> None:
    whole = pull.json(*GROUPS, "--trials", "12", *SERIAL)["result"]
    assert whole["stopped"] is None
    values = [trial["values"][0] for trial in whole["trials"]]
    target = min(values[:6])
    done = pull(*GROUPS, "--trials", "12", "--lookahead", "1", "--target", str(target), *SERIAL)
    result = pull.json("show", "last")["result"]
    assert result["stopped"] == {"rule": "target", "told": len(result["trials"]),
                                 "trial": len(result["trials"]) - 1}  # fmt: skip
    assert result["best"]["values"][0] <= target
    assert f"ended by target: trial {result['best']['number']} reached it" in done.stdout
    text = (next(pull.runs.glob(f"{pull.json('show', 'last')['run']}/report.html"))).read_text()
    assert "ended by target" in text


def test_patience_may_grow_on_resume(pull: Any) -> None:
    base = (*GROUPS, "--trials", "40", "--lookahead", "2")
    short = pull.json(*base, "--patience", "3", *SERIAL)
    stopped = short["result"]["stopped"]
    assert stopped["rule"] == "patience"
    assert len(short["result"]["trials"]) == stopped["told"] + 1  # the other one was finished
    shown = pull("show", "last").stdout
    assert f"ended by patience after {stopped['told']} trials" in shown
    assert "-o patience=MORE" in shown
    grown = pull.json("resume", "last", "-o", "patience=6", *SERIAL)
    straight = pull.json(*base, "--patience", "6", *SERIAL)
    assert (grown["digest"], grown["result"]) == (straight["digest"], straight["result"])
    assert len(grown["result"]["trials"]) > len(short["result"]["trials"])


def test_time_that_is_up_ends_a_tuning_for_every_later_start(pull: Any) -> None:
    account = pull.json(*GROUPS, "--trials", "30", "--lookahead", "2", "--stop-after",
                        "0.000001s", *SERIAL)  # fmt: skip
    assert account["result"]["stopped"] == {"rule": "stop_after", "told": 1, "trial": 0}
    assert len(account["result"]["trials"]) == 2
    same = pull.json(*GROUPS, "--trials", "2", "--lookahead", "2", *SERIAL)
    assert same["digest"] == account["digest"]
    assert same["result"]["trials"] == account["result"]["trials"]
    checked = pull.json("verify", account["run"])
    assert checked["checked"] == checked["equal"]
    again = pull.json("resume", account["run"], *SERIAL)
    assert (again["digest"], again["evaluated"]) == (account["digest"], 0)
    # a larger limit goes on
    grown = pull.json("resume", account["run"], "-o", "stop_after=1h", "-o", "trials=30", *SERIAL)
    assert grown["result"]["stopped"] is None and len(grown["result"]["trials"]) == 30


def test_what_the_configuration_holds_is_seconds(pull: Any) -> None:
    account = pull.json(*GROUPS, "--trials", "2", "--stop-after", "1h30min", *SERIAL)
    text = (pull.runs / account["run"] / "config.toml").read_text()
    assert "stop_after = 5400.0\n" in text


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One finished run with trials that were given up: (command line, its account)."""
    made = InProcess(tmp_path_factory.mktemp("pruned"))
    (made.folder / "space.toml").write_text(PULL)
    return made, made.json(*PRUNED, *SERIAL)


def test_bad_trials_are_given_up_and_are_no_failures(pruned: Any) -> None:
    _, account = pruned
    result = account["result"]
    given_up = [trial for trial in result["trials"] if trial["pruned"] is not None]
    assert result["pruned"] == len(given_up) > 0
    assert result["failed"] == 0 and account["failures"] == 0
    for trial in given_up:
        assert trial["values"] is None and trial["failure"] == "" and trial["pruned"] in (1, 3)
    whole = [trial for trial in result["trials"] if trial["values"] is not None]
    assert result["best"] in whole
    steps = sum(4 if t["pruned"] is None else t["pruned"] for t in result["trials"])
    assert account["outcomes"] == 2 * steps


def test_report_and_terminal_tell_of_them(pruned: Any) -> None:
    here, account = pruned
    count = account["result"]["pruned"]
    assert f"given up on the way: {count} of 14 trials" in here("show", account["run"]).stdout
    view = RunView(RunFolder(here.runs / account["run"]))
    sections = {section.title: section.content for section in report(view)}
    (table,) = [part for part in sections["Trials"] if isinstance(part, Table)]
    states = [row[list(table.columns).index("state")] for row in table.rows]
    assert sum("pruned at step" in str(state) for state in states) == count


def test_an_exported_study_has_them_as_pruned(pruned: Any) -> None:
    here, account = pruned
    done = here("export", account["run"], "--optuna", "trials.db")
    assert done.returncode == 0, done.stderr
    url = f"sqlite:///{here.folder / 'trials.db'}"
    study = optuna.load_study(study_name=account["run"], storage=url)
    for theirs, ours in zip(study.trials, account["result"]["trials"], strict=True):
        last = ours["pruned"] or 4
        assert list(theirs.intermediate_values) == list(range(1, last + 1))
        assert theirs.state.name == ("COMPLETE" if ours["pruned"] is None else "PRUNED")
        assert theirs.last_step == last
        assert theirs.value == theirs.intermediate_values[last]
    assert study.best_trial.number == account["result"]["best"]["number"]


def test_verify_comes_to_the_same_end(pruned: Any) -> None:
    here, account = pruned
    checked = here.json("verify", account["run"], "--sample", "10")
    assert (checked["checked"], checked["equal"]) == (10, 10)


def test_workers_and_kills_change_nothing(pruned: Any, cli: Any, ray_node: Any) -> None:
    # the other pruners, and any order of arrival: tests/unit/search/strategies/test_pruning.py
    _, serial = pruned
    (cli.folder / "space.toml").write_text(PULL)
    on_ray = ("--workers", "2", "--address", ray_node.address)
    killed = cli(*PRUNED, *on_ray, HELIOSTAT_FAULT="kill-after-commits=25")
    assert killed.returncode == -9, killed.stderr
    resumed = cli.json("resume", "last", *on_ray)
    assert (resumed["digest"], resumed["result"]) == (serial["digest"], serial["result"])
    assert resumed["replayed"] > 0


def test_another_reported_number_may_be_compared(pull: Any) -> None:
    (pull.folder / "curve.toml").write_text("noise = {low = 0.001, high = 0.9, log = true}\n")
    base = ("tune", "curve_fit", "-o", "population=5", "-o", "generations=3", "--space",
            "curve.toml", "--trials", "8", "--sampler", "random", "--pruner", "asha")  # fmt: skip
    refused = pull(*base, *SERIAL)
    assert refused.returncode == 2
    assert "prune_by = 'misfit'" in refused.stderr and "reported: best" in refused.stderr
    done = pull.json(*base, "--prune-by", "best", *SERIAL)
    assert done["result"]["pruned"] > 0


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One finished run over a conditional space: (command line, its account)."""
    made = InProcess(tmp_path_factory.mktemp("conditional"))
    (made.folder / "space.toml").write_text(PARTS)
    return made, made.json("tune", "tuned_table", "--space", "space.toml", "--trials", "24",
                           *SERIAL)  # fmt: skip


def test_a_field_is_there_while_its_condition_holds(conditional: Any) -> None:
    _, account = conditional
    found = [trial["params"] for trial in account["result"]["trials"]]
    for params in found:
        assert ("section.width" in params) == (params["mode"] == "exact")
        assert ("loss.gamma" in params) == (params["loss"] == "focal")
    assert {len(params) for params in found} == {3, 4, 5}
    assert account["result"]["failed"] == 0
    # the base: mode fast, cross entropy
    assert account["result"]["base"]["params"] == {
        "loss": "cross_entropy", "mode": "fast", "rate": 0.1,
    }  # fmt: skip


def test_what_is_not_there_stays_as_it_is(conditional: Any) -> None:
    import tomllib

    here, account = conditional
    params = account["result"]["best"]["params"]
    assert here("export", account["run"], "--product", "best.toml", "--output",
                "best.toml").returncode == 0  # fmt: skip
    config = tomllib.loads((here.folder / "best.toml").read_text())["config"]
    assert config["section"]["width"] == params.get("section.width", 3)
    assert config["mode"] == params["mode"]


def test_a_run_of_a_conditional_space_runs_again_from_its_file(conditional: Any) -> None:
    here, account = conditional
    path = here.runs / account["run"] / "config.toml"
    again = here.json("run", str(path), *SERIAL)
    assert (again["digest"], again["result"]) == (account["digest"], account["result"])


def test_a_study_and_a_report_show_what_was_there(conditional: Any) -> None:
    here, account = conditional
    view = RunView(RunFolder(here.runs / account["run"]))
    (study,) = studies(view)
    for theirs, ours in zip(study.trials, account["result"]["trials"], strict=True):
        assert set(theirs.params) == set(ours["params"])
    sections = {section.title: section.content for section in report(view)}
    plots = {part.title: part for part in sections["Parameters"] if isinstance(part, Plot)}
    there = [t["params"]["loss.gamma"] for t in account["result"]["trials"]
             if "loss.gamma" in t["params"]]  # fmt: skip
    assert list(plots["value by loss.gamma"].series[0].x) == there
    (table,) = [part for part in sections["Trials"] if isinstance(part, Table)]
    column = list(table.columns).index("loss.gamma")
    assert sum(row[column] != "" for row in table.rows) == len(there)


@pytest.mark.parametrize("sampler", ["qmc", "nsga2"])
def test_a_sampler_that_cannot_learn_of_them_says_so(sampler: str, here: Any) -> None:
    (here.folder / "space.toml").write_text(PARTS)
    done = here("tune", "tuned_table", "--space", "space.toml", "--trials", "3",
                "--sampler", sampler, *SERIAL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = f"{sampler} draws fields with a condition at random: loss.gamma, section.width"
    assert told in done.stderr


@pytest.mark.parametrize(("text", "field", "told"), [
    ('rate = {low = 0.1, high = 0.4, when = {mdoe = "fast"}}\nmode = {choices = ["fast", "exact"]}',
     "space.rate.when", "did you mean 'mode'"),
    ('rate = {low = 0.1, high = 0.4, when = {mode = "fat"}}\nmode = {choices = ["fast", "exact"]}',
     "space.rate.when.mode", "did you mean 'fast'"),
    ('rate = {low = 0.1, high = 0.4, when = {section.width = 99}}\n'
     'section.width = {low = 1, high = 9}', "space.rate.when.section.width", "from 1 to 9"),
    ('rate = {low = 0.1, high = 0.4, when = 3}', "space.rate.when", "a table"),
    ('rate = {when = {mode = "fast"}}\nmode = {choices = ["fast", "exact"]}',
     "space.rate", "a range needs low and high"),
    ('mode = {choices = ["fast", "exact"], when = {loss = "focal"}}\n'
     'loss = {choices = ["focal", "cross_entropy"], when = {mode = "fast"}}',
     "when", "circle"),
    ('loss.gamma = {low = 0.5, high = 2.0}', "space.loss.gamma", "focal_gamma"),
])  # fmt: skip
def test_a_condition_that_does_not_fit_is_refused(
    here: Any, text: str, field: str, told: str
) -> None:
    (here.folder / "space.toml").write_text(text)
    done = here("tune", "tuned_table", "--space", "space.toml", *SERIAL)
    assert done.returncode == 2, done.stderr
    assert field in done.stderr
    if told != "focal_gamma":
        assert told in done.stderr
    assert not list(Path(here.runs).glob("*"))


@pytest.mark.parametrize(("options", "field", "told"), [
    (("--stop-after", "2 weeks"), "--stop-after", "30min"),
    (("--stop-after", "0s"), "--stop-after", "greater than 0"),
    (("--patience", "0"), "--patience", "greater than or equal to 1"),
    (("--target", "nan"), "--target", "finite"),
    (("--pruner", "medain"), "--pruner", "did you mean 'median'"),
    (("--prune-by", "loss"), "--prune-by", "a pruner beside it"),
    (("--pruner", "asha", "--prune-factor", "1"), "--prune-factor", "2"),
    (("--pruner", "asha", "--prune-from", "0"), "--prune-from", "1"),
])  # fmt: skip
def test_bad_options_are_refused(pull: Any, options: Any, field: str, told: str) -> None:
    done = pull(*GROUPS, *options, *SERIAL)
    assert done.returncode == 2
    assert field in done.stderr and told in done.stderr


def test_several_objectives_are_not_given_up(here: Any) -> None:
    (here.folder / "space.toml").write_text("width = {low = 1, high = 64}\n")
    done = here("tune", "yield_and_cost", "--space", "space.toml", "--pruner", "asha", *SERIAL)
    assert done.returncode == 2 and "several objectives (yield, cost)" in done.stderr
