"""Uncased WordPiece: text as pieces of words of a vocabulary, as BERT's encoders are fed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

UNKNOWN, START, END, PADDING = "[UNK]", "[CLS]", "[SEP]", "[PAD]"
SPECIAL = (PADDING, UNKNOWN, START, END, "[MASK]")
LONGEST_WORD = 100
"""Characters of a word beyond which it is unknown, whatever its pieces."""
CONTINUED = "##"
# The block at 0x2B820 begins 0x100 later in the tokenizer that the packaged model is used with.
_IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """Token ids of text; the line of a word in the vocabulary is its id.

    Text is cleaned of control characters, lower-cased, freed of accents, split at white space,
    punctuation and ideographs, and each word into the longest pieces that the vocabulary has. The
    names of special tokens stand for these tokens in a text as well. Raises ``ValueError`` for a
    vocabulary that lacks a special token or holds a word twice.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {word: i for i, word in enumerate(vocabulary)}
        lacking = [word for word in SPECIAL if word not in self._ids]
        if lacking:
            raise ValueError(f"vocabulary must hold {', '.join(SPECIAL)}, lacks {lacking[0]}")
        if len(self._ids) != len(vocabulary):
            twice = next(word for i, word in enumerate(vocabulary) if self._ids[word] != i)
            raise ValueError(f"vocabulary must hold each word once, holds {twice!r} twice")
        self._words = tuple(vocabulary)
        self._longest = max(map(len, vocabulary))
        self._cleaned, self._split = _Cleaned(), _Split()
        self._special = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + ")")

    def __len__(self) -> int:
        return len(self._words)

    @property
    def padding(self) -> int:
        """The id that fills rows of a batch."""
        return self._ids[PADDING]

    def encode(self, text: str, most: int) -> list[int]:
        """Return at most ``most`` ids (at least 2), the start's and the end's included.

        What is beyond is left out. Raises ``ValueError`` for a smaller ``most``, or for no string.
        """
        if most < 2:
            raise ValueError(f"most must leave room for start and end, at least 2, got {most!r}")
        if not isinstance(text, str):
            raise ValueError(f"text must be a string, got {type(text).__name__}")
        found = [self._ids[START]]
        for word in self._basic(text):
            if len(found) >= most - 1:
                break
            found += [self._ids[word]] if word in SPECIAL else self._pieces(word)
        return [*found[: most - 1], self._ids[END]]

    def words(self, ids: Sequence[int]) -> list[str]:
        """Return the vocabulary's words of ids."""
        return [self._words[i] for i in ids]

    def _basic(self, text: str) -> Iterator[str]:
        """Yield words, marks of punctuation and names of special tokens."""
        for i, part in enumerate(self._special.split(text)):
            if i % 2:
                yield part
                continue
            plain = unicodedata.normalize("NFD", part.translate(self._cleaned))
            # str.lower writes a final sigma of its own, the vocabulary knows the plain one alone.
            yield from plain.replace("Σ", "σ").lower().translate(self._split).split()

    def _pieces(self, word: str) -> list[int]:
        """Return the ids of the longest pieces from the left, or that of unknown."""
        if len(word) > LONGEST_WORD:
            return [self._ids[UNKNOWN]]
        found: list[int] = []
        start = 0
        while start < len(word):
            before = CONTINUED if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = self._ids.get(before + word[start:end])
                if piece is not None:
                    break
            else:
                return [self._ids[UNKNOWN]]
            found.append(piece)
            start = end
        return found


class _Cleaned(dict[int, str]):
    """What takes a character's place before accents are looked at; filled as characters come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind in ("Zs", "Zl", "Zp"):
            new = " "
        elif kind in ("Cc", "Cf", "Co", "Cs") or code == 0xFFFD:
            new = ""
        elif any(first <= code <= last for first, last in _IDEOGRAPHS):
            new = f" {character} "
        else:
            new = character
        self[code] = new
        return new


class _Split(dict[int, str]):
    """Accents go, punctuation stands alone."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        # Of ASCII all that is neither letter nor digit counts, "$" and "+" too.
        symbol = 0x21 <= code <= 0x7E and not character.isalnum()
        new = "" if kind == "Mn" else f" {character} " if symbol or kind[0] == "P" else character
        self[code] = new
        return new
