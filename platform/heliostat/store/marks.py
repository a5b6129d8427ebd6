"""What people call a run and write about it: a name, a note, tags. No part of its result.

They lie beside the journal in `marks.json`, so that a run can be named while it goes on, and a name
never touches what is sealed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from heliostat.errors import ConfigError, StoreError
from heliostat.store.entries import read_regular, write_fresh

FILE = "marks.json"
MOST_BYTES = 1_000_000
LONGEST_NOTE = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_VALUE = 200
_A_TEXT = "a text without NUL and surrogates"


@dataclass(frozen=True)
class Marks:
    """A run's name, note and tags."""

    name: str = ""
    note: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def changed(
        self,
        name: str | None = None,
        note: str | None = None,
        tags: Mapping[str, str | None] | None = None,
    ) -> Marks:
        """Return the marks with what is given; "" takes a name or note away, None a tag."""
        now = {**self.tags, **(tags or {})}
        return replace(
            self,
            name=self.name if name is None else name,
            note=self.note if note is None else note,
            tags={key: value for key, value in sorted(now.items()) if value is not None},
        )


def checked(marks: Marks) -> Marks:
    """Return marks that may be written; raises ConfigError naming the option at fault."""
    if marks.name and not _NAME.fullmatch(marks.name):
        expected = "at most 80 letters, digits and _ . + -, a letter or digit first"
        raise ConfigError("--name", marks.name, expected)
    if marks.name == "last":
        raise ConfigError("--name", marks.name, "another name: `last` is the newest run")
    if len(marks.note) > LONGEST_NOTE:
        raise ConfigError("--note", marks.note[:80], f"at most {LONGEST_NOTE} characters")
    if not _is_text(marks.note):
        raise ConfigError("--note", marks.note[:80], _A_TEXT)
    for key, value in marks.tags.items():
        if not _TAG.fullmatch(key):
            expected = "KEY=VALUE, the key of at most 40 letters, digits and _ . -"
            raise ConfigError("--tag", key, expected)
        if len(value) > _VALUE:
            raise ConfigError(f"--tag {key}", value[:80], f"at most {_VALUE} characters")
        if not _is_text(value):
            raise ConfigError(f"--tag {key}", value, _A_TEXT)
    return marks


def _is_text(text: str) -> bool:
    """Return whether a file and a page can hold a text."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def tags_in(texts: tuple[str, ...]) -> dict[str, str]:
    """Return the tags that options say, each KEY=VALUE or KEY; raises ConfigError."""
    tags: dict[str, str] = {}
    for text in texts:
        key, _, value = text.partition("=")
        if not _TAG.fullmatch(key):
            expected = "KEY=VALUE, the key of at most 40 letters, digits and _ . -"
            raise ConfigError("--tag", text, expected)
        tags[key] = value
    return tags


def read_marks(folder: Path) -> Marks:
    """Return the marks of a run's folder; a file that is none of ours counts as no marks.

    A folder may come from anywhere, and what people write about a run is no reason to refuse it.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            return Marks()
        found = json.loads(read_regular(path))
        name, note, tags = found["name"], found["note"], found["tags"]
        texts = [name, note, *tags, *tags.values()]
        if not all(isinstance(text, str) for text in texts):
            return Marks()
        return checked(Marks(name, note, tags))
    except (OSError, StoreError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return Marks()
    except ConfigError:
        return Marks()


def write_marks(folder: Path, marks: Marks) -> None:
    """Put the marks of a run in place; raises ConfigError for marks that may not be written."""
    try:
        write_fresh(folder / FILE, json.dumps(asdict(checked(marks)), ensure_ascii=False).encode())
    except OSError as error:
        raise StoreError(f"cannot write {folder / FILE}: {error.strerror}") from error
