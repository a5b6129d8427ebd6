"""A worker takes no item of a task that it cannot import, or of which it has other sources."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from heliostat.executors.ray.same_code import OtherCode, code_of, compared, packages_of, refused

MODULE = "heliostat_test_tasks"
FUNCTION = f"{MODULE}:square"


def test_the_task_s_own_package_counts_beside_those_of_the_run() -> None:
    assert packages_of("plugin.deep.tasks", ["heliostat"]) == ("heliostat", "plugin")


def test_equal_sources_are_taken() -> None:
    packages = packages_of(MODULE, ["heliostat"])
    assert compared(FUNCTION, MODULE, packages, code_of(packages), "node A pid 1") is None


def test_a_task_that_cannot_be_imported_is_refused_and_named() -> None:
    function = "no_such_plugin.tasks:f"
    packages = packages_of("no_such_plugin.tasks", [])
    other = compared(function, "no_such_plugin.tasks", packages, None, "node A pid 1")
    assert other is not None
    text = str(refused(other, function, packages))
    for part in ("node A pid 1", function, "No module named 'no_such_plugin'", "resume"):
        assert part in text


def test_other_sources_are_refused_and_the_first_file_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "stale_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tasks.py").write_text("def f(item, ctx): return item\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    packages = packages_of("stale_plugin.tasks", [])
    other = compared(
        "stale_plugin.tasks:f", "stale_plugin.tasks", packages, "the driver's hash", "node B pid 2"
    )
    assert isinstance(other, OtherCode)
    (package / "tasks.py").write_text("def f(item, ctx): return item + 1\n")
    assert "node B pid 2" in str(refused(other, "stale_plugin.tasks:f", packages))
    assert "stale_plugin/tasks.py" in str(refused(other, "stale_plugin.tasks:f", packages))
    for name in ("stale_plugin.tasks", "stale_plugin"):
        sys.modules.pop(name, None)
