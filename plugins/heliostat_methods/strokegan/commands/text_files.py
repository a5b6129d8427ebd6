"""Characters in a text file that a user gives."""

from __future__ import annotations

from pathlib import Path

from heliostat.errors import ConfigError


def characters_in(file: Path, known: frozenset[str] | None = None) -> list[str]:
    """Return the characters of a text, each once, in its order, without spaces and line ends.

    ``known``: what a font has. Raises ConfigError naming ``--characters`` for a file that cannot be
    read, is empty, or has a character that the font lacks.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("--characters", str(file), "a text file in UTF-8", str(error)) from None
    chosen = list(dict.fromkeys(char for char in text if not char.isspace()))
    if not chosen:
        raise ConfigError("--characters", str(file), "a text with characters", "it is empty")
    missing = [] if known is None else [char for char in chosen if char not in known]
    if missing:
        raise ConfigError("--characters", str(file), "characters of the source font",
                          f"without {''.join(missing[:20])}")  # fmt: skip
    return chosen
