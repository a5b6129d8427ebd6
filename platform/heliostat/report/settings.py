"""The configuration: what was set, by whom and instead of what, before what nobody touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat.contract.config import plain
from heliostat.contract.method import MethodSpec
from heliostat.contract.sections import Block, Folded, Section, Table, Text
from heliostat.driver import configuration
from heliostat.plugins.registry import Registry
from heliostat.process.guard import contained
from heliostat.store.view import RunView

_ABSENT = "not there"


def configured(view: RunView, method: MethodSpec, plugins: Registry) -> Section:
    """Return the fields that differ from their defaults, the others folded, and the inputs."""
    values = _texts(view.config)
    defaults = _resolved(view, method, plugins, None)
    content: list[Block] = []
    if defaults is None:
        content.append(Table(["field", "value"], list(map(list, values.items()))))
    else:
        preset = view.about.preset
        chosen = (_resolved(view, method, plugins, preset) if preset else None) or {}
        rows = [
            [name, text, _default(name, defaults), _by(name, text, chosen, preset)]
            for name, text in values.items()
            if defaults.get(name) != text
        ]
        rows.sort(key=lambda row: row[3] != _RUN)
        same = [[name, text] for name, text in values.items() if defaults.get(name) == text]
        content += _changed(rows, same)
    inputs = [[label, sha256[:16]] for label, sha256 in view.inputs.items()]
    if inputs:
        content.append(Table(["input", "SHA-256"], inputs, "Files and products that it names."))
    return Section("Configuration", content)


_RUN = "this run"


def _by(name: str, text: str, chosen: Mapping[str, str], preset: str) -> str:
    return f"preset {preset}" if chosen.get(name) == text else _RUN


def _default(name: str, defaults: Mapping[str, str]) -> str:
    """Return what a field is by default, or the section that it lies in where that is no table."""
    parts = name.split(".")
    above = (".".join(parts[:most]) for most in range(len(parts), 0, -1))
    return next((defaults[path] for path in above if path in defaults), _ABSENT)


def _changed(rows: Sequence[list[str]], same: list[list[str]]) -> list[Block]:
    content: list[Block] = [Text("All fields are as they are by default.")]
    if rows:
        content = [Table(["field", "value", "by default", "set by"], rows)]
    if same:
        title = f"{len(same)} fields as they are by default"
        content.append(Folded(title, [Table(["field", "value"], same)]))
    return content


def _resolved(
    view: RunView, method: MethodSpec, plugins: Registry, preset: str | None
) -> dict[str, str] | None:
    """Return the fields of a preset, or by default; None where nothing is known of them.

    The run may be of another version of its method, and a method may have fields without a default.
    """
    if view.method_version != method.version:
        return None
    try:
        with contained("configuration"):
            return _texts(plain(configuration.resolve(method, plugins, preset=preset)))
    except Exception:  # a stranger's configuration, for a comparison that a report does without
        return None


def _texts(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value, ensure_ascii=False) for name, value in _flat(config)}


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
