"""Text of strangers on a terminal: shown, never obeyed.

A run folder, a plugin or a task may say anything, and a terminal obeys what it is sent: it clears
itself, renames its window, hides what came before.
"""

from __future__ import annotations

import sys


def say(*lines: object, err: bool = False) -> None:
    """Write lines on standard output, or error: the one way to the terminal, for all text.

    A line stays one line, whoever wrote it; text that is meant to have several is split by its
    author: ``say(*text.split("\\n"))``.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is not None:  # closed from the beginning: nobody listens
        stream.write("".join(f"{printable(line)}\n" for line in lines))
        stream.flush()


def printable(text: object) -> str:
    """Return a stranger's text on one line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def printable_lines(text: object) -> str:
    """Return the same of a text of several lines, which stay lines."""
    return "\n".join(map(printable, str(text).split("\n")))


def messages() -> int:
    """Return the descriptor of standard error as Python has it: a library may be writing to 2."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # none, or no descriptor behind it
        return 2
