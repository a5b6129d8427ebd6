"""The reference of hooks and part kinds, made from their specifications: `docs/hooks.md`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from heliostat.contract.hooks import Hooks
from heliostat.contract.part import PROTOCOLS
from heliostat.names import GROUP, PROJECT

_INTRODUCTION = f"""# Hooks

A plugin is a module (or an object) that a distribution names under the entry point group
`{GROUP}`; the version of this interface is part of the group's name.
It implements any of the hooks below, each marked with `@heliostat.hookimpl`. This page is made from
the specifications: `heliostat plugins hooks`.
"""

_PARTS = """# Kinds of parts

What `PartSpec.build` returns has to follow the protocol of its kind. Kinds that are not listed are
allowed; nothing is checked for them.
"""


def hook_names() -> list[str]:
    """Return the names of all hooks, in the order of their specification."""
    return [name for name in vars(Hooks) if name.startswith(f"{PROJECT}_")]


def markdown() -> str:
    """Return the page; raises ValueError for a hook or a kind of part without documentation."""
    lines = [_INTRODUCTION, _text(Hooks), ""]
    for name in hook_names():
        function = getattr(Hooks, name)
        lines += [f"## {name}", "", "```python", *_signature(name, function), "```", ""]
        lines += [_text(function), ""]
    lines.append(_PARTS)
    for kind, protocol in PROTOCOLS.items():
        lines += [f"## {kind}", "", _about(protocol), ""]
        lines += [*_members(protocol), ""]
    return "\n".join(lines).rstrip() + "\n"


def _text(documented: Any) -> str:
    text = inspect.getdoc(documented) or ""
    if not text.strip():
        raise ValueError(f"{documented.__name__} has no documentation")
    return text


def _about(protocol: type) -> str:
    text = _text(protocol).partition(": ")[2]
    return text[:1].upper() + text[1:]


def _signature(name: str, function: Callable[..., Any]) -> Iterator[str]:
    signature = inspect.signature(function)
    names = [p for p in signature.parameters.values() if p.name != "self"]
    shown = ", ".join(f"{p.name}: {p.annotation}" for p in names)
    yield "@hookimpl"
    yield f"def {name}({shown}) -> {signature.return_annotation}: ..."


def _members(protocol: type) -> Iterator[str]:
    for name, member in vars(protocol).items():
        if isinstance(member, property):
            assert member.fget is not None
            yield f"- `{name}: {inspect.signature(member.fget).return_annotation}`"
        elif inspect.isfunction(member) and (name == "__call__" or not name.startswith("_")):
            signature = str(inspect.signature(member)).replace("'", "").replace("self, ", "")
            told = _text(member).partition("\n")[0]
            yield f"- `{name}{signature}`: {told}"
