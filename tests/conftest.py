"""What every test may use: importable task modules, a clean environment, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_line import CommandLine

ROOT = Path(__file__).resolve().parent.parent
IMPORTABLE = [ROOT / "tests" / "tasks", ROOT / "examples"]

# Worker processes import tasks by name, so the folders go to this process and to its children.
for folder in IMPORTABLE:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [*map(str, IMPORTABLE), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["HELIOSTAT_LOAD"] = "heliostat_teaching.plugin"
for name in ("HELIOSTAT_FAULT", "HELIOSTAT_RUNS", "HELIOSTAT_DEBUG", "HELIOSTAT_PLUGINS"):
    os.environ.pop(name, None)


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The `heliostat` command with runs in a folder of this test."""
    from command_line import CommandLine

    return CommandLine(tmp_path)


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
            timeout=120,
        )

    return run
