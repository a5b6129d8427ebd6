"""What can be wrong with a font, said so that its user can mend it."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 20
"""Characters that a message names."""


class FontError(ValueError):
    """A font that is not there, cannot be read, or lacks what is asked of it."""


class CharactersMissing(FontError):
    """Characters that a font has no glyph or an empty one for."""

    def __init__(self, font: str, what: str, chars: Sequence[str], asked: int) -> None:
        named = " ".join(f"{char} (U+{ord(char):04X})" for char in chars[:MOST_NAMED])
        rest = len(chars) - MOST_NAMED
        more = f" and {rest:,} more" if rest > 0 else ""
        super().__init__(
            f"{font} has {what} for {len(chars):,} of {asked:,} characters: {named}{more}"
        )
        self.chars = tuple(chars)
