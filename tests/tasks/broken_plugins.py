"""Twenty broken distributions, twelve of them plugins, installed by writing files into a folder."""

from __future__ import annotations

import os
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

MALFORMED = {
    "words": (b"[console_scripts]\nno entry point\n", "line 2: 'no entry point'; expected [group]"),
    "header": (b"[console_scripts\nx = y\n", "line 1: '[console_scripts'; expected [group]"),
    "stray": (b"x = y\n[torch.backends]\nwords\n", "line 1: 'x = y' stands before any [group]"),
    "value": (b"[torch.backends]\nx = y !\n", "'x = y !'; expected name = module:object"),
    "mark": (b"\xef\xbb\xbf[pydantic]\nx = y\n", "it begins with a byte-order mark"),
    "binary": (b"[numba_extensions]\nx = \xff\n", "it is not UTF-8"),
    "folder": (None, "a folder stands in its place"),
    "link": (None, "it is a link that leads nowhere"),
}
"""Distributions that are no plugins: what stands in their file, and what has to be said of it."""
RUDE = """
import os
import sys
import numpy
from heliostat import hookimpl

def change():
    sys.setrecursionlimit(sys.getrecursionlimit() - 700)
    os.environ["OMP_NUM_THREADS"] = "7"
    numpy.seterr(all="raise")

change()

@hookimpl
def heliostat_batch_committed():
    change()
"""
"""An observer that changes what other code depends on, while it is imported and in a run."""
HANGS = "import time\ntime.sleep(3600)\n"


def module(name: str) -> str:
    return f"broken_{name}"


def install(folder: Path) -> None:
    """Put all twenty into a folder that is then on the path."""
    for name, broken in TWELVE.items():
        line = broken.declared.format(name=name, module=module(name))
        install_one(folder, name, broken.source, line, broken.group)
    for name, (content, _) in MALFORMED.items():
        install_malformed(folder, name, content)


def install_malformed(folder: Path, name: str, content: bytes | None) -> None:
    """Put a distribution into a folder whose entry points nobody can read."""
    folder.mkdir(parents=True, exist_ok=True)
    about = folder / f"malformed_{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: malformed_{name}\nVersion: 1.0\n")
    file = about / "entry_points.txt"
    if content is not None:
        file.write_bytes(content)
    elif name == "folder":
        file.mkdir()
    else:
        os.symlink(folder / "nowhere", file)


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
