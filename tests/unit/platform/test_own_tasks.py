"""Which functions are a run's own tasks, told without calling any."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.driver.own_tasks import check_tasks
from heliostat.errors import StoreError

METHOD = """
import os
import shutil
from shutil import rmtree

import numpy as np
import outside_tasks
from outside_single import lone

import heliostat
"""
TASKS = """
from functools import lru_cache, wraps
from shutil import rmtree

from heliostat import TaskContext


def task(item, ctx):
    return item


def by_annotation(item, c: "TaskContext"):
    return item


def with_defaults(item, ctx, more=1, *, most=2):
    return item


def traced(function):
    @wraps(function)
    def inner(*arguments):
        return function(*arguments)

    return inner


@traced
def wrapped(item, ctx):
    return item


def remove(path, quietly):
    raise AssertionError("called")


def three(item, ctx, needed):
    return item


def one(item):
    return item


class Kind:
    def __init__(self, item, ctx):
        raise AssertionError("called")


alias = task
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A method's package, loaded, and two modules beside it that it uses, or one function of."""
    (tmp_path / "owned").mkdir()
    (tmp_path / "owned" / "__init__.py").write_text("")
    (tmp_path / "owned" / "__main__.py").write_text("raise AssertionError('imported')")
    (tmp_path / "owned" / "method.py").write_text(METHOD)
    for name in ("owned/tasks", "outside_tasks", "outside_single", "unused_tasks"):
        (tmp_path / f"{name}.py").write_text(TASKS + "\n\ndef lone(item, ctx):\n    return item\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = {*sys.modules}
    __import__("owned.method")
    yield ["heliostat", "owned"]  # type: ignore[misc]
    for name in {*sys.modules} - before:
        if name.partition(".")[0] in ("owned", "outside_tasks", "outside_single", "unused_tasks"):
            del sys.modules[name]


def check(name: str, packages: list[str]) -> None:
    view: Any = SimpleNamespace(id="20200101-000000-own-abcd", method="own")
    check_tasks(view, [name], packages)


@pytest.mark.parametrize(
    "name",
    [
        "owned.tasks:task",
        "owned.tasks:by_annotation",
        "owned.tasks:with_defaults",
        "owned.tasks:wrapped",
        "outside_tasks:task",
        "outside_single:lone",
    ],
)
def test_tasks_of_the_method_and_of_what_it_uses_are_its_own(
    packages: list[str], name: str
) -> None:
    check(name, packages)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("owned.tasks:remove", "TaskContext"),
        ("owned.tasks:three", "TaskContext"),
        ("owned.tasks:one", "TaskContext"),
        ("owned.tasks:Kind", "no function of that module"),
        ("owned.tasks:rmtree", "no function of that module"),
        ("owned.tasks:nothing", "no function of that module"),
        ("owned.nowhere:task", "cannot be imported"),
        ("owned.__main__:task", "no name of a function"),
        ("owned.tasks:Kind.__init__", "no name of a function"),
        ("outside_single:task", "outside the packages"),
        ("unused_tasks:task", "outside the packages"),
        ("ownedtasks:task", "outside the packages"),
        ("shutil:rmtree", "outside the packages"),
        ("os:system", "outside the packages"),
        ("numpy:save", "no function of that module"),
    ],
)
def test_any_other_function_is_refused_by_name_and_run(
    packages: list[str], name: str, why: str
) -> None:
    with pytest.raises(StoreError, match=why) as caught:
        check(name, packages)
    assert name in str(caught.value)
    assert "20200101-000000-own-abcd" in str(caught.value)
    assert "unused_tasks" not in sys.modules
