"""Permanent names: one name, one thing, found in a process that never saw it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import plugin_tasks
import pytest

from heliostat import registry, stored, task
from heliostat.errors import EncodingError, ExecutionError, PluginError
from heliostat.values.canonical import decode, encode
from heliostat.values.names import has_task, module_of_task, task_name, task_named

Python = Callable[..., CompletedProcess[str]]


@task("names_test.draw")
def draw(item: int, ctx: object) -> int:
    return item


@stored("names_test.point")
@dataclass(frozen=True)
class Point:
    x: float


def test_both_directions() -> None:
    assert task_name(draw) == "names_test.draw"
    assert task_named("names_test.draw") is draw
    assert module_of_task("names_test.draw") == __name__
    assert encode(Point(0.5)) == '{"$object":["names_test.point",{"x":0.5}]}'
    assert decode(encode(Point(0.5))) == Point(0.5)


def test_a_task_without_a_name_goes_by_module_and_name() -> None:
    assert task_name(plugin_tasks.draw) == "plugin_tasks:draw"
    assert task_named("plugin_tasks:draw") is plugin_tasks.draw
    assert module_of_task("plugin_tasks:draw") == "plugin_tasks"


def other(item: int, ctx: object) -> int:
    return item


@dataclass(frozen=True)
class Other:
    """Something else."""


def test_one_name_for_two_things_is_refused_naming_both_places() -> None:
    with pytest.raises(PluginError) as caught:
        task("names_test.draw")(other)
    for place in ("'names_test.draw' is given twice", f"{__name__}:draw", f"{__name__}:other"):
        assert place in str(caught.value)
    with pytest.raises(PluginError) as caught:
        stored("names_test.point")(Other)
    for place in (f"{__name__}:Point", f"{__name__}:Other"):
        assert place in str(caught.value)
    assert task_named("names_test.draw") is draw


def test_two_names_for_one_thing_are_refused() -> None:
    with pytest.raises(PluginError, match=r"'names_test\.second' and 'names_test\.draw'"):
        task("names_test.second")(draw)
    assert not has_task("names_test.second")


@pytest.mark.parametrize("name", ["draw", "Names.draw", "names.", ".draw", "a.b c", "a:b", 3, ""])
def test_what_is_no_permanent_name_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(PluginError, match="is no permanent name; expected"):
        task(name)(other)


def test_a_decorator_without_its_name_says_what_to_write() -> None:
    with pytest.raises(PluginError, match=r'write @task\("my_method\.other"\)'):
        task(other)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match=r'write @stored\("my_method\.other"\)'):
        stored(Other)  # type: ignore[arg-type]


def test_a_plain_class_gets_no_name_since_nothing_of_it_could_be_stored() -> None:
    with pytest.raises(PluginError, match="write @stored above @dataclass"):
        stored("names_test.plain")(Plain)


class Plain:
    """No dataclass."""


def test_what_other_processes_cannot_find_gets_no_name() -> None:
    def inner(item: int, ctx: object) -> int:
        return item

    with pytest.raises(PluginError, match="define it at module level"):
        task("names_test.inner")(inner)


def test_a_name_that_nobody_has_is_an_error() -> None:
    with pytest.raises(ExecutionError, match=r"task nobody\.draws is not known here"):
        task_named("nobody.draws")
    with pytest.raises(EncodingError, match=r"'nobody\.point', a type that nothing here registers"):
        decode('{"$object":["nobody.point",{"x":1.0}]}')


TASKS = """
from dataclasses import dataclass
from heliostat import stored, task

@stored("kitchen.soup")
@dataclass(frozen=True)
class Soup:
    salt: int

@task("kitchen.taste")
def taste(item, ctx):
    return item.salt
"""
PLUGIN = """
from heliostat import MethodConfig, MethodSpec, hookimpl

class Config(MethodConfig):
    n: int = 1

def search(config, run):
    return 0

@hookimpl
def heliostat_methods():
    return [MethodSpec("kitchen", "cooks", "none", Config, search, names="{module}")]
"""


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin in a folder, whose names are registered by a module that nothing imports."""
    package = tmp_path / "kitchen"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN.replace("{module}", "kitchen.tasks"))
    (package / "tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("HELIOSTAT_LOAD", "kitchen.plugin")
    registry.cache_clear()
    yield package
    registry.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "kitchen"]:
        del sys.modules[name]


def test_an_unknown_name_is_looked_for_where_its_owner_says(kitchen: Path, python: Python) -> None:
    program = (
        "from heliostat import registry\n"
        "from heliostat.values.canonical import decode, encode\n"
        "from heliostat.values.names import task_named\n"
        "import sys\n"
        "registry()\n"
        """text = '{"$object":["kitchen.soup",{"salt":3}]}'\n"""
        "assert 'kitchen.tasks' not in sys.modules\n"
        "assert encode(decode(text)) == text\n"
        "print(task_named('kitchen.taste')(decode(text), None))\n"
    )
    done = python("-c", program)
    assert done.stdout == "3\n", done.stderr


def test_a_file_that_moves_leaves_names_as_they_are(kitchen: Path, python: Python) -> None:
    (kitchen / "tasks.py").rename(kitchen / "cooking.py")
    (kitchen / "plugin.py").write_text(PLUGIN.replace("{module}", "kitchen.cooking"))
    program = (
        "from heliostat import registry\n"
        "from heliostat.values.canonical import decode\n"
        "registry()\n"
        """print(decode('{"$object":["kitchen.soup",{"salt":3}]}'))\n"""
    )
    done = python("-c", program)
    assert done.stdout == "Soup(salt=3)\n", done.stderr


def test_a_module_that_is_loaded_again_keeps_its_names(kitchen: Path) -> None:
    tasks = importlib.import_module("kitchen.tasks")
    text = encode(tasks.Soup(3))
    again = importlib.reload(tasks)
    assert type(decode(text)) is again.Soup
    assert task_named("kitchen.taste") is again.taste


def test_the_core_owns_its_own_names(python: Python) -> None:
    program = (
        "from heliostat import registry\n"
        "from heliostat.values.canonical import decode\n"
        "registry()\n"
        """print(decode('{"$object":["heliostat.part_ref",{"kind":"","name":"a","params":{}}]}'))"""
    )
    done = python("-c", program)
    assert done.stdout == "PartRef(name='a', params={}, kind='')\n", done.stderr


def test_a_misspelt_module_of_names_is_told_as_the_plugin_s(kitchen: Path, python: Python) -> None:
    (kitchen / "plugin.py").write_text(PLUGIN.replace("{module}", "kitchen.no_such"))
    program = (
        "from heliostat import registry\n"
        "from heliostat.values.names import task_named\n"
        "registry()\n"
        "task_named('kitchen.taste')\n"
    )
    done = python("-c", program)
    assert "method kitchen: names = 'kitchen.no_such' cannot be imported" in done.stderr


def test_a_run_whose_names_cannot_be_imported_does_not_begin(
    kitchen: Path, python: Python, tmp_path: Path
) -> None:
    (kitchen / "plugin.py").write_text(PLUGIN.replace("{module}", "kitchen.no_such"))
    done = python("-m", "heliostat.submit", "run", "kitchen", "--runs", str(tmp_path / "runs"))
    assert done.returncode == 3, done.stderr
    assert "names = 'kitchen.no_such' cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("where", ["plugin", "tasks"])
def test_nobody_takes_a_name_that_belongs_to_another_method(
    kitchen: Path, python: Python, where: str
) -> None:
    with (kitchen / f"{where}.py").open("a") as file:
        file.write("from heliostat import task\n@task('evomal.fry')\ndef fry(item, ctx): ...\n")
    program = (
        "from heliostat import registry\n"
        "from heliostat.errors import HeliostatError\n"
        "from heliostat.values.names import has_task\n"
        "try:\n"
        "    registry().method('kitchen')\n"
        "    registry().load_names('kitchen')\n"
        "except HeliostatError as error:\n"
        "    print(error)\n"
        "print(*(row.reason for row in registry().third_party()))\n"
        "print(has_task('evomal.fry'), has_task('evomal.train_loss'))\n"
    )
    done = python("-c", program)
    assert f"'evomal.fry' in kitchen.{where} begins with 'evomal'" in done.stdout
    assert "which is heliostat_methods.evomal's" in done.stdout
    assert done.stdout.endswith("False True\n")


def test_a_module_of_names_may_not_end_the_process(kitchen: Path, python: Python) -> None:
    (kitchen / "tasks.py").write_text("raise SystemExit('gone')\n")
    program = (
        "from heliostat import registry\n"
        "from heliostat.errors import HeliostatError\n"
        "from heliostat.values.canonical import decode\n"
        "registry()\n"
        "try:\n"
        """    decode('{"$object":["kitchen.soup",{"salt":3}]}')\n"""
        "except HeliostatError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = python("-c", program)
    assert "names = 'kitchen.tasks' cannot be imported: SystemExit: gone" in done.stdout, done


@pytest.mark.parametrize("method", ["evomal", "step_options", "tune"])
def test_the_module_that_a_method_names_registers_all_of_its_names(
    python: Python, method: str
) -> None:
    """A worker, or a reader of an old run, imports that module and no other."""
    program = (
        "import importlib, pkgutil\n"
        "from heliostat import registry\n"
        "from heliostat.values import names\n"
        f"prefixes = ('{method}.', 'search.')\n"
        "def known():\n"
        "    every = [*names._tasks.named, *names._types.named]\n"
        "    return {name for name in every if name.startswith(prefixes)}\n"
        f"registry().load_names('{method}')\n"
        "before = known()\n"
        f"package = importlib.import_module('heliostat_methods.{method}')\n"
        "for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(sorted(known() - before))\n"
    )
    done = python("-c", program)
    assert done.stdout == "[]\n", done.stderr
