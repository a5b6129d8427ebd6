"""Long messages of strangers on a terminal: their beginning, their end, and where the rest is."""

from __future__ import annotations

LONGEST = 2000
"""Characters of a message that a terminal is given."""
_END = 600
"""How many of them are its last ones: a task's own lines of code stand there."""


def shortened(text: str, whole: str = "", most: int = LONGEST) -> str:
    """Return a text without its middle if it is long; `whole`: the command that shows all of it."""
    if len(text) <= most:
        return text
    rest = f"; whole: {whole}" if whole else ""
    left_out = f"... {len(text) - most:,} characters left out{rest} ..."
    return f"{text[: most - _END]}\n{left_out}\n{text[-_END:]}"
