"""What characters a font file may have: single ones, each once."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

SHOWN = 20
"""So many characters an error lists."""
MOST = 65_000
"""Glyph numbers have 16 bits."""


def checked_characters(characters: Sequence[str]) -> list[str]:
    """Return characters that are single, drawn and each there once; raises ValueError otherwise."""
    found = list(characters)
    if not found:
        raise ValueError("characters: none, expected at least one")
    if len(found) > MOST:
        raise ValueError(f"characters: {len(found):,}, expected at most {MOST:,} in a font")
    odd = [one for one in found if len(one) != 1]
    if odd:
        raise ValueError(f"characters: {odd[0]!r} has {len(odd[0])} code points, expected 1")
    undrawn = [one for one in found if unicodedata.category(one) in ("Cc", "Cs", "Zs", "Zl", "Zp")]
    if undrawn:
        raise ValueError(f"characters: {listed(undrawn)} cannot be drawn")
    twice = [one for one, count in Counter(found).items() if count > 1]
    if twice:
        raise ValueError(f"characters: {listed(twice)} more than once, expected each once")
    return found


def listed(characters: Iterable[str]) -> str:
    """Return characters with their code points, the first 20 and how many more."""
    some = list(characters)
    text = ", ".join(f"{one!r} (U+{ord(one):04X})" for one in some[:SHOWN])
    return text if len(some) <= SHOWN else f"{text} and {len(some) - SHOWN} more"


def glyph_name(character: str) -> str:
    """Return the glyph's name by the rules of the Adobe glyph list, uni4E00 or u20000."""
    point = ord(character)
    return f"uni{point:04X}" if point <= 0xFFFF else f"u{point:05X}"
