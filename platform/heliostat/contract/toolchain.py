"""The system's compiler, and the libraries of compiled code that it has built on this machine.

``heliostat_search.compiled`` builds them. Where they lie and how each describes itself is said
here, so that `heliostat doctor` lists them without importing anything that uses them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from heliostat.terminal import printable

Language = Literal["C", "C++"]

LIBRARY, MANIFEST = "library.so", "build.json"
"""Files of a build's folder: what is loaded, and a JSON object that says what it is."""
ANSWER_SECONDS = 30.0
MANIFEST_BYTES = 1 << 16
_VARIABLES = {"C": "CC", "C++": "CXX"}
_COMMANDS = {"C": ("cc", "gcc", "clang"), "C++": ("c++", "g++", "clang++")}
_NUMBER = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True)
class Compiler:
    """A compiler that answers; `identity` is all that it says of itself."""

    command: tuple[str, ...]
    name: str
    version: str
    identity: str

    def __str__(self) -> str:
        """Return name and version, as in "gcc 12.2.0"."""
        return f"{self.name} {self.version}".strip()


def commands(language: Language, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the commands that are tried: $CC (for C++, $CXX) alone where it is set."""
    given = environ.get(_VARIABLES[language], "").strip()
    return (given,) if given else _COMMANDS[language]


def find_compiler(
    language: Language = "C", environ: Mapping[str, str] | None = None
) -> Compiler | None:
    """Return the first command that answers to --version, or None."""
    environ = os.environ if environ is None else environ
    for text in commands(language, environ):
        found = _asked(text, environ)
        if found is not None:
            return found
    return None


def _asked(text: str, environ: Mapping[str, str]) -> Compiler | None:
    try:
        first, *options = shlex.split(text)
        path = shutil.which(first, path=environ.get("PATH", os.defpath))
        if path is None:
            return None
        command = (path, *options)
        done = subprocess.run(
            [*command, "--version"],
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        return None
    # A distribution's own version stands in brackets: "cc (Debian 12.2.0-14) 12.2.0"
    number = _NUMBER.search(re.sub(r"\([^)]*\)", "", lines[0]))
    return Compiler(command, _name(path, done.stdout), number[0] if number else "", done.stdout)


def _name(path: str, said: str) -> str:
    plus = "++" if os.path.basename(path).endswith("++") else ""
    if "clang" in said.splitlines()[0]:
        return f"clang{plus}"
    if "Free Software Foundation" in said:
        return "g++" if plus else "gcc"
    return printable(os.path.basename(path))


def native_folder(cache_dir: Path) -> Path:
    """Return the folder that holds a folder for each build."""
    return cache_dir / "native"


def built(cache_dir: Path) -> list[str]:
    """Return a sentence for each native library built on this machine, its newest build's."""
    newest: dict[str, tuple[float, str]] = {}
    try:
        manifests = sorted(native_folder(cache_dir).glob(f"*/{MANIFEST}"))
    except OSError:
        return []
    for path in manifests:
        try:
            if not (path.parent / LIBRARY).is_file() or path.stat().st_size > MANIFEST_BYTES:
                continue
            when, said = path.stat().st_mtime, json.loads(path.read_text(encoding="utf-8"))
            name, sentence = said["name"], said["sentence"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue  # it is rebuilt when its library is used
        if isinstance(name, str) and isinstance(sentence, str):
            newest[name] = max(newest.get(name, (when, "")), (when, sentence))
    return [printable(sentence) for _, (_, sentence) in sorted(newest.items())]
