"""Noticing that a task changed shared data in place.

Arrays come back read-only, but dictionaries, lists and torch tensors do not, and a task that
changes them gives another value to whichever item comes next in its process. Encoding the data
anew after every item would be exact and slow; a mark of the first pieces is cheap, and exact for
what methods share: some tensors, arrays and numbers in dictionaries.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from pydantic import BaseModel

PIECES = 256
"""How many pieces of one shared value are looked at."""

_PLAIN = (str, int, float, bool, bytes, complex, type(None))


def mark(value: Any) -> list[Any]:
    """Return the first pieces of a value: numbers and texts, other objects, tensors' versions."""
    torch = sys.modules.get("torch")
    pieces: list[Any] = []
    rest = [value]
    while rest and len(pieces) < PIECES:
        piece = rest.pop()
        pieces.append(piece)
        if isinstance(piece, _PLAIN):
            continue
        if isinstance(piece, dict):
            pieces += [len(piece), *list(piece)[:PIECES]]
            rest += list(piece.values())[:PIECES]
        elif isinstance(piece, list | tuple):
            pieces.append(len(piece))
            rest += piece[:PIECES]
        elif isinstance(piece, BaseModel) or dataclasses.is_dataclass(piece):
            rest.append(dict(vars(piece)) if hasattr(piece, "__dict__") else None)
            pieces.pop()
        elif torch is not None and isinstance(piece, torch.Tensor):
            # torch counts changes in place, except of tensors made in inference mode
            pieces.append(0 if piece.is_inference() else piece._version)
    return pieces


def is_unchanged(value: Any, marked: list[Any]) -> bool:
    """Return whether a value still consists of what it consisted of when it was marked."""
    now = mark(value)
    return len(now) == len(marked) and all(map(_same, now, marked))


def _same(now: Any, before: Any) -> bool:
    if now is before:
        return True
    if isinstance(now, dict) and isinstance(before, dict):
        return True  # made for the look at an object; its entries follow
    return type(now) is type(before) and isinstance(now, _PLAIN) and bool(now == before)
