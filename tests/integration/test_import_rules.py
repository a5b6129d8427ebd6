"""Who imports what: light help, one module with ray, no pickles, no shadowed `platform`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "ray", "deap", "optuna", "sympy", "numba", "matplotlib", "scipy", "sklearn")


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["resume", "--help"],
        ["ls", "--runs", "nowhere"],
        ["-h"],
        ["ui", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(python: Any, arguments: list[str]) -> None:
    done = python(
        "-c",
        "import sys\nfrom heliostat.cli.main import run\n"
        f"code = run({arguments!r})\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules], code)",
    )
    assert done.stdout.splitlines()[-1] == "heavy: [] 0", done.stdout + done.stderr


def test_help_loads_no_more_than_a_command_line_needs(python: Any) -> None:
    """Neither a method's description nor the metadata of a hundred distributions."""
    needless = ("pydantic", "numpy", "pluggy", "importlib.metadata", "traceback")
    done = python(
        "-c",
        "import sys\nfrom heliostat.cli.main import run\nrun(['--help'])\n"
        f"print('needless:', [m for m in {needless!r} if m in sys.modules])\n"
        "print('methods:', [m for m in sys.modules if m.startswith('heliostat_methods.')])",
        HELIOSTAT_LOAD="",
    )
    assert done.stdout.splitlines()[-2:] == ["needless: []", "methods: []"], done.stdout


def test_importing_heliostat_imports_nothing_heavy(python: Any) -> None:
    done = python(
        "-c",
        f"import heliostat, sys\nprint([m for m in {HEAVY!r} if m in sys.modules])",
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_what_a_method_says_of_itself_loads_nothing_heavy(python: Any) -> None:
    heavy = ("torch", "ray", "numba", "deap", "sympy", "optuna")
    done = python(
        "-c",
        "import heliostat_methods, importlib, sys\n"
        "for module in heliostat_methods.PLUGINS.values():\n"
        "    importlib.import_module(module)\n"
        f"print([m for m in {heavy!r} if m in sys.modules])",
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_no_file_of_the_core_names_a_method(root: Path) -> None:
    import heliostat_methods

    methods = {*heliostat_methods.METHODS} - {"tune"}  # which is a verb of the core as well
    for folder in ("heliostat", "heliostat_kit"):
        for path in sorted((root / "platform" / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            assert not [name for name in methods if name in text], path


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "import platform; print(platform.system(), platform.__file__)"],
        ["-m", "pytest", "--version"],
        ["-m", "pip", "--version"],
        ["-m", "platform"],
    ],
    ids=" ".join,
)
def test_the_root_folder_does_not_shadow_the_standard_library(
    python: Any, root: Path, arguments: list[str]
) -> None:
    for path in ("", str(root)):
        done = python(*arguments, PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
        assert str(root / "platform") not in done.stdout


def test_the_root_folders_are_no_packages(root: Path) -> None:
    for folder in ("platform", "search", "plugins", "tests"):
        assert not (root / folder / "__init__.py").exists()


def test_one_module_imports_ray(root: Path) -> None:
    found = [
        path.relative_to(root).as_posix()
        for folder in ("platform", "search", "plugins")
        for path in sorted((root / folder).rglob("*.py"))
        if {name.partition(".")[0] for name in imported_names(path)} & {"ray"}
    ]
    assert found == ["platform/heliostat/executors/ray/executor.py"]


def test_the_core_imports_no_method_and_no_search(root: Path) -> None:
    for path in sorted((root / "platform").rglob("*.py")):
        tops = {name.partition(".")[0] for name in imported_names(path)}
        assert not tops & {"heliostat_methods", "heliostat_search"}, path


def test_the_core_and_the_searches_never_pickle(root: Path) -> None:
    for folder in ("platform", "search"):
        for path in sorted((root / folder).rglob("*.py")):
            tops = {name.partition(".")[0] for name in imported_names(path)}
            assert not tops & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}, path
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in ("eval", "exec"), path


def test_a_run_folder_holds_no_pickle(cli: Any) -> None:
    cli.json("run", "everything", "--workers", "serial")
    run = cli.only_run()
    for path in run.rglob("*"):
        if path.is_file():
            start = path.read_bytes()[:4]
            # Origin: pickle protocols 2 to 5 begin with 0x80 and the protocol's number; torch.save
            # and npz files are zip archives.
            assert not (start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5"), path
            assert start != b"PK\3\4", path
