"""A task is named by module and name; a name that leads to another function is refused."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import plugin_tasks
import pytest
from engine_runs import drive

from heliostat.errors import MisuseError
from heliostat.values.names import task_name


def test_a_wrapper_with_another_s_name_is_refused_before_anything_runs(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return run.map(plugin_tasks.ten, range(3))

    with pytest.raises(MisuseError) as caught:
        drive(search, tmp_path)
    told = str(caught.value)
    assert "task plugin_tasks:draw is another function than the one given here" in told
    assert "functools.wraps" in told and "put the decorator above the definition" in told


def test_a_decorated_task_runs_as_it_is_decorated(tmp_path: Path) -> None:
    done = drive(lambda run: run.map(plugin_tasks.decorated, range(2)), tmp_path)
    assert [o.value for o in done.result] == [10, 10]


def test_names_that_lead_back_are_returned() -> None:
    assert task_name(plugin_tasks.draw) == "plugin_tasks:draw"
    assert task_name(math.sqrt) == "math:sqrt"


class Unhashable(list[int]):
    """Something that is no function."""


@pytest.mark.parametrize("given", [None, "draw", partial(plugin_tasks.draw), Unhashable()])
def test_what_is_no_function_of_a_module_is_refused(given: Any) -> None:
    with pytest.raises(MisuseError, match="a task must be a function at module level"):
        task_name(given)


def lost(item: int, ctx: Any) -> int:
    """Return nothing of interest."""
    return item


def test_a_function_whose_module_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "__module__", "module_that_is_gone")
    with pytest.raises(MisuseError, match="module_that_is_gone:lost cannot be imported"):
        task_name(lost)
