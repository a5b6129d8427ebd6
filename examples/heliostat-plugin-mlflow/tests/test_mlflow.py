"""What is recorded of a run, and that MLflow has it in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat_plugin_mlflow.recording import MOST, Point, parameters, points, tags

WATCHED = "heliostat_kit.watched"
METHOD = ("watched", "--seed", "3", "--workers", "serial")


def heliostat(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heliostat.submit", *arguments, "--json"],
        cwd=folder,
        check=False,
        env={
            **os.environ,
            "HELIOSTAT_RUNS": str(folder / "runs"),
            "HELIOSTAT_LOAD": ",".join(filter(None, [os.environ.get("HELIOSTAT_LOAD"), WATCHED])),
            **environment,
        },
        capture_output=True,
        text=True,
    )


def run(folder: Path, **environment: str) -> dict[str, Any]:
    done = heliostat(folder, "run", *METHOD, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_nested_configuration_becomes_flat_text() -> None:
    config = {"rate": 0.5, "model": {"name": "mlp", "hidden": [2, 3]}, "empty": {}}
    assert parameters(config) == {
        "rate": "0.5",
        "model.name": "mlp",
        "model.hidden": "[2, 3]",
        "empty": "{}",
    }


def test_long_values_are_cut_to_what_a_server_takes() -> None:
    (text,) = parameters({"x": "a" * 600}).values()
    assert len(text) == MOST
    assert text.endswith("...")


def test_metrics_of_sub_searches_carry_their_key_and_nan_is_left_out() -> None:
    values = {
        (): {"best": [(1, 0.5), (2, float("nan"))]},
        (0, 1): {"cost @ 10%": [(1, 2.0)]},
    }
    view: Any = SimpleNamespace(scopes=lambda: list(values), metrics=values.__getitem__)
    assert list(points(view)) == [Point("best", 0.5, 1), Point("0.1.cost _ 10_", 2.0, 1)]


def test_tags_name_the_run_and_the_digest_once_there_is_one() -> None:
    view: Any = SimpleNamespace(id="r", method="m", seed=3, state="running", code="c", digest=None)
    assert tags(view)["heliostat.run"] == "r"
    assert "heliostat.digest" not in tags(view)
    view.digest = "d"
    assert tags(view)["heliostat.digest"] == "d"


def test_without_a_tracking_address_nothing_is_recorded(tmp_path: Path) -> None:
    account = run(tmp_path, MLFLOW_TRACKING_URI="")
    assert account["observer_failures"] == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


def test_a_server_that_is_away_changes_no_result(tmp_path: Path) -> None:
    alone = run(tmp_path, MLFLOW_TRACKING_URI="")
    away = run(tmp_path, MLFLOW_TRACKING_URI="no-such-scheme://nowhere")
    assert away["digest"] == alone["digest"]
    assert away["result"] == alone["result"]
    assert away["observer_failures"]


def test_mlflow_has_parameters_metrics_digest_and_state(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    account = run(tmp_path, MLFLOW_TRACKING_URI=uri)
    assert account["observer_failures"] == {}
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("watched")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.tags["heliostat.run"] == account["run"]
    assert found.data.tags["heliostat.digest"] == account["digest"]
    assert sorted(found.data.metrics) == ["3.0.value", "mean"]
    steps = [point.step for point in client.get_metric_history(found.info.run_id, "mean")]
    assert steps == [1, 2, 3]


def test_mlflow_has_one_run_for_a_run_that_was_killed_and_resumed(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    fault = {"MLFLOW_TRACKING_URI": uri, "HELIOSTAT_FAULT": "kill-after-commits=5"}
    assert heliostat(tmp_path, "run", *METHOD, **fault).returncode == -9
    resume = heliostat(tmp_path, "resume", "last", "--workers", "serial", MLFLOW_TRACKING_URI=uri)
    assert resume.returncode == 0, resume.stderr
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("watched")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.tags["heliostat.digest"] == json.loads(resume.stdout)["digest"]
