"""Twelve broken plugins as distributions that are installed by writing files into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MARKED = "from heliostat import hookimpl\n@hookimpl\n"
METHOD = """
from heliostat import MethodConfig, MethodSpec, hookimpl

class Config(MethodConfig):
    pass

def search(config, run):
    return 1

@hookimpl
def heliostat_methods():
    return [MethodSpec({name!r}, "a method", "none", Config, search)]
"""
RAISES_LATER = """
import random
import sys
import numpy
from heliostat import hookimpl

print("a plugin that talks while it is imported")
random.seed(1)
numpy.random.seed(1)

@hookimpl
def heliostat_run_started(run):
    sys.exit("an observer that wants to leave")

@hookimpl
def heliostat_batch_committed(run, outcomes):
    raise RuntimeError("an observer that fails")

@hookimpl
def heliostat_run_finished():
    raise KeyError("an observer that fails at the end")

@hookimpl
def heliostat_report_sections(run):
    return "no section"
"""


@dataclass(frozen=True)
class Broken:
    """A plugin's source, what its row has to say, and how its distribution declares it."""

    source: str
    state: str
    reason: str
    declared: str = "{name} = {module}"
    group: str = "heliostat.plugins.v1"


TWELVE = {
    "raises": Broken("raise RuntimeError('no luck')", "failed", "RuntimeError: no luck"),
    "exits": Broken("import sys\nsys.exit(3)", "failed", "SystemExit: 3"),
    "imports": Broken("import module_that_is_not_there", "failed", "ModuleNotFoundError"),
    "syntax": Broken("def broken(:", "failed", "SyntaxError"),
    "attribute": Broken("", "failed", "no attribute 'nothing'", "{name} = {module}:nothing"),
    "malformed": Broken("", "failed", "expected module or module:object", "{name} = {module} !"),
    "argument": Broken(MARKED + "def heliostat_methods(wrong): return []", "failed", "wrong"),
    "misspelt": Broken(
        MARKED + "def heliostat_method(): ...", "failed", "did you mean 'heliostat_methods'?"
    ),
    "returns": Broken(
        MARKED + "def heliostat_methods(): return [1]",
        "failed",
        "heliostat_methods returned a int, not a MethodSpec",
    ),
    "duplicate": Broken(
        METHOD.format(name="evomal"), "failed", "method 'evomal' is offered by evomal already"
    ),
    "version": Broken(
        METHOD.format(name="ahead"),
        "incompatible",
        "written for 'heliostat.plugins.v2'",
        group="heliostat.plugins.v2",
    ),
    "observer": Broken(RAISES_LATER, "loaded", ""),
}


def module(name: str) -> str:
    return f"broken_{name}"


def install(folder: Path) -> None:
    """Put all twelve into a folder that is then on the path."""
    for name, broken in TWELVE.items():
        line = broken.declared.format(name=name, module=module(name))
        install_one(folder, name, broken.source, line, broken.group)


def install_one(
    folder: Path, name: str, source: str, line: str = "", group: str = "heliostat.plugins.v1"
) -> None:
    """Put one distribution into a folder; its module notes that it was imported."""
    folder.mkdir(parents=True, exist_ok=True)
    note = f"import pathlib; pathlib.Path({str(folder / f'imported-{name}')!r}).touch()\n"
    (folder / f"{module(name)}.py").write_text(note + source)
    about = folder / f"{module(name)}-1.{len(name)}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 1.{len(name)}\n"
    )
    (about / "entry_points.txt").write_text(f"[{group}]\n{line or f'{name} = {module(name)}'}\n")


def imported(folder: Path) -> list[str]:
    """Return which of them were imported by any process."""
    return sorted(path.name.removeprefix("imported-") for path in folder.glob("imported-*"))
