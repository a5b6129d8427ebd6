"""What is recorded of a run, and that MLflow has it in the end."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from heliostat.contract import RunFolder, RunView

from heliostat_plugin_mlflow import plugin
from heliostat_plugin_mlflow.recording import LONGEST, MOST, Names, Point, parameters, points, tags

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
    assert list(points(view, Names())) == [Point("best", 0.5, 1), Point("0.1.cost _ 10_", 2.0, 1)]


def test_names_are_legal_and_never_one_for_two() -> None:
    names = Names()
    given = ["a b", "a@b", "a%b", "A@B", "../a", "/a", "a//b", "", ".", "x" * 300, "x" * 301]
    found = [names.legal(name) for name in given]
    assert found[:4] == ["a b", "a_b", "a_b_2", "A_B_3"]
    assert len({name.casefold() for name in found}) == len(given)
    for name in found:
        assert re.fullmatch(r"[A-Za-z0-9_.\-/ ]{1,250}", name)
        assert posixpath.normpath(name) == name and not name.startswith((".", "/"))
    assert [names.legal(name) for name in given] == found
    assert len(found[-2]) == LONGEST


def test_parameters_whose_names_differ_in_what_is_forbidden_are_all_there() -> None:
    assert parameters({"a%": 1, "a@": 2}) == {"a_": "1", "a__2": "2"}


def test_tags_name_the_run_and_the_digest_once_there_is_one() -> None:
    marks = SimpleNamespace(note="why", tags={"kind": "try"})
    view: Any = SimpleNamespace(id="r", method="m", seed=3, state="running", code="c",
                                digest=None, error="", marks=marks,
                                about=SimpleNamespace(on="wine"))  # fmt: skip
    found = tags(view)
    assert found["heliostat.run"] == "r"
    assert found["heliostat.on"] == "wine"
    assert found["heliostat.tag.kind"] == "try"
    assert found["mlflow.note.content"] == "why"
    assert not {"heliostat.digest", "heliostat.error"} & set(found)
    view.digest, view.error = "d", "e" * 600
    assert tags(view)["heliostat.digest"] == "d"
    assert len(tags(view)["heliostat.error"]) == MOST


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


def a_view(folder: Path) -> Any:
    """A run as the observer sees it, with a point that no server takes among good ones."""
    account = run(folder, MLFLOW_TRACKING_URI="")
    view = RunView(RunFolder(folder / "runs" / account["run"]))
    steps = [(1, 0.5), (2**70, 0.25), (3, 0.125)]  # a step has 64 bits
    view.metrics = lambda scope=None: {"mean": steps} if scope == () else {}  # type: ignore[assignment, method-assign]
    return view


def recorded(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("watched")
    (found,) = client.search_runs([experiment.experiment_id])
    return client, found


def test_mlflow_has_the_good_points_beside_a_bad_one_and_the_run_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    view = a_view(tmp_path)
    plugin.heliostat_run_started(view)
    with pytest.raises(RuntimeError, match="MLflow refused 1 values: "):
        plugin.heliostat_run_finished(view, None)
    client, found = recorded(uri)
    history = client.get_metric_history(found.info.run_id, "mean")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (3, 0.125)]
    assert found.info.status == "FINISHED"
    assert found.data.tags["heliostat.digest"] == view.digest


@pytest.mark.parametrize(
    ("state", "status"), [("failed", "FAILED"), ("interrupted", "KILLED"), ("paused", "KILLED")]
)
def test_mlflow_has_the_run_closed_with_its_tags_though_points_cannot_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, status: str
) -> None:
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(RunView, "state", property(lambda self: state))
    monkeypatch.setattr(RunView, "error", property(lambda self: "ValueError: no"))
    view = a_view(tmp_path)

    def broken(scope: Any = None) -> Any:
        raise OSError("the journal cannot be read")

    view.metrics = broken
    with pytest.raises(OSError, match="the journal cannot be read"):
        plugin.heliostat_run_finished(view, ValueError("no"))
    _, found = recorded(uri)
    assert found.info.status == status
    assert found.data.tags["heliostat.error"] == "ValueError: no"
    assert found.data.tags["heliostat.state"] == state
    assert view.id not in plugin._recorders
