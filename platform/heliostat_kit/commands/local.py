"""A plugin that is not installed: found in its folder or file, and made importable from here.

What an installer would record is written into a folder of its own, so the plugin is found the way
installed ones are, by this process and by those it starts.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from heliostat.driver.configuration import read_toml
from heliostat.errors import ConfigError, did_you_mean
from heliostat.names import GROUP
from heliostat.plugins.allowed import SELECT_VARIABLE
from heliostat.plugins.modules import find_module


@dataclass(frozen=True)
class Local:
    """A plugin's source: its distribution, entry points and the folder that holds its module."""

    distribution: str
    version: str
    entry_points: dict[str, str]
    root: Path


def find(path: Path) -> Local:
    """Return the plugin in a folder with a pyproject.toml, or in a module; raises ConfigError."""
    path = path.resolve()
    if (path / "pyproject.toml").is_file():
        return _distribution(path)
    if path.name == "pyproject.toml" and path.is_file():
        return _distribution(path.parent)
    module = path.stem if path.suffix == ".py" and path.is_file() else ""
    if (path / "__init__.py").is_file():
        module = path.name
    if not module.isidentifier():
        expected = "a folder with a pyproject.toml, a module or the name of an installed plugin"
        raise ConfigError("PATH", str(path), expected)
    return Local(module.replace("_", "-"), "0", {module: module}, path.parent)


def loaded(local: Local, names: Collection[str]) -> bool:
    """Return whether the plugin is what HELIOSTAT_LOAD names already; `names`: those of it."""
    for name, value in local.entry_points.items():
        found = find_module(value.partition(":")[0])
        origin = None if found is None else found.origin
        if name not in names or origin is None:
            return False
        if not Path(origin).resolve().is_relative_to(local.root):
            return False
    return True


def make_importable(local: Local, folder: Path) -> None:
    """Let this process and its children find the plugin; `folder` takes what is written for it.

    Changes the environment and the import path until the process ends.
    """
    record = folder / f"{re.sub(r'[-_.]+', '_', local.distribution)}-{local.version}.dist-info"
    record.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {local.distribution}\nVersion: {local.version}\n"
    (record / "METADATA").write_text(head, encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in local.entry_points.items())]
    (record / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for entry in (local.root, folder):
        sys.path.insert(0, str(entry))
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(entry), *filter(None, [before])])
    importlib.invalidate_caches()
    allow(list(local.entry_points))


def allow(names: list[str]) -> None:
    """Add plugins to the allow-list, if there is one: naming a plugin is leave to import it."""
    allowed = os.environ.get(SELECT_VARIABLE)
    if allowed is not None:
        kept = [] if allowed.strip() == "none" else [allowed]
        os.environ[SELECT_VARIABLE] = ",".join(filter(None, [*kept, *names]))


def _distribution(path: Path) -> Local:
    file = path / "pyproject.toml"
    project = read_toml(file).get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise ConfigError("project.name", None, "the distribution's name", "", str(file))
    groups = project.get("entry-points", {})
    entries = groups.get(GROUP) if isinstance(groups, dict) else None
    field = f'project.entry-points."{GROUP}"'
    if not isinstance(entries, dict) or not entries:
        hint = did_you_mean(GROUP, list(groups)) if groups else "there are no entry points"
        raise ConfigError(field, entries, "name = module of the plugin", hint, str(file))
    roots = [_root_of(path, str(value), file, field) for value in entries.values()]
    version = str(project.get("version", "0"))
    texts = {str(name): str(value) for name, value in entries.items()}
    return Local(project["name"], version, texts, roots[0])


def _root_of(path: Path, value: str, file: Path, field: str) -> Path:
    top = re.split(r"[.:\s]", value.strip(), maxsplit=1)[0]
    for root in (path / "src", path):
        if (root / top / "__init__.py").is_file() or (root / f"{top}.py").is_file():
            return root
    expected = f"a module in {path / 'src'} or {path}"
    raise ConfigError(field, value, expected, f"there is no {top}.py and no {top}/__init__.py",
                      str(file))  # fmt: skip
