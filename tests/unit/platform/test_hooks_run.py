"""A hook whose call would run nothing is refused when its plugin is loaded, with the reason."""

from __future__ import annotations

import types

import pytest

from heliostat import hookimpl
from heliostat.errors import PluginError
from heliostat.plugins.registry import Registry


def reason(name: str, function: object) -> str:
    """Return why a plugin with that implementation of a hook is refused; empty if it is not."""
    plugin = types.ModuleType("watcher")
    setattr(plugin, name, hookimpl(function))
    try:
        Registry().register(plugin, "watcher")
    except PluginError as error:
        return str(error)
    return ""


def yields(run: object) -> object:
    raise AssertionError("nobody gets here")
    yield


async def waits(run: object) -> None:
    raise AssertionError("nobody gets here")


async def both(run: object) -> object:
    yield run


@pytest.mark.parametrize(
    "hook", ["heliostat_run_started", "heliostat_batch_committed", "heliostat_run_finished"]
)
def test_an_observer_that_yields_is_refused(hook: str) -> None:
    assert reason(hook, yields) == (
        f"{hook} is a generator, whose lines nobody runs; write a plain function, without yield"
    )


@pytest.mark.parametrize("hook", ["heliostat_run_started", "heliostat_report_sections"])
@pytest.mark.parametrize("function", [waits, both])
def test_an_async_hook_is_refused(hook: str, function: object) -> None:
    assert reason(hook, function) == (
        f"{hook} is an async function, which nobody awaits; write a plain function"
    )


def test_offers_may_come_from_a_generator() -> None:
    assert reason("heliostat_report_sections", yields) == ""


def test_a_plain_observer_is_loaded() -> None:
    assert reason("heliostat_run_started", lambda run: None) == ""
