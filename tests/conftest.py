"""What every test may use: importable task modules, a clean environment, the command line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliostat.worker.instructions import hold

if TYPE_CHECKING:
    from command_line import CommandLine
    from in_process import InProcess

ROOT = Path(__file__).resolve().parent.parent
IMPORTABLE = [ROOT / "tests" / "tasks", ROOT / "examples"]

# Worker processes import tasks by name, so the folders go to this process and to its children.
for folder in IMPORTABLE:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*map(str, IMPORTABLE), *filter(None, [os.environ.get("PYTHONPATH")])]
)
# The arrays are small, and two test processes on two cores: threads that wait for each other cost
# ten times as much as the work. Set before any numerical library loads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Runs of this process and of those it starts are at one instruction level, whatever loads first.
hold()
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["HELIOSTAT_LOAD"] = "heliostat_teaching.plugin"
for name in ("HELIOSTAT_FAULT", "HELIOSTAT_RUNS", "HELIOSTAT_DEBUG", "HELIOSTAT_PLUGINS"):
    os.environ.pop(name, None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # so a shell starts what runs in the background, and commands that tests stop would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # so nohup starts what it runs
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
# Runs of the whole session, in all its processes, find each other's compiled kernels. What has to
# begin with an empty cache takes a folder of its own.
if not IS_WORKER:
    os.environ["HELIOSTAT_CACHE"] = tempfile.mkdtemp(prefix="heliostat-tests-")


def pytest_unconfigure() -> None:
    if not IS_WORKER:
        shutil.rmtree(os.environ["HELIOSTAT_CACHE"], ignore_errors=True)


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """The `heliostat` command with runs in a folder of this test."""
    from command_line import CommandLine

    command = CommandLine(tmp_path)
    yield command
    command.close()


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    """The same command in the test's process, for what needs no process of its own."""
    from in_process import InProcess

    return InProcess(tmp_path)


@pytest.fixture(scope="session")
def ray_node() -> Iterator[Any]:
    """One Ray node of two cores for all tests of this process; each run is a job of its own on it.

    A session costs five processes and as many seconds, so a test starts one of its own only where
    it is about starting, ending or damaging one.
    """
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    made = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    yield made
    made.shutdown()


@pytest.fixture
def root() -> Path:
    """The root folder of the repository."""
    return ROOT


@pytest.fixture
def python(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a Python program in the repository's root folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run
