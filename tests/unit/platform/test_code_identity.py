"""A run is made by one version of its code: other code is noticed on resume, wherever it lies."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from heliostat.driver.resume import resume
from heliostat.driver.start import start
from heliostat.errors import IdentityChanged
from heliostat.executors.choice import Execution
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder, find
from heliostat.store.view import RunView
from heliostat.worker import fingerprint

PLUGIN = """
import pathlib
from heliostat import MethodConfig, MethodSpec, hookimpl
from {tasks} import draw

class Config(MethodConfig):
    n: int = 8

def search(config, run):
    found = [o.unwrap() for o in run.map(draw, range(config.n))]
    if not pathlib.Path({go!r}).exists():
        raise KeyError("stopped half-way")
    return found + [o.unwrap() for o in run.map(draw, range(config.n))]

@hookimpl
def heliostat_methods():
    return [MethodSpec("two_versions", "a method", "none", Config, search)]
"""
TASKS = "def draw(item, ctx):\n    return {factor} * float(ctx.rng().random())\n"
LAYOUTS = {
    "two modules": ("ly_plugin", "ly_tasks", []),
    "folder without __init__": ("ly_space.plugin", "ly_space.tasks", []),
    "nested plugin": (
        "ly_deep.hooks.plugin",
        "ly_deep.tasks",
        ["ly_deep/__init__.py", "ly_deep/hooks/__init__.py"],
    ),
    "flat package": ("ly_flat.plugin", "ly_flat.tasks", ["ly_flat/__init__.py"]),
    "tasks elsewhere": ("ly_own.plugin", "ly_other.tasks", ["ly_own/__init__.py"]),
}


class Layout:
    """A method in files of its own, whose search stops half-way until `go` is there."""

    def __init__(self, folder: Path, plugin: str, tasks: str, empty: list[str]) -> None:
        self.folder, self.plugin, self.tasks = folder, plugin, tasks
        for name in empty:
            self.write(name, "")
        self.write(self.file(plugin), PLUGIN.format(tasks=tasks, go=str(folder / "go")))
        self.version(factor=1)

    def file(self, module: str) -> str:
        return module.replace(".", "/") + ".py"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def version(self, factor: int) -> None:
        self.write(self.file(self.tasks), TASKS.format(factor=factor) + "#" * factor)

    def registry(self) -> Registry:
        for name in [name for name in sys.modules if name.startswith("ly_")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        registry = Registry()
        registry.register(importlib.import_module(self.plugin), "two_versions")
        return registry

    @property
    def execution(self) -> Execution:
        return Execution(workers=0, runs=self.folder / "runs", cache_dir=self.folder / "cache")

    def begin(self) -> RunFolder:
        registry = self.registry()
        with pytest.raises(KeyError):
            start(registry.method("two_versions"), execution=self.execution, plugins=registry)
        self.write("go", "")
        return find("last", self.folder / "runs")

    def go_on(self, folder: RunFolder, **options: Any) -> dict[str, Any]:
        return resume(folder, execution=self.execution, plugins=self.registry(), **options)


@pytest.fixture(params=list(LAYOUTS))
def layout(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Layout(tmp_path, *LAYOUTS[request.param])


def test_a_changed_task_is_refused_by_file_in_every_layout(layout: Layout) -> None:
    folder = layout.begin()
    layout.version(factor=1000)
    with pytest.raises(IdentityChanged, match=layout.tasks.rpartition(".")[2]) as caught:
        layout.go_on(folder)
    assert "--allow-code-change" in str(caught.value)


def test_a_changed_task_is_labelled_where_it_is_allowed(layout: Layout) -> None:
    folder = layout.begin()
    layout.version(factor=1000)
    account = layout.go_on(folder, allow_code_change=True)
    (label,) = account["labels"]
    assert "code changed during the run, first in " in label
    assert "tasks" in label
    assert layout.go_on(folder)["labels"] == [label]


def test_the_same_code_goes_on_without_a_word(layout: Layout) -> None:
    account = layout.go_on(layout.begin())
    assert (account["labels"], account["warnings"]) == ([], [])
    assert (account["replayed"], account["evaluated"]) == (8, 8)


def test_code_without_source_is_warned_of_and_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    layout = Layout(tmp_path, *LAYOUTS["two modules"])
    layout.write("go", "")
    registry = layout.registry()
    (tmp_path / "ly_tasks.py").unlink()
    (tmp_path / "ly_plugin.py").unlink()
    account = start(registry.method("two_versions"), execution=layout.execution, plugins=registry)
    assert account["labels"] == [
        "the code of ly_plugin is not part of the run's identity",
        "the code of ly_tasks is not part of the run's identity",
    ]
    assert len(account["warnings"]) == 2
    assert account["warnings"][0].startswith("no source of ly_plugin was found")


def test_libraries_with_a_recorded_version_are_not_hashed() -> None:
    modules = ["math", "numpy.linalg", "sklearn.svm", "heliostat_methods.evomal.search", "own.x.y"]
    assert fingerprint.packages_of(modules, ["heliostat_methods"]) == [
        "heliostat_methods.evomal",
        "own",
    ]


def test_native_sources_are_part_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "with_native_code"
    folder.mkdir()
    for name in ("__init__.py", "kernel.c", "kernel.cpp", "kernel.h", "notes.txt"):
        (folder / name).touch()
    assert [name.partition("/")[2] for name in fingerprint.sources(["with_native_code"])] == [
        "__init__.py", "kernel.c", "kernel.cpp", "kernel.h",
    ]  # fmt: skip


def install(folder: Path, version: str) -> None:
    for about in folder.glob("*.dist-info"):
        about.rename(folder / f"gone{about.name.replace('.dist-info', '')}")
    about = folder / f"two_versions-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: two-versions\nVersion: {version}\n"
    )
    text = "[heliostat.plugins.v1]\ntwo_versions = ly_plugin\n"
    (about / "entry_points.txt").write_text(text)


def test_the_refusal_names_the_distribution_that_began_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("HELIOSTAT_LOAD", "")
    monkeypatch.setenv("HELIOSTAT_PLUGINS", "two_versions")

    class Installed(Layout):
        def registry(self) -> Registry:
            super().registry()
            return Registry()

    layout = Installed(tmp_path, *LAYOUTS["two modules"])
    install(tmp_path, "1.0")
    folder = layout.begin()
    install(tmp_path, "2.0")
    layout.version(factor=7)
    with pytest.raises(IdentityChanged, match=r"two-versions 1\.0; here is two-versions 2\.0"):
        layout.go_on(folder)
    account = layout.go_on(folder, allow_code_change=True)
    assert account["plugins"] == [
        {"name": "two_versions", "distribution": "two-versions", "version": "2.0"}
    ]
    assert account["environment"]["versions"]["two-versions"] == "2.0"
    told = [text for _, kind, text in RunView(folder).events() if kind == "plugins"]
    assert told == ["loaded: two_versions 1.0", "loaded: two_versions 2.0"]


METHOD_FILES = {
    "__init__.py": "",
    "plugin.py": "from shown_method import report\n",
    "search.py": "from shown_method.tasks import draw\n",
    "tasks.py": "def draw(item, ctx): return item\n",
    "report.py": "WORDS = 1\n",
    "commands/__init__.py": "",
    "commands/show.py": "WORDS = 1\n",
}


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a method with a report and commands."""
    package = tmp_path / "shown_method"
    for name, text in METHOD_FILES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def test_what_only_shows_results_is_no_part_of_a_run_s_identity(method: Path) -> None:
    before = fingerprint.sources(["shown_method"])
    (method / "report.py").write_text("WORDS = 2\n")
    (method / "commands" / "show.py").write_text("WORDS = 2\n")
    assert fingerprint.sources(["shown_method"]) == before
    assert {name.rpartition("/")[2] for name in before} == {
        "__init__.py", "plugin.py", "search.py", "tasks.py"
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "from shown_method.report import WORDS",
        "from shown_method import report",
        "from shown_method import tasks, commands",
        "    import shown_method.commands.show",
        "from .report import WORDS",
        "from . import report",
    ],
)
def test_what_makes_results_out_of_a_report_takes_it_into_the_identity(
    method: Path, line: str
) -> None:
    (method / "search.py").write_text(f"{line}\n")
    before = fingerprint.fingerprint(fingerprint.sources(["shown_method"]))
    (method / "report.py").write_text("WORDS = 2\n")
    assert fingerprint.fingerprint(fingerprint.sources(["shown_method"])) != before


def test_a_file_that_moved_is_no_other_code(method: Path) -> None:
    before = fingerprint.sources(["shown_method"])
    (method / "deep").mkdir()
    (method / "tasks.py").rename(method / "deep" / "work.py")
    now = fingerprint.sources(["shown_method"])
    assert fingerprint.first_difference(before, now) is None
    assert fingerprint.fingerprint(before) == fingerprint.fingerprint(now)
    (method / "deep" / "work.py").write_text("def draw(item, ctx): return 2 * item\n")
    now = fingerprint.sources(["shown_method"])
    assert fingerprint.first_difference(before, now) == "shown_method/deep/work.py (new)"


def test_of_the_core_only_rooms_that_values_pass_through_count() -> None:
    rooms = {name.split("/")[1] for name in fingerprint.sources(["heliostat"])}
    assert rooms == {"values", "contract", "engine", "worker", "store"}
