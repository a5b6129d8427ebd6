"""What is known of a plugin without importing it, and what an entry that is wrong may cost."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from broken_plugins import METHOD

from heliostat.plugins.known import Known, remember
from heliostat.plugins.modules import find_module, missing_part
from heliostat.plugins.registry import Registry

WATCHES = "from heliostat import hookimpl\n@hookimpl\ndef heliostat_run_started(): ...\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Write a module on the path; the cache is empty."""
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(name: str, text: str) -> str:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return write


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "plugins").glob("*"))


@pytest.mark.parametrize(
    ("text", "watches", "offers"),
    [
        (WATCHES, True, False),
        (METHOD.format(name="small"), False, True),
        ("from elsewhere import heliostat_report_sections", True, False),
        ("from elsewhere import *", True, True),
        ("from elsewhere import (\n    *)", True, True),
        ("setattr(module, name, hook)", True, True),
        ("import sys\nsys.modules[__name__] = Plugin()", True, True),
        ("# coding: rot13\nuryvbfgng", True, True),
        ("def heliostat_run_startd(): ...", True, True),
        ("raise RuntimeError", False, False),
    ],
)
def test_the_text_of_a_module_says_which_hooks_it_may_have(
    write: Callable[[str, str], str], text: str, watches: bool, offers: bool
) -> None:
    known = Known(write("hooked", text))
    assert (known.may_watch, known.may_offer("method small")) == (watches, offers)
    assert "hooked" not in sys.modules


def test_an_object_and_what_is_not_text_may_have_any_hook(tmp_path: Path) -> None:
    assert Known("hooked:plugin").may_watch
    assert Known("math").may_offer("loss any")


def test_what_was_offered_is_known_until_a_file_changes(
    write: Callable[[str, str], str], tmp_path: Path
) -> None:
    name = write("bundle.plugin", METHOD.format(name="small"))
    other = write("bundle.other", "")
    assert Known(name).may_offer("method large")
    remember(name, ["method small"])
    assert Known(name).offers == ("method small",)
    assert not Known(name).may_offer("method large")
    write(other, "changed = 1")
    assert Known(name).offers is None


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff", b"[]", b"{}", b'{"of": "another", "offers": []}', b"[" * 9000, b"3"],
)
def test_a_damaged_entry_is_none(
    write: Callable[[str, str], str], tmp_path: Path, damage: bytes
) -> None:
    name = write("small_plugin", METHOD.format(name="small"))
    remember(name, ["method small"])
    (entry,) = entries(tmp_path)
    entry.write_bytes(damage)
    assert Known(name).offers is None
    remember(name, ["method small"])
    assert Known(name).offers == ("method small",)


def test_an_entry_that_says_something_else_costs_an_import_and_no_method(
    write: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write("small_plugin", METHOD.format(name="small"))
    remember(name, ["method small"])
    (entry,) = entries(tmp_path)
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"offers": ["method smbll"]}))
    monkeypatch.setenv("HELIOSTAT_LOAD", name)
    assert Registry().method("small").name == "small"
    assert Known(name).offers == ("method small",)


def test_processes_that_write_one_entry_leave_it_whole(
    write: Callable[[str, str], str], tmp_path: Path
) -> None:
    name = write("small_plugin", METHOD.format(name="small"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: remember(name, [f"method m{number}"]), range(40)))
    (entry,) = entries(tmp_path)
    assert json.loads(entry.read_text())["offers"][0].startswith("method m")


def test_what_is_known_lies_in_the_private_folder_where_no_cache_can_be(
    write: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = write("small_plugin", METHOD.format(name="small"))
    (tmp_path / "cache").write_text("a file in its place")
    remember(name, ["method small"])
    assert Known(name).offers == ("method small",)


def test_who_gets_a_name_does_not_depend_on_who_is_known(
    write: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write("first", METHOD.format(name="same"))
    second = write(
        "second",
        METHOD.format(name="other").replace("config, run):\n    return 1", "config, run): ...")
        + "\n@hookimpl\ndef heliostat_commands():\n    import click\n"
        "    return [click.Command('do-it')]\n",
    )
    write("first", METHOD.format(name="same") + "\n@hookimpl\ndef heliostat_commands():\n"
          "    import click\n    return [click.Command('do-it')]\n")  # fmt: skip
    for known in ([], [first], [second], [first, second]):
        for name in known:
            remember(name, [f"method {'same' if name == first else 'other'}", "command do-it"])
        monkeypatch.setenv("HELIOSTAT_LOAD", f"{first},{second}")
        plugins = Registry()
        plugins.command("do-it")
        with pytest.raises(Exception, match="'do-it' is offered by first already"):
            plugins.method("other")


def test_modules_are_found_without_importing_their_packages(
    write: Callable[[str, str], str],
) -> None:
    write("bundle.__init__", "raise RuntimeError('imported')")
    write("bundle.plugin", "")
    found = find_module("bundle.plugin")
    assert found is not None and found.origin is not None
    assert found.origin.endswith("bundle/plugin.py")
    assert missing_part("bundle.plugin") is None
    assert missing_part("bundle.plugn") == (
        "there is no 'bundle.plugn' on the path; did you mean 'bundle.plugin'?"
    )
    assert missing_part("bundle.plugin.inner") == ("there is no 'bundle.plugin.inner' on the path")
    assert missing_part("") is not None
    assert "bundle" not in sys.modules
