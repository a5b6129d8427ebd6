"""Two plugins that are distributions of their own, installed into an environment of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from plugin_environment import PluginEnvironment

METHOD, OBSERVER = "heliostat-plugin-feature-subset", "heliostat-plugin-mlflow"

SUITE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for name in (METHOD, OBSERVER):
        shutil.copytree(
            SUITE / "examples" / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> PluginEnvironment:
    environment = PluginEnvironment(tmp_path_factory.mktemp("environment"))
    environment.install(sources / METHOD, sources / OBSERVER)
    return environment


def test_both_are_found_by_their_entry_points(installed: PluginEnvironment) -> None:
    rows = json.loads(installed("heliostat", "plugins", "--json").stdout)
    found = {row["name"]: (row["distribution"], row["state"]) for row in rows}
    assert found["feature_subset"] == (METHOD, "loaded")
    assert found["mlflow"] == (OBSERVER, "loaded")


def test_the_method_passes_its_own_tests(installed: PluginEnvironment, sources: Path) -> None:
    done = installed(
        "python", "-m", "pytest", "-q", "-k", "not TestFeatureSubset", cwd=sources / METHOD
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_method_conforms(installed: PluginEnvironment) -> None:
    done = installed("heliostat", "plugins", "check", METHOD, "--no-ray")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken, 21 kept, 0 not judged" in done.stdout


@pytest.mark.ray
def test_the_method_gives_on_workers_what_it_gives_in_one_process(
    installed: PluginEnvironment,
) -> None:
    command = ("heliostat", "run", "feature_subset", "--preset", "smoke", "--json", "--workers")
    serial, parallel = (json.loads(installed(*command, w).stdout) for w in ("serial", "2"))
    assert parallel["digest"] == serial["digest"]
    assert parallel["result"] == serial["result"]
    report = installed.folder / parallel["report"]
    assert "Best subset of each generation" in report.read_text()


def test_what_the_method_found_is_a_data_set_for_other_methods(
    installed: PluginEnvironment,
) -> None:
    run = json.loads(
        installed("heliostat", "run", "feature_subset", "--preset", "smoke", "--json",
                  "-o", "dataset=wine", "--workers", "serial").stdout
    )  # fmt: skip
    program = (
        "import sys; from pathlib import Path\n"
        "from heliostat.contract.part import Dataset\n"
        "from heliostat.plugins.registry import registry\n"
        "from heliostat.contract import RunView, find\n"
        "view = RunView(find(sys.argv[1], Path('runs')))\n"
        "part = registry().method('feature_subset').products[0].build(view.product('selected'))\n"
        "assert isinstance(part, Dataset)\n"
        "print(part.name, part.inputs.shape[0], part.inputs.shape[1], part.inputs.dtype)\n"
    )
    done = installed("python", "-c", program, run["run"])
    size = str(len(run["result"]["features"]))
    assert done.stdout.split() == ["wine_selected", "178", size, "float32"], done.stderr


def test_the_observer_conforms(installed: PluginEnvironment) -> None:
    done = installed("heliostat", "plugins", "check", "mlflow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept    observer" in done.stdout


def test_the_observer_passes_its_own_tests(installed: PluginEnvironment, sources: Path) -> None:
    done = installed("python", "-m", "pytest", "-q", "-k", "not mlflow_has", cwd=sources / OBSERVER)
    assert done.returncode == 0, done.stdout[-3000:]


def test_mlflow_has_the_run_in_the_end(installed: PluginEnvironment, sources: Path) -> None:
    if not installed.has("mlflow"):
        pytest.skip("mlflow-skinny is not installed")
    done = installed("python", "-m", "pytest", "-q", "-k", "mlflow_has", cwd=sources / OBSERVER)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "6 passed" in done.stdout
