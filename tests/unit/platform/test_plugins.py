"""Plugins: each by itself, a broken one is a row with its reason and stops nothing."""

from __future__ import annotations

import dataclasses
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import heliostat_test_methods
import pytest
from heliostat_test_methods import METHODS
from hypothesis import given
from hypothesis import strategies as st

from heliostat import PartSpec, hookimpl
from heliostat.driver.start import start
from heliostat.errors import PluginError, UnknownMethod, UnknownPart
from heliostat.executors.choice import Execution
from heliostat.names import is_method_name
from heliostat.plugins.registry import Registry


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
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("from heliostat.errors import Interrupted\nraise Interrupted('x')", "Interrupted: x"),
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


def test_a_signal_during_an_import_stops_the_command_and_names_the_plugin(
    load: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = load(slow_plugin="import signal\nsignal.raise_signal(signal.SIGINT)")
    with pytest.raises(KeyboardInterrupt):
        plugins.rows()
    assert capsys.readouterr().err == "note: stopped while plugin slow_plugin was being imported\n"


def test_a_plugin_does_not_keep_signals_and_directory_to_itself(load: Any, tmp_path: Path) -> None:
    handlers, directory = signal.getsignal(signal.SIGINT), Path.cwd()
    text = "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nos.chdir('/')\n"
    assert load(selfish=text + GOOD.format(name="fine")).method("fine")
    assert (signal.getsignal(signal.SIGINT), Path.cwd()) == (handlers, directory)


def offering(value: str, hook: str = "heliostat_methods", head: str = "") -> str:
    return (
        "import dataclasses\nfrom heliostat import MethodSpec, PartSpec, hookimpl\n"
        f"from heliostat_test_methods import METHODS\n{head}\n"
        "good = METHODS['count']\nchanged = lambda **more: dataclasses.replace(good, **more)\n"
        f"@hookimpl\ndef {hook}(): return {value}\n"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("None", "heliostat_methods returned a NoneType; expected a list of MethodSpec"),
        ("good", "heliostat_methods returned a MethodSpec; expected a list of MethodSpec"),
        ("'count'", "heliostat_methods returned a str; expected a list of MethodSpec"),
        ("{'count': good}", "heliostat_methods returned a dict"),
        ("(good for _ in iter(int, 1))", "more than 10000 offers"),
        ("[changed(name='../up')]", "method '../up': name = '../up': expected a lower-case"),
        ("[changed(name='Count')]", "expected a lower-case"),
        ("[changed(name='a\\0b')]", "expected a lower-case"),
        ("[changed(name='a\\n')]", "expected a lower-case"),
        ("[changed(name='<script>')]", "expected a lower-case"),
        ("[changed(name=3)]", "method 3: name = 3"),
        ("[changed(config={})]", "config = {}: expected a subclass of MethodConfig"),
        ("[changed(search=None)]", "search = None: expected a function (config, run)"),
        ("[changed(outputs={'loss': 'min'})]", "outputs['loss'] = 'min': expected a Metric"),
        ("[changed(presets={'smoke': 3})]", "presets['smoke'] = 3: expected a configuration"),
        ("[changed(products=['loss'])]", "products = 'loss': expected a ProductSpec"),
        ("[changed(commands=[print])]", "is no click.Command"),
        ("[changed(version=0)]", "version = 0: expected a whole number from 1"),
        ("[changed(migrate=1)]", "migrate = 1: expected a function or None"),
        ("[changed(within=1)]", "within = 1: expected a function or None"),
        ("[changed(name='x'), changed(name='x')]", "method 'x' is offered twice"),
    ],
)
def test_what_a_plugin_returns_is_checked_field_by_field(
    load: Any, value: str, reason: str
) -> None:
    plugins = load(broken_plugin=offering(value), good_plugin=GOOD.format(name="fine"))
    broken = row(plugins, "broken_plugin")
    assert (broken.state, broken.error is None) == ("failed", False)
    assert reason in broken.reason
    assert plugins.method("fine").name == "fine"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[PartSpec('loss', 'focal', print, '')]", "loss 'focal' is offered by parts already"),
        ("[PartSpec('Loss', 'mine', print, '')]", "kind = 'Loss': expected a lower-case"),
        ("[PartSpec('loss', 'run:mine', print, '')]", "name = 'run:mine'"),
        ("[PartSpec('loss', 'mine', 'print', '')]", "build = 'print': expected a function"),
        ("[PartSpec('loss', 'mine', print, '', config=dict)]", "config = <class 'dict'>"),
        ("[good]", "heliostat_parts returned a MethodSpec, not a PartSpec"),
    ],
)
def test_parts_are_checked_field_by_field(load: Any, value: str, reason: str) -> None:
    plugins = load(broken_plugin=offering(value, "heliostat_parts"))
    assert row(plugins, "broken_plugin").state == "failed"
    assert reason in row(plugins, "broken_plugin").reason
    assert plugins.part("loss", "focal").name == "focal"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[print]", "heliostat_commands returned a builtin_function_or_method"),
        ("[click.Command('run')]", "command 'run' is offered by heliostat already"),
        ("[click.Command('losses')]", "command 'losses' is offered by heliostat already"),
        ("[click.Command('../up')]", "command: name = '../up'"),
    ],
)
def test_commands_are_checked(load: Any, value: str, reason: str) -> None:
    plugins = load(broken_plugin=offering(value, "heliostat_commands", "import click"))
    assert reason in row(plugins, "broken_plugin").reason


def test_one_wrong_offer_takes_the_others_of_its_plugin_along(load: Any) -> None:
    plugins = load(
        half="""
from heliostat import PartSpec, hookimpl
from heliostat_test_methods import METHODS
@hookimpl
def heliostat_methods():
    return [METHODS["count"]]
@hookimpl
def heliostat_parts():
    return [PartSpec("loss", "focal", print, "")]
@hookimpl
def heliostat_run_started():
    raise SystemExit("it should not be called")
"""
    )
    with pytest.raises(PluginError, match="method count: plugin half could not be loaded"):
        plugins.method("count")
    assert plugins.hook_implementations("heliostat_run_started") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "implements no hook; expected one of heliostat_methods"),
        ("def heliostat_methods(): return []", "heliostat_methods is not marked"),
        (
            "from heliostat import hookimpl\n@hookimpl(wrapper=True)\n"
            "def heliostat_methods(): return (yield)",
            "heliostat_methods is a wrapper",
        ),
        ("class Panic(BaseException): pass\nraise Panic('a library gave up')", "Panic: a library"),
        (
            "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
            "Odd",
        ),
    ],
)
def test_a_plugin_without_a_usable_hook_is_failed(load: Any, text: str, reason: str) -> None:
    found = row(load(broken_plugin=text), "broken_plugin")
    assert found.state == "failed"
    assert reason in found.reason


def test_what_a_plugin_prints_while_it_is_imported_is_not_data(
    load: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    load(talks="print('hello')\n" + GOOD.format(name="fine")).method("fine")
    assert capsys.readouterr().out == ""


def test_who_gets_a_name_does_not_depend_on_what_was_asked_first(load: Any) -> None:
    texts = {"first": GOOD.format(name="same"), "second": GOOD.format(name="same")}
    for ask in (lambda p: p.rows(), lambda p: p.method("same"), lambda p: p.parts("loss")):
        plugins = load(**texts)
        ask(plugins)
        assert [(r.name, r.state) for r in plugins.rows()][-2:] == [
            ("first", "loaded"),
            ("second", "failed"),
        ]


def test_a_built_in_part_needs_no_third_party_plugin(load: Any, tmp_path: Path) -> None:
    note = f"import pathlib\npathlib.Path({str(tmp_path / 'seen')!r}).touch()\n"
    plugins = load(noting=note + GOOD.format(name="fine"))
    assert plugins.part("loss", "focal").name == "focal"
    assert not (tmp_path / "seen").exists()
    assert plugins.method("fine").name == "fine"
    assert (tmp_path / "seen").exists()


def test_a_loaded_plugin_cannot_be_blocked(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOSTAT_BLOCK", "")
    plugins = load(good_plugin=GOOD.format(name="fine"))
    plugins.method("fine")
    with pytest.raises(PluginError, match="good_plugin is loaded already"):
        plugins.block(["good_plugin"], "--no-plugin")


@given(st.text(max_size=12).filter(lambda name: not re.fullmatch("[a-z][a-z0-9_]*", name)))
def test_a_method_name_is_an_identifier_in_lower_case(name: str) -> None:
    assert not is_method_name(name)
    with pytest.raises(PluginError):
        dataclasses.replace(METHODS["count"], name=name)


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
    assert row(plugins, "second").reason == "method 'same' is offered by first already"


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
