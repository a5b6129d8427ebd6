"""What is installed, read past files that nobody can read, by every library of this process.

Libraries read the entry points of all distributions while they are imported (pydantic's plugins,
torch's backends, numba's extensions), and the standard library's reader ends with an error at the
first malformed line of any of them. All of them find distributions through the path finder of the
import system, so the reading is made tolerant there, by the first import of this package.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import Distribution, PathDistribution

ENTRY_POINTS = "entry_points.txt"
_VALUE = r"[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\]\s*)?$"
"""An object that an entry point refers to: the standard library's pattern."""
_EXAMPLE = "name = module:object"


class Line(NamedTuple):
    """One entry point as its file has it."""

    group: str
    name: str
    value: str


class EntryPointFile(NamedTuple):
    """One `entry_points.txt`: its text as far as it can be read, and why it is malformed."""

    path: str
    text: str
    problem: str = ""

    def lines(self) -> Iterator[Line]:
        """Yield the entry points that are well formed as lines; what they refer to may be not."""
        for _, group, line in _numbered(self.text):
            name, equals, value = line.partition("=")
            if equals and group is not None:
                yield Line(group, name.strip(), value.strip())


def read_tolerantly() -> None:
    """Let every library of this process read distributions past malformed ones."""
    if PathFinder.find_distributions is not _found:
        PathFinder.find_distributions = _found  # type: ignore[method-assign,assignment]


def entry_point_file(distribution: Distribution) -> EntryPointFile | None:
    """Return a distribution's file of entry points, or None where it has none."""
    folder = getattr(distribution, "_path", None)
    if isinstance(folder, os.PathLike):
        return _read(os.path.join(folder, ENTRY_POINTS))
    place = os.path.join(str(folder or type(distribution).__name__), ENTRY_POINTS)
    try:  # in an archive, or found by another finder than that of folders
        if folder is None:
            text = distribution.read_text(ENTRY_POINTS)
        else:
            file = folder.joinpath(ENTRY_POINTS)
            text = file.read_text(encoding="utf-8") if file.is_file() else None
    except Exception as error:
        return EntryPointFile(place, "", f"it cannot be read ({type(error).__name__})")
    return None if text is None else EntryPointFile(place, text, _malformed(text))


def malformed() -> list[EntryPointFile]:
    """Return the files of entry points that are malformed, of all distributions on the path."""
    from importlib.metadata import distributions

    files = map(entry_point_file, distributions())
    found = {file.path: file for file in files if file is not None}
    problems = (file._replace(problem=file.problem or _no_object(file)) for file in found.values())
    return sorted(file for file in problems if file.problem)


def is_object_reference(value: str) -> bool:
    """Return whether an entry point's value has the form of module or module:object."""
    return re.match(_VALUE, value) is not None


def _found(*arguments: Any, **named: Any) -> Iterator[Distribution]:
    from importlib.metadata import MetadataPathFinder

    for distribution in MetadataPathFinder.find_distributions(*arguments, **named):
        path = getattr(distribution, "_path", None)
        if path is None:
            yield distribution
        elif _folder(path)[:1] not in ("", ".", "-"):  # without a name it is no distribution
            yield _tolerant()(path)


@lru_cache(maxsize=1)
def _tolerant() -> type[PathDistribution]:
    """Return the class of distributions; made when first needed, because help needs none."""
    from importlib.metadata import PathDistribution

    class TolerantDistribution(PathDistribution):
        """A distribution whose files are read as far as they can be."""

        def read_text(self, filename: str | os.PathLike[str]) -> str | None:
            """Return a file's text, of entry points the well-formed lines, None for no text."""
            if filename == ENTRY_POINTS:
                file = entry_point_file(self)
                return None if file is None else _readable(file)
            text = None
            try:
                path: Any = self._path  # of a folder or of an archive
                if path.joinpath(filename).is_file():
                    text = super().read_text(filename)
            except (OSError, ValueError):
                pass
            # the last place that the standard library looks at for a name and a version
            return _named(_folder(self._path)) if text is None and not filename else text

    return TolerantDistribution


def _folder(path: object) -> str:
    return os.path.basename(str(path).rstrip("/"))  # of an archive, with a slash at its end


def _named(folder: str) -> str:
    name, _, version = folder.rpartition(".")[0].partition("-")
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def _read(path: str) -> EntryPointFile | None:
    try:
        os.lstat(path)
    except (OSError, ValueError):
        return None
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):  # a pipe in its place would be waited for
            what = "a folder stands in its place" if stat.S_ISDIR(mode) else "it is no regular file"
            return EntryPointFile(path, "", what)
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        link = "it is a link that leads nowhere" if os.path.islink(path) else str(error.strerror)
        return EntryPointFile(path, "", link)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return EntryPointFile(path, content.decode(errors="replace"), "it is not UTF-8")
    return EntryPointFile(path, text, _malformed(text))


def _numbered(text: str) -> Iterator[tuple[int, str | None, str]]:
    """Yield number, group and text of each line that is no header, comment or blank."""
    group = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif line and not line.startswith("#"):
            yield number, group, line


def _malformed(text: str) -> str:
    """Return why not all lines of a text can be told apart, or nothing."""
    if text.startswith("\ufeff"):
        return "it begins with a byte-order mark, which hides its first [group]"
    for number, group, line in _numbered(text):
        if "=" not in line:
            return f"line {number}: {line[:80]!r}; expected [group] or {_EXAMPLE}"
        if group is None:
            return f"line {number}: {line[:80]!r} stands before any [group]"
        if not group or group != group.strip():
            return f"above line {number}: no group is called {group!r}"
    return ""


def _no_object(file: EntryPointFile) -> str:
    for _, name, value in file.lines():
        if not is_object_reference(value):
            return f"{f'{name} = {value}'[:80]!r}; expected {_EXAMPLE}"
    return ""


def _readable(file: EntryPointFile) -> str:
    """Return what can be read of a file without an error, which is all of it as a rule."""
    if not (file.problem or _no_object(file)):
        return file.text
    lines = [line for line in file.lines() if is_object_reference(line.value)]
    return "".join(f"[{line.group}]\n{line.name} = {line.value}\n" for line in lines)
