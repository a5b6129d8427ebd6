"""The main job through the public command: killed anywhere, on any worker, the same result."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import killed_jobs
import pytest
from command_line import LIMIT_SECONDS, CommandLine
from in_process import InProcess
from journal_rows import rows

from heliostat.plugins.registry import registry
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView

SMOKE = ["run", "evomal", "--preset", "smoke", "--seed", "1", "--workers"]
KILLS = 8


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("main_job"))


@pytest.fixture(scope="module")
def here(cli: CommandLine) -> InProcess:
    return cli.here


@pytest.fixture(scope="module")
def first(cli: CommandLine) -> subprocess.CompletedProcess[str]:
    """A whole run, and drivers killed at each of its first commits."""
    done = subprocess.run(
        [sys.executable, killed_jobs.__file__, str(cli.folder), str(KILLS), *SMOKE, "serial"],
        cwd=cli.folder,
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.fixture(scope="module")
def whole(first: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    account: dict[str, Any] = json.loads(first.stdout)
    return account


@pytest.mark.parametrize("position", range(1, KILLS + 1))
def test_killed_at_any_commit_the_run_resumes_to_the_same_bits(
    here: InProcess, whole: dict[str, Any], position: int
) -> None:
    assert whole["outcomes"] > KILLS
    there = InProcess(here.folder / str(position))
    (killed,) = (there.folder / "runs").glob("2*")
    committed = len(rows(killed))  # at least: the last commit may have held two quick outcomes
    assert committed >= position
    resumed = there.json("resume", "last", "--workers", "serial")
    assert resumed["digest"] == whole["digest"]
    assert resumed["result"] == whole["result"]
    assert resumed["replayed"] == committed  # nothing committed is evaluated again
    assert resumed["evaluated"] == whole["outcomes"] - committed
    assert resumed["evaluated"] > 0


@pytest.mark.ray
def test_two_workers_share_the_work_and_verify_agrees(
    cli: CommandLine, here: InProcess, whole: dict[str, Any], ray_node: Any
) -> None:
    account = cli.json(*SMOKE, "2", "--address", ray_node.address)
    assert account["digest"] == whole["digest"]
    assert len(account["workers"]) == 2
    assert all(worker["items"] > 0 for worker in account["workers"])
    checked = here.json("verify", account["run"], "--sample", "20")
    assert checked["equal"] == checked["checked"] == min(20, whole["outcomes"])


def test_extending_the_generations_continues_the_search(
    here: InProcess, whole: dict[str, Any]
) -> None:
    started = here.json(*SMOKE, "serial", "-o", "generations=1")
    assert started["digest"] != whole["digest"]
    grown = here.json("resume", started["run"], "--workers", "serial", "-o", "generations=2")
    assert grown["replayed"] > 0
    first = grown["result"]["problems"][0]
    assert first["counts"] == whole["result"]["problems"][0]["counts"]
    assert first["best"] == whole["result"]["problems"][0]["best"]


def test_found_loss_trains_another_search(here: InProcess, whole: dict[str, Any]) -> None:
    account = here.json(*SMOKE, "serial", "-o", f"loss=run:{whole['run']}")
    rows = account["result"]["problems"][0]["comparison"]["losses"]
    assert rows[0]["label"] == f"run:{whole['run']}"
    same = next(row for row in rows if row["role"] in ("short", "found"))
    assert rows[0]["values"] == same["values"]  # the same loss, seeds and batches


def test_product_exports_as_json_and_as_a_torch_module(
    here: InProcess, whole: dict[str, Any]
) -> None:
    import torch

    from heliostat_methods.evomal.losses.expression import LossExpression

    done = here("export", whole["run"], "--product", "loss-diabetes")
    loss = LossExpression.from_dict(json.loads(done.stdout)["loss"])
    assert loss.to_dict() == whole["result"]["problems"][0]["short"]["loss"]
    outputs = torch.zeros(4, 1, requires_grad=True)
    loss.to_torch_module("regression")(outputs, torch.ones(4, 1)).backward()
    assert outputs.grad is not None


def test_terminal_shows_formulas_intervals_and_what_to_do_with_them(here: InProcess) -> None:
    shown = here(*SMOKE, "serial")
    assert shown.returncode == 0, shown.stderr[-2000:]
    for part in ("m(y, f) =", "95 % interval", "p of the t-test", "nor the search itself",
                 "always the mean", "RMSE", "report.html", "found_loss(", "trained with SGD",
                 "digest", "tasks"):  # fmt: skip
        assert part in shown.stdout


def test_report_is_one_file_with_the_plots(here: InProcess, whole: dict[str, Any]) -> None:
    folder = here.folder / whole["folder"]
    text = (folder / "report.html").read_text(encoding="utf-8")
    for part in ("Convergence of the search", "Complexity against fitness", "The loss m(y = 0, f)",
                 "during training", "How to reproduce", "Failures", "Environment"):  # fmt: skip
        assert part in text
    assert text.count("<svg") >= 4
    assert "<script" not in text


def test_classification_is_reported_with_both_curves(tmp_path: Path) -> None:
    account = InProcess(tmp_path).json(
        *SMOKE, "serial", "-o", "datasets=wine", "-o", "population=10"
    )
    problem = account["result"]["problems"][0]
    assert problem["metric"] == "error_rate"
    text = (tmp_path / account["folder"] / "report.html").read_text(encoding="utf-8")
    assert "m(y = 1, p)" in text
    assert "m(y = 0, p)" in text


def test_the_search_alone_loads_no_torch(first: subprocess.CompletedProcess[str]) -> None:
    """A run of closed-form models needs numba only; torch costs every worker a second."""
    assert "torch was loaded: False" in first.stderr


def test_view_of_a_run_names_every_product(here: InProcess, whole: dict[str, Any]) -> None:
    view = RunView(RunFolder(here.folder / whole["folder"]))
    assert [p["name"] for p in view.products()] == ["data-diabetes", "loss-diabetes"]
    assert registry().method(view.method).name == "evomal"
    view.close()
