"""Plugins: each by itself, a broken one is a row with its reason and stops nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import heliostat_test_methods
import pytest
from heliostat_test_methods import METHODS

from heliostat import PartSpec, hookimpl
from heliostat.errors import PluginError, UnknownMethod, UnknownPart
from heliostat.plugins import Registry
from heliostat.runner import Execution, start


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write modules and name them in HELIOSTAT_LOAD."""

    def load(**modules: str) -> Registry:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("HELIOSTAT_LOAD", ",".join(modules))
        monkeypatch.setenv("HELIOSTAT_PLUGINS", "none")
        return Registry()

    return load


def row(plugins: Registry, name: str) -> Any:
    return next(r for r in plugins.rows() if r.name == name)


GOOD = """
from heliostat import hookimpl
from heliostat_test_methods import METHODS
import dataclasses
@hookimpl
def heliostat_methods():
    return [dataclasses.replace(METHODS["count"], name="{name}")]
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import module_that_is_not_there", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        (
            "from heliostat import hookimpl\n@hookimpl\ndef heliostat_methods(): return [1]",
            "returned a int, not a MethodSpec",
        ),
        (
            "from heliostat import hookimpl\n@hookimpl\ndef heliostat_methods(wrong): return []",
            "wrong",
        ),
    ],
)
def test_a_broken_plugin_is_a_row_and_never_stops_another(
    load: Any, text: str, reason: str
) -> None:
    plugins = load(broken_plugin=text, good_plugin=GOOD.format(name="fine"))
    assert plugins.method("fine").name == "fine"
    broken = row(plugins, "broken_plugin")
    assert broken.state == "failed"
    assert reason in broken.reason
    assert row(plugins, "good_plugin").state == "loaded"


def test_a_misspelt_hook_is_not_passed_over_in_silence(load: Any) -> None:
    plugins = load(
        misspelt_plugin="from heliostat import hookimpl\n@hookimpl\ndef heliostat_method(): ..."
    )
    found = row(plugins, "misspelt_plugin")
    assert found.state == "failed"
    assert "heliostat_methods" in found.reason


def test_two_plugins_with_one_method_name_are_told_apart(load: Any) -> None:
    plugins = load(first=GOOD.format(name="same"), second=GOOD.format(name="same"))
    assert plugins.method("same").name == "same"
    assert row(plugins, "second").state == "failed"
    assert "'same' is offered by another plugin" in row(plugins, "second").reason


def test_a_built_in_name_cannot_be_taken(load: Any) -> None:
    plugins = load(thief=GOOD.format(name="evomal"))
    assert row(plugins, "thief").state == "failed"


def test_unknown_names_get_the_nearest(load: Any) -> None:
    plugins = load(good_plugin=GOOD.format(name="fine_method"))
    with pytest.raises(UnknownMethod, match="did you mean 'fine_method'"):
        plugins.method("fine_metod")
    with pytest.raises(UnknownPart, match="did you mean 'focal'"):
        plugins.part("loss", "fokal")


def test_a_method_of_a_plugin_that_failed_is_not_just_unknown(load: Any) -> None:
    plugins = load(lost_method="raise RuntimeError('no luck')")
    with pytest.raises(PluginError, match="no luck"):
        plugins.method("lost_method")


def test_parts_of_plugins_are_found_beside_the_built_in_ones() -> None:
    plugins = Registry()
    spec = PartSpec("sampler", "halton", build=lambda config: "built", summary="low discrepancy")
    offer = SimpleNamespace(heliostat_parts=hookimpl(lambda: [spec]))
    plugins.register(offer, "mine")
    assert plugins.part("sampler", "halton") is spec
    assert "focal" in [p.name for p in plugins.parts("loss")]


class Observer:
    """Takes fewer arguments than the hooks offer, and in another order: pluggy allows both."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def heliostat_run_started(self) -> None:
        self.heard.append("started")

    @hookimpl
    def heliostat_batch_committed(self, outcomes: Any) -> None:
        self.heard.append(len(outcomes))

    @hookimpl
    def heliostat_run_finished(self, error: Any, run: Any) -> None:
        self.heard.append((error, run.method))


class Raises:
    @hookimpl
    def heliostat_run_started(self, run: Any) -> None:
        raise RuntimeError("an observer that fails")

    @hookimpl
    def heliostat_batch_committed(self, run: Any, outcomes: Any) -> None:
        raise RuntimeError("an observer that fails")


def run_count(plugins: Registry, folder: Path) -> dict[str, Any]:
    plugins.register(heliostat_test_methods, "tests")
    return start(
        METHODS["count"],
        execution=Execution(workers=0, runs=folder, cache_dir=folder / "cache"),
        plugins=plugins,
    )


def test_observers_get_the_arguments_they_name(tmp_path: Path) -> None:
    plugins, observer = Registry(), Observer()
    plugins.register(observer, "observer")
    run_count(plugins, tmp_path)
    assert observer.heard[0] == "started"
    assert observer.heard[-1] == (None, "count")
    assert sum(observer.heard[1:-1]) == 20


def test_an_observer_that_fails_changes_nothing(tmp_path: Path) -> None:
    plain = run_count(Registry(), tmp_path / "plain")
    plugins = Registry()
    plugins.register(Raises(), "raises")
    assert run_count(plugins, tmp_path / "observed")["digest"] == plain["digest"]
