"""The command line: data on standard output, exit codes, the nearest valid choice, no traceback."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import Ended, InProcess
from journal_rows import any_outcome


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A folder with two runs of `everything` and one of `group_means`, for tests that look."""
    here = InProcess(tmp_path_factory.mktemp("finished"))
    for arguments in (["everything"], ["everything", "--seed", "1"], ["group_means"]):
        here.json("run", *arguments, "--workers", "serial")
    return here


def assert_user_error(
    done: Ended | subprocess.CompletedProcess[str], code: int, *parts: str
) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    for part in parts:
        assert part in done.stderr


def name_of(here: InProcess, method: str, seed: int = 0) -> str:
    return next(r["run"] for r in here.json("ls") if (r["method"], r["seed"]) == (method, seed))


def test_run_prints_the_documented_account(finished: InProcess) -> None:
    account = finished.json("run", "count", "--workers", "serial", "-o", "rounds=1")
    assert {
        "run",
        "method",
        "seed",
        "digest",
        "result",
        "outcomes",
        "failures",
        "seconds",
        "evaluated",
        "replayed",
        "attempts",
        "workers",
        "environment",
    } <= account.keys()
    assert (account["outcomes"], account["evaluated"], account["replayed"]) == (5, 5, 0)
    assert sum(w["items"] for w in account["workers"]) == 5


def test_what_tasks_print_stays_out_of_the_json(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    done = cli("run", "talkative", "--workers", "serial", "--json")
    assert json.loads(done.stdout)["result"] == "said by the task"
    assert "said by the search" in done.stderr
    assert "said by the task\n" in done.stderr
    checked = cli("verify", "last", "--json")
    assert json.loads(checked.stdout)["equal"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls"],
        ["ls", "--method", "everything"],
        ["methods"],
        ["methods", "describe", "group_means"],
        ["parts"],
        ["parts", "loss"],
        ["plugins"],
        ["config", "show", "group_means"],
        ["config", "show", "group_means", "--preset", "smoke"],
        ["show", "RUN"],
        ["show", "RUN", "0.3"],
        ["show", "RUN", "1.1"],
        ["compare", "RUN", "OTHER"],
        ["report", "RUN"],
        ["verify", "RUN", "--sample", "5"],
    ],
    ids=" ".join,
)
def test_every_reading_verb_prints_json(finished: InProcess, arguments: list[str]) -> None:
    names = {"RUN": name_of(finished, "everything"), "OTHER": name_of(finished, "everything", 1)}
    assert finished.json(*(names.get(a, a) for a in arguments))


def test_every_reading_verb_also_speaks_to_people(finished: InProcess) -> None:
    run = name_of(finished, "everything")
    for arguments in (["ls"], ["methods"], ["plugins"], ["show", run], ["compare", run, run]):
        done = finished(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
        assert "\x1b" not in done.stdout


def test_ten_lines_of_python_recompute_the_digest_from_the_export(finished: InProcess) -> None:
    for row in finished.json("ls"):
        done = finished("export", row["run"], "--jsonl")
        total = hashlib.sha256()
        for line in done.stdout.splitlines():
            o = json.loads(line)
            if not o["observed"]:
                kind = o["failure"] and o["failure"]["kind"]
                parts = [o["key"], o["function"], o["item"], o["shared"], o["value"], kind]
                total.update((json.dumps(parts, separators=(",", ":")) + "\n").encode())
        assert total.hexdigest() == row["digest"]


def test_metrics_are_exported_as_csv(finished: InProcess) -> None:
    done = finished("export", name_of(finished, "everything"), "--csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["scope", "step", "name", "value"]
    assert ["", "1", "mean"] in [row[:3] for row in rows]
    assert len(rows) == 6


def test_a_product_is_exported_as_it_is(finished: InProcess, tmp_path: Path) -> None:
    run, target = name_of(finished, "group_means"), tmp_path / "center.json"
    assert finished("export", run, "--product", "center", "--output", str(target)).returncode == 0
    assert json.loads(target.read_text())["$array"][:2] == ["<f8", [3]]
    assert_user_error(finished("export", run, "--product", "centre"), 5, "did you mean 'center'")


def test_a_reader_that_stops_early_is_no_error(finished: InProcess) -> None:
    cli = CommandLine(finished.folder)
    command = subprocess.list2cmdline(
        cli.command("export", name_of(finished, "everything"), "--jsonl")
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1 > /dev/null; echo ${{PIPESTATUS[0]}}"],
        env=cli.environment,
        cwd=cli.folder,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")


def test_verify_reproduces_every_outcome_byte_for_byte(finished: InProcess) -> None:
    for method in ("everything", "group_means"):
        account = finished.json("verify", name_of(finished, method))
        assert account["different"] == []
        assert account["equal"] == account["checked"] == account["of"] > 0


def test_compare_names_what_differs(finished: InProcess) -> None:
    first, second = name_of(finished, "everything"), name_of(finished, "everything", 1)
    account = finished.json("compare", first, second)
    assert account["equal"] is False
    assert account["seed"] == [0, 1]
    assert account["config"] == {}
    assert account["first_difference"] == "0.0"
    assert finished.json("compare", first, first)["equal"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["rum", "everything"], 2, ["'rum'", "did you mean 'run'"]),
        (["run", "everythin"], 2, ["everythin", "did you mean 'everything'"]),
        (["run", "everything", "--preset", "smok"], 2, ["smok", "did you mean 'smoke'"]),
        (["run", "everything", "-o", "sise=3"], 2, ["sise", "did you mean 'size'"]),
        (["run", "everything", "-o", "size=0"], 2, ["size = 0", "greater than or equal to 1"]),
        (["run", "everything", "-o", "size"], 2, ["key=value"]),
        (["run", "everything", "--sead", "3"], 2, ["--sead"]),
        (["run", "everything", "--seed", "-3"], 2, ["seed = -3", "non-negative"]),
        (["run", "everything", "--seed", "x"], 2, ["--seed"]),
        (["run", "everything", "--workers", "0"], 2, ["--workers", "serial"]),
        (["run", "everything", "--workers", "two"], 2, ["--workers", "'two'"]),
        (["run", "everything", "--workers", "²"], 2, ["--workers"]),
        (["run", "everything", "--lookahead", "0"], 2, ["lookahead"]),
        (["run", "everything", "--checkpoint-seconds", "-1"], 2, ["--checkpoint-seconds"]),
        (["run", "everything", "--checkpoint-seconds", "nan"], 2, ["--checkpoint-seconds"]),
        (["run", "count", "-o", f"rounds={'9' * 5000}"], 2, ["rounds = ", "a whole number"]),
        (["run", "everything", "--workers", "serial", "--address", "auto"], 2, ["--address"]),
        (["run", "reads_table", "-o", "loss=fokal"], 2, ["loss", "did you mean 'focal'"]),
        (["run", "reads_table", "-o", "data=csv:no.csv"], 2, ["no.csv"]),
        (["run", "reads_table", "-o", "loss=run:nothing"], 2, ["loss", "run:nothing"]),
        (["run", "missing.toml"], 2, ["missing.toml"]),
        (["run"], 2, ["METHOD"]),
        (["resume", "nothing"], 5, ["no run 'nothing'"]),
        (["show", "nothing"], 5, ["no run 'nothing'"]),
        (["show", "RUN", "a.b"], 2, ["numbers with dots"]),
        (["show", "RUN", "²"], 2, ["numbers with dots"]),
        (["show", "RUN", "99.99"], 2, ["99.99"]),
        (["parts", "los"], 2, ["did you mean 'loss'"]),
        (["methods", "describe"], 2, ["everything"]),
        (["methods", "describe", "everythin"], 2, ["did you mean 'everything'"]),
        (["config", "check", "missing.toml"], 2, ["missing.toml"]),
        (["run", "ends_badly", "--workers", "serial"], 1, []),
        (["run", "gives_a_function", "--workers", "serial"], 3, ["value['answer'][1]"]),
        (["run", "too_many_failures", "--workers", "serial"], 4, ["all 8 tasks", "never works"]),
        (["run", "wants_a_thousand_gpus", "--workers", "serial"], 4, ["gpus=1000"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else str(value),
)
def test_a_mistake_has_its_exit_code_and_names_the_way_out(
    finished: InProcess, arguments: list[str], code: int, parts: list[str]
) -> None:
    run = name_of(finished, "group_means")
    done = finished(*(run if a == "RUN" else a for a in arguments))
    if code == 1:
        assert done.returncode == 1
        assert "KeyError: 'a mistake in the method'" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    else:
        assert_user_error(done, code, *parts)


def test_debug_shows_the_traceback_of_a_bug(finished: InProcess) -> None:
    done = finished("--debug", "run", "ends_badly", "--workers", "serial")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_configuration_file_written_by_init_checks_and_runs(finished: InProcess) -> None:
    for method, preset in (("group_means", "smoke"), ("reads_table", "smoke")):
        path = finished.folder / f"{method}.toml"
        done = finished("config", "init", method, "--preset", preset, "--output", str(path))
        assert done.returncode == 0, done.stderr
        checked = finished.json("config", "check", str(path))
        assert checked["config"] == finished.json("config", "show", method, "--preset", preset)
        assert_user_error(
            finished("config", "init", method, "--output", str(path)), 5, "exists already"
        )
    account = finished.json(
        "run", str(finished.folder / "group_means.toml"), "--workers", "serial", "--seed", "4"
    )
    assert (account["method"], account["seed"]) == ("group_means", 4)


def test_a_mistake_in_a_file_names_the_file(cli: Any) -> None:
    path = cli.folder / "mine.toml"
    path.write_text('method = "group_means"\n[config]\nround = 3\n')
    assert_user_error(cli("run", str(path)), 2, "mine.toml", "round = 3", "did you mean 'rounds'")
    assert not cli.runs.exists() or not list(cli.runs.iterdir())


def test_one_damaged_run_does_not_hide_the_others(cli: Any) -> None:
    cli.here.json("run", "count", "-o", "rounds=1", "--workers", "serial", "--no-report")
    broken = cli.runs / "20260101-000000-broken-0000"
    broken.mkdir()
    (broken / "run.db").write_text("this is no database" * 100)
    assert "count" in {row["method"] for row in cli.here.json("ls")}
    assert cli("show", "broken").returncode == 5


def test_a_stopped_serial_run_exits_130_and_says_how_to_go_on(cli: Any) -> None:
    driver = cli.popen("run", "catches_everything", "--workers", "serial", "--json")
    until = time.monotonic() + 120
    while time.monotonic() < until and driver.poll() is None:
        if any_outcome(cli.runs):
            break
        time.sleep(0.05)
    driver.send_signal(signal.SIGINT)
    out, err = driver.communicate(timeout=60)
    assert (driver.returncode, out) == (130, "")
    assert f"heliostat resume {cli.only_run().name}" in err
    assert "Traceback" not in err


def test_a_script_may_define_its_method_and_start_it(cli: Any) -> None:
    (cli.folder / "notebook.py").write_text(
        "import heliostat_test_tasks as tasks\n"
        "from heliostat import MethodConfig, MethodSpec\n"
        "from heliostat.driver.start import Execution, start\n"
        "from pathlib import Path\n"
        "class Config(MethodConfig):\n    n: int = 3\n"
        "def search(config, run):\n"
        "    return [o.unwrap() for o in run.map(tasks.square, range(config.n))]\n"
        "method = MethodSpec('mine', 'by hand', 'none', Config, search)\n"
        "print(start(method, execution=Execution(workers=0, runs=Path('runs')))['result'])\n"
    )
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=cli.folder,
        env=cli.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[0, 1, 4]"


@pytest.mark.parametrize("name", ["study #1", "100%25", "two words"])
def test_runs_may_lie_in_a_folder_of_any_name(here: InProcess, name: str) -> None:
    runs = str(here.folder / name)
    here.json("run", "count", "-o", "rounds=1", "--workers", "serial", "--runs", runs)
    assert len(here.json("ls", "--runs", runs)) == 1
