"""A virtual environment of its own for plugins, which sees what is installed here."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

OPTIONAL = Path(__file__).resolve().parents[2] / ".venv" / "mlflow"
"""What only an optional extra of an example plugin needs, kept apart from the suite's own."""


class PluginEnvironment:
    """Installs distributions and runs commands; nothing is downloaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.bin = folder / "venv" / "bin"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = folder / "venv" / "lib" / version / "site-packages"
        shared = sysconfig.get_paths()["purelib"]
        lines = [f"import site; site.addsitedir({shared!r})"]
        if OPTIONAL.exists():
            lines.append(str(OPTIONAL))
        (site / "_shared.pth").write_text("\n".join(lines) + "\n")
        # those of the present environment would start its own Python
        self._script("heliostat", f"exec {self.bin}/python -m heliostat.submit")
        pip = f"{sys.executable} -m pip --python {self.bin}/python"
        options = "--quiet --no-index --no-build-isolation --disable-pip-version-check"
        self._script("pip", f'verb="$1"; shift; exec {pip} "$verb" {options}')

    def _script(self, name: str, line: str) -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\n{line} "$@"\n')
        path.chmod(0o755)

    @property
    def variables(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HELIOSTAT_", "MLFLOW_"))}
        return {
            **kept,
            "PATH": os.pathsep.join([str(self.bin), os.environ["PATH"]]),
            "PYTHONPATH": "",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HELIOSTAT_CACHE": os.environ["HELIOSTAT_CACHE"],
        }

    def __call__(
        self, *command: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment; `cwd` is its folder unless given."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env={**self.variables, **environment},
            capture_output=True,
            text=True,
            timeout=240,
        )

    def has(self, module: str) -> bool:
        """Return whether a module can be imported there."""
        return self("python", "-c", f"import {module}").returncode == 0

    def install(self, *paths: Path) -> None:
        done = self("pip", "install", *map(str, paths))
        assert done.returncode == 0, done.stderr
