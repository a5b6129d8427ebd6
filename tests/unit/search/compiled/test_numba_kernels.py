"""Stored machine code is used while no file of its group has changed, and never after."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heliostat.contract.instructions import (
    NATIVE,
    own_level,
    portable_variables,
    variables_to_set,
)
from heliostat_search.compiled import NumbaKernels
from heliostat_search.compiled.notice import SAID, Notice

FILES = """
from pathlib import Path
from heliostat_search.compiled import NumbaKernels
KERNELS = NumbaKernels(Path(__file__).parent, ("inner", "outer"))
"""
INNER = """
from files import KERNELS
def scaled(x):
    return 2.0 * x
scaled = KERNELS.dispatcher(scaled, forceinline=True)
"""
OUTER = """
from files import KERNELS
from inner import scaled
def plus_one(x):
    return scaled(x) + 1.0
lazy = KERNELS.dispatcher(plus_one)
eager = KERNELS.dispatcher(plus_one, "f8(f8)")
"""
PROGRAM = """
from outer import eager, lazy
assert eager.signatures and not lazy.signatures
print(eager(3.0), lazy(3.0), sum(eager.stats.cache_hits.values()))
"""


SAYING = """
import heliostat_search.compiled.notice as notice
notice.AFTER = 0.0
from outer import lazy
print(lazy(3.0))
"""


def test_compiling_is_said_once_and_loading_is_not(tmp_path: Path) -> None:
    for name, text in (("files", FILES), ("inner", INNER), ("outer", OUTER)):
        (tmp_path / f"{name}.py").write_text(text)
    first, second = (answers(tmp_path, SAYING, said=True) for _ in range(2))
    assert first == ("7.0", SAID + "\n")
    assert second == ("7.0", "")


def test_what_compiles_in_a_moment_is_not_said_and_the_rest_only_once() -> None:
    told: list[str] = []
    slow = Notice(1e6, told.append)
    slow.begin()
    slow.begin()  # what it calls
    slow.end()
    slow.end()
    assert told == [] and slow._timer is None
    quick = Notice(0.0, told.append)
    for _ in range(3):
        quick.begin()
        quick.end()
    assert told == [SAID]


def answers(folder: Path, program: str = PROGRAM, *, said: bool = False) -> Any:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return (done.stdout.strip(), done.stderr) if said else done.stdout.strip()


def test_an_edit_of_a_called_function_in_another_file_compiles_anew(tmp_path: Path) -> None:
    for name, text in (("files", FILES), ("inner", INNER), ("outer", OUTER)):
        (tmp_path / f"{name}.py").write_text(text)
    assert answers(tmp_path) == "7.0 7.0 0"
    assert answers(tmp_path) == "7.0 7.0 1"
    (tmp_path / "inner.py").write_text(INNER.replace("2.0 * x", "5.0 * x"))
    assert answers(tmp_path) == "16.0 16.0 0"


def test_a_module_that_is_not_named_cannot_compile(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text(INNER)
    kernels = NumbaKernels(tmp_path, ("inner",))
    with pytest.raises(RuntimeError, match="add it to the files with compiled code"):
        kernels.dispatcher(test_a_module_that_is_not_named_cannot_compile)


def test_the_fingerprint_follows_names_texts_and_the_instruction_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(f"{name} = 1\n")
    both = NumbaKernels(tmp_path, ("a", "b")).fingerprint
    assert NumbaKernels(tmp_path, ("b", "a")).fingerprint == both
    assert NumbaKernels(tmp_path, ("a",)).fingerprint != both
    other = {} if own_level() == NATIVE else dict.fromkeys(portable_variables(), "")
    for name, value in (other or variables_to_set()).items():
        monkeypatch.setenv(name, value)
    assert NumbaKernels(tmp_path, ("a", "b")).fingerprint != both
    monkeypatch.undo()
    (tmp_path / "b.py").write_text("b = 2\n")
    assert NumbaKernels(tmp_path, ("a", "b")).fingerprint != both


def test_importing_the_package_imports_no_numba() -> None:
    program = "import sys, heliostat_search.compiled; print({'numba', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_module_in_a_folder_below_counts(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "inner.py").write_text(INNER)

    def fingerprint() -> str:
        return NumbaKernels(tmp_path, ("inside.inner",)).fingerprint

    def scaled(x: float) -> float:
        return 2.0 * x

    before = fingerprint()
    scaled.__module__ = "package.inside.inner"
    NumbaKernels(tmp_path, ("inside.inner",)).dispatcher(scaled)
    scaled.__module__ = "package.other.inner"
    with pytest.raises(RuntimeError, match="add it to the files"):
        NumbaKernels(tmp_path, ("inside.inner",)).dispatcher(scaled)
    (tmp_path / "inside" / "inner.py").write_text(INNER.replace("2.0 * x", "5.0 * x"))
    assert fingerprint() != before
