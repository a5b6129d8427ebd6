"""Writing a plugin's files; all of them or none."""

from __future__ import annotations

import shutil
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from heliostat.errors import ConfigError
from heliostat_kit.scaffold.names import Names

_SUFFIX = ".txt"
"""Templates end with it, so that no tool takes them for what they become."""


def write(names: Names, parent: Path) -> list[Path]:
    """Write the distribution into a new folder of `parent`, return its files by path.

    Raises ConfigError when the folder exists or cannot be made.
    """
    folder = parent / names.distribution
    if folder.exists() or folder.is_symlink():
        expected = "a folder that does not exist yet"
        raise ConfigError("folder", str(folder), expected, "remove it, or choose another NAME")
    partial = parent / f".{names.distribution}.part"
    try:
        for path, text in sorted(texts(names).items()):
            target = partial / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        expected = "a folder that can be written to"
        raise ConfigError("--folder", str(parent), expected, str(error.strerror)) from error
    return sorted(path for path in folder.rglob("*") if path.is_file())


def texts(names: Names) -> dict[str, str]:
    """Return the files' contents by their paths in the distribution."""
    values = {
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "klass": names.klass,
    }
    template = resources.files("heliostat_kit.scaffold") / "template"
    found: dict[str, str] = {}
    new_names = {"gitignore": ".gitignore", "tests/test_plugin.py": f"tests/test_{names.name}.py"}
    for path, file in _files(template, ""):
        path = path.removesuffix(_SUFFIX).replace("src/package/", f"src/{names.package}/")
        text = Template(file.read_text(encoding="utf-8")).substitute(values)
        found[new_names.get(path, path)] = text
    return found


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            found.append((f"{prefix}{entry.name}", entry))
    return found
