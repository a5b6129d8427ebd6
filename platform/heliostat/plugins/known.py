"""What is known of a plugin that is not imported: the hooks its text names, what it offered before.

A run imports the plugins that may watch it and those that offer what its configuration names, and
no other. Which hooks a module has, its text says. What it offered when it was last loaded stands in
the cache, under the hash of its files; that decides only who is asked first, so an entry that is
wrong or missing costs an import and changes nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from heliostat.contract.cache import default_cache_dir
from heliostat.contract.hooks import Hooks
from heliostat.plugins.modules import find_module
from heliostat.worker.fingerprint import SUFFIXES

METHODS, PARTS, COMMANDS = "heliostat_methods", "heliostat_parts", "heliostat_commands"
WATCHING = frozenset(
    f"heliostat_{name}"
    for name in ("run_started", "batch_committed", "run_finished", "report_sections")
)
"""Hooks of plugins that take part in every run."""
_OFFERED_BY = {"method": {METHODS}, "command": {COMMANDS, METHODS}}
_HOOK = re.compile(rb"\bheliostat_[a-z_]+\b")
_HIDES = re.compile(
    rb"import\s*\(?\s*\*|\b(globals|locals|vars|setattr|exec|__dict__|__getattr__)\b|sys\.modules"
    rb"|\A(.*\n)?.*coding[:=]\s*(?!utf-?8\b|ascii\b|latin-?1\b)"
)
"""What can give a module a name that its text does not hold."""
_DEFINED = re.compile(rb"\bdef\s+(heliostat_\w+)")
_MOST_BYTES = 1 << 20
"""Of an entry in the cache; no plugin offers so much."""


class Known:
    """What is known of the plugin that an entry point refers to; nothing is imported for it."""

    def __init__(self, value: str) -> None:
        self.value = value

    @cached_property
    def hooks(self) -> frozenset[str] | None:
        """The hooks that it may have, or None when it may have any."""
        return _hooks_in(self.value)

    @cached_property
    def offers(self) -> tuple[str, ...] | None:
        """What it offered when it was last loaded, such as ``loss focal``, or None."""
        return _recalled(self.value)

    @property
    def may_watch(self) -> bool:
        """Whether it may watch runs or add to their reports."""
        return self.hooks is None or bool(self.hooks & WATCHING)

    def may_offer(self, label: str) -> bool:
        """Return whether it may offer what a label such as ``method returns`` names."""
        wanted = _OFFERED_BY.get(label.partition(" ")[0], {PARTS})
        if self.hooks is not None and not self.hooks & wanted:
            return False
        return self.offers is None or label in self.offers


def remember(value: str, offers: Sequence[str]) -> None:
    """Note what a plugin offers, for as long as its files stay as they are."""
    key = _key(value)
    if key is None or _recalled(value) == tuple(offers):
        return
    folder = _folder()
    text = json.dumps({"of": key, "offers": list(offers)})
    with suppress(OSError):  # without it the next command imports more
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, folder / f"{key}.json")
        except OSError:
            os.unlink(name)
            raise


def _hooks_in(value: str) -> frozenset[str] | None:
    """Return the hooks that a module's text names, or None where it may have others."""
    if ":" in value:  # the class of an object may have them from anywhere
        return None
    found = find_module(value)
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    try:
        text = Path(found.origin).read_bytes()
    except OSError:
        return None
    misspelt = any(name.decode() not in vars(Hooks) for name in _DEFINED.findall(text))
    if misspelt or _HIDES.search(text):  # a misspelt hook is told when its plugin is loaded
        return None
    return frozenset(name.decode() for name in _HOOK.findall(text))


def _recalled(value: str) -> tuple[str, ...] | None:
    key = _key(value)
    if key is None:
        return None
    path = _folder() / f"{key}.json"
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        entry = json.loads(path.read_bytes())
        offers = entry["offers"]
        whole = entry["of"] == key and isinstance(offers, list)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return tuple(offers) if whole and all(isinstance(offer, str) for offer in offers) else None


def _folder() -> Path:
    return default_cache_dir() / "plugins"


def _key(value: str) -> str | None:
    """Return the hash of all files of the package that a plugin lies in, or None without any."""
    package = re.split(r"[.:\s]", value.strip(), maxsplit=1)[0]
    found = find_module(package)
    if found is None:
        return None
    total = hashlib.sha256(json.dumps([value, sys.version]).encode())
    files = [Path(found.origin)] if found.origin and os.path.isfile(found.origin) else []
    for folder in map(Path, found.submodule_search_locations or ()):
        files += sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if not files:
        return None
    with suppress(OSError):
        for path in files:
            content = path.read_bytes() if path.is_file() else b""
            total.update(hashlib.sha256(content).digest())
        return total.hexdigest()
    return None
