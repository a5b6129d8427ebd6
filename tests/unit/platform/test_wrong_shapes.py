"""Hooks and tasks that could not be called as they are: told when they are loaded, in our words."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from heliostat import hookimpl
from heliostat.errors import MisuseError, PluginError
from heliostat.plugins.registry import Registry
from heliostat.values.names import checked_task, task

GOOD = """
from heliostat import hookimpl
@hookimpl
def heliostat_methods():
    return []
"""


def plugin(source: str) -> types.ModuleType:
    module = types.ModuleType("heliostat_shapes")
    exec(GOOD + source, module.__dict__)
    return module


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "@hookimpl\ndef heliostat_run_started(*, run): ...",
            "heliostat_run_started takes run by keyword only, and hooks are given plain arguments; "
            "leave out the '*': the arguments of heliostat_run_started are: run",
        ),
        (
            "@hookimpl\ndef heliostat_batch_committed(run, outcome): ...",
            "heliostat_batch_committed has no argument 'outcome'; did you mean 'outcomes'? "
            "the arguments of heliostat_batch_committed are: run, outcomes",
        ),
        (
            "@hookimpl\ndef heliostat_parts(run): ...",
            "heliostat_parts has no argument 'run'; heliostat_parts has no arguments",
        ),
        (
            "@hookimpl\ndef heliostat_run_started(run=None): ...",
            "heliostat_run_started gives run a default, which it would always have",
        ),
        (
            "@hookimpl\nasync def heliostat_run_finished(run): ...",
            "heliostat_run_finished is an async function",
        ),
        ("def heliostat_run_start(run): ...", "heliostat_run_start is no hook; did you mean "
         "'heliostat_run_started', with @heliostat.hookimpl above it?"),
        ("def heliosat_parts(): ...", "heliosat_parts is no hook; did you mean 'heliostat_parts'"),
        ("def heliostat_parts(): ...", "heliostat_parts is not marked"),
        ("@hookimpl\ndef heliostat_part(): ...", "no hook 'heliostat_part'; did you mean"),
    ],
)  # fmt: skip
def test_a_hook_of_the_wrong_shape_is_told_at_load(source: str, words: str) -> None:
    with pytest.raises(PluginError) as refused:
        Registry().register(plugin(source), "shapes")
    assert words in str(refused.value)
    assert "hookimpl definition" not in str(refused.value)  # pluggy's own text


@pytest.mark.parametrize(
    "source",
    [
        "@hookimpl\ndef heliostat_run_started(): ...",
        "@hookimpl\ndef heliostat_run_finished(error, run): ...",
        "@hookimpl\ndef heliostat_run_started(run, mine=1): ...",
        "def heliostat_helper(): ...",
        "def heliostat_report_title(): ...",
    ],
)
def test_hooks_that_name_fewer_arguments_and_other_functions_are_let_be(source: str) -> None:
    Registry().register(plugin(source), "shapes")


def test_an_instance_is_a_plugin_as_well() -> None:
    class Plugin:
        @hookimpl
        def heliostat_run_started(self, run: Any) -> None: ...

    Registry().register(Plugin(), "instance")


async def awaited(item: int, ctx: Any) -> int:
    return item


def yielding(item: int, ctx: Any) -> Iterator[int]:
    yield item


def by_keyword(item: int, *, ctx: Any) -> int:
    return item


def of_one(item: int) -> int:
    return item


def plain(item: int, ctx: Any, more: int = 1) -> int:
    return item


WRONG = [
    (awaited, "which is async, and nobody awaits it"),
    (yielding, "which is a generator, and nobody runs its lines"),
    (by_keyword, "which cannot be called with an item and a context"),
    (of_one, "which cannot be called with an item and a context"),
]


@pytest.mark.parametrize(("function", "words"), WRONG)
def test_a_task_of_the_wrong_shape_is_told_where_it_is_named(function: Any, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        task("shapes.task")(function)


@pytest.mark.parametrize(("function", "words"), WRONG)
def test_one_without_a_permanent_name_is_told_at_its_first_call(
    function: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    with pytest.raises(MisuseError, match=words):
        checked_task(function)


def test_a_plain_task_passes() -> None:
    assert checked_task(plain) == f"{__name__}:plain"
