"""Command lines as a shell reads them: comments are none, and variables go before a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile

_SEPARATORS = set(";|&()")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_TEXT_FOLLOWS = re.compile(r"-\w*c")


@dataclass(frozen=True)
class Command:
    """One command of a line, with the variables that the line sets for it."""

    words: tuple[str, ...]
    variables: Mapping[str, str]

    def after(self, *names: str) -> tuple[str, ...] | None:
        """Return the words after these names, the first of which may have a path; None without."""
        for place, word in enumerate(self.words):
            said = (word.rpartition("/")[2], *self.words[place + 1 :])
            if said[: len(names)] == names and not self._is_text(place):
                return said[len(names) :]
        return None

    def _is_text(self, place: int) -> bool:
        return self.words[0] in ("echo", "printf") and place > 0


def commands(line: str) -> Iterator[Command]:
    """Yield the commands of a line or of a script of several; raises ValueError for open quotes."""
    exported: dict[str, str] = {}
    for part in line.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*_words(part), ";"]:
            if not set(word) <= _SEPARATORS:
                words.append(word)
            elif words:
                yield from _command(words, exported)
                words = []


def option(words: tuple[str, ...], name: str) -> str | None:
    """Return what an option is given, as in `--port=1` or `--port 1`; None if it is not there."""
    for place, word in enumerate(words):
        if word == name:
            return words[place + 1] if place + 1 < len(words) else ""
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return None


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="".join(sorted(_SEPARATORS)))
    lexer.whitespace_split = True
    return list(lexer)


def _command(words: list[str], exported: dict[str, str]) -> Iterator[Command]:
    if words[0] == "export":
        found = [_ASSIGNMENT.fullmatch(word) for word in words]
        exported |= {said[1]: said[2] for said in found if said}
    leading = takewhile(lambda word: word == "env" or _ASSIGNMENT.fullmatch(word), words)
    own = dict(word.split("=", 1) for word in leading if word != "env")
    yield Command(tuple(words), {**exported, **own})
    for before, word in pairwise(words):
        if _TEXT_FOLLOWS.fullmatch(before) and " " in word:
            yield from commands(word)
