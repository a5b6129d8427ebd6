"""Where in a task's own code it failed, out of the traceback that its worker kept as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_FRAMES = 3
"""Frames that a message quotes; `heliostat show RUN KEY` has all that were kept."""
LONGEST_LINE = 200
_FRAME = re.compile(r'  File "(?P<file>[^"]*)", line (?P<line>\d+), in (?P<name>.*)')
_GROUP = "  + Exception Group Traceback "
_MARGIN = re.compile(r" {2,}[|+] ")
_SECOND = re.compile(r" *\+-+ 2 -+")
_ENGINE = re.compile(r"[/\\]heliostat[/\\](worker|values|executors|process|plugins|engine)[/\\]")
_LIBRARY = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python3[^/\\]*)[/\\]|^<frozen")


class Frame(NamedTuple):
    """A line of code that was being run."""

    file: str
    line: str
    name: str
    code: str


def own_frames(traceback: str) -> list[Frame]:
    """Return the last frames of the task's own code: no engine's, no library's that it called.

    What stands beside the task's own file is its own, wherever it is installed.
    """
    frames = [frame for frame in _frames(traceback) if not _ENGINE.search(frame.file)]
    if not frames:
        return []
    home = re.sub(r"[^/\\]*$", "", frames[0].file)
    own = [
        frame
        for frame in frames
        if (home and frame.file.startswith(home)) or not _LIBRARY.search(frame.file)
    ]
    return (own or frames)[-MOST_FRAMES:]


def told_frames(traceback: str) -> str:
    """Return these frames as Python prints them, each on a line of its own or two."""
    lines = []
    for frame in own_frames(traceback):
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.name}')
        if frame.code:
            lines.append(f"    {frame.code}")
    return "\n".join(line[:LONGEST_LINE] for line in lines)


def _frames(traceback: str) -> list[Frame]:
    # of chained errors the last one is what the task failed with
    lines = traceback.splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith(("Traceback ", _GROUP))]
    lines = lines[heads[-1] :] if heads else lines
    if lines and lines[0].startswith(_GROUP):
        lines = list(_group_and_first(lines))
    found = []
    for number, line in enumerate(lines):
        head = _FRAME.fullmatch(line)
        if head is None:
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        code = following.strip() if following.startswith("    ") else ""
        found.append(Frame(head["file"], head["line"], head["name"], code))
    return found


def _group_and_first(lines: list[str]) -> Iterator[str]:
    """Yield the lines of an exception group and of its first exception, without their margins."""
    for line in lines:
        if _SECOND.match(line):
            return
        yield _MARGIN.sub("", line, count=1) if _MARGIN.match(line) else line
