"""The `heliostat` command in the test's process, for what needs no process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


class InProcess:
    """Runs `heliostat` here, with runs in a folder of this test and the tests' methods."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.load = ",".join(["heliostat_teaching.plugin", "heliostat_test_methods", *more])
        self.runs = folder / "runs"

    def __call__(self, *arguments: str) -> Ended:
        from heliostat.cli.main import run
        from heliostat.plugins.registry import registry

        before = dict(os.environ)
        os.environ |= {
            "HELIOSTAT_LOAD": self.load,
            "HELIOSTAT_PLUGINS": "none",
            "HELIOSTAT_RUNS": str(self.runs),
        }
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        registry.cache_clear()
        try:
            with (
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = run(list(arguments))
        finally:
            registry.cache_clear()
            os.environ.clear()
            os.environ |= before
        texts = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
        return Ended(code, *texts)

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed and print one JSON value and nothing else."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
