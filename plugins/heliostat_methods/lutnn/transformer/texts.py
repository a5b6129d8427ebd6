"""Real English sentences that every machine has: what the installed libraries say of themselves.

They come from descriptions of data sets and from docstrings, read as files: nothing is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LIBRARIES = ("numpy", "scipy", "sklearn")
LEAST_WORDS, MOST_WORDS = 5, 40
MOST_OF_FILE = 8
"""Sentences of one file before every other file has given as many."""
PLAIN = 0.9
"""Share of letters, blanks and marks from which on a sentence is prose and no formula."""
_QUOTED = re.compile(r"(?::[\w:]+:)?`{1,2}~?([^`<]*[^`<\s])(?: *<[^`>]*>)?`{1,2}_*")
_REFERENCE = re.compile(r" *\[[\w.]+\]_")
_EMPHASIS = re.compile(r"\*{1,2}(\w[^*]*)\*{1,2}")
_END = re.compile(r"(?<=[a-z0-9)][.?!]) +(?=[A-Z])")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_TITLE = re.compile(r"^.*\n[ \t]*([-=~^*])\1{2,}[ \t]*$", re.MULTILINE)
# Signs of formulas and of code, of markup that was not understood, and of a parameter's type.
_NO_PROSE = re.compile(r"[`\\|<>{}=]|:\w+:| : |::|>>>|\.\. ")


def real_sentences(count: int, seed: int) -> list[str]:
    """Return ``count`` different sentences of 5 to 40 words, of files in an order by ``seed``.

    A smaller count of the same seed is the start of a larger one. Other versions of the libraries
    have other sentences. Raises ``ValueError`` for a count below 1 or above what is installed, and
    for a seed that numpy does not take.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"count must be a whole number of sentences, at least 1, got {count!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a whole number, at least 0, got {seed!r}")
    found: dict[str, None] = {}
    for sentence in _drawn(np.random.default_rng(seed)):
        found[sentence] = None
        if len(found) == count:
            return list(found)
    raise ValueError(
        f"count must be at most {len(found)}, the sentences that the installed "
        f"{', '.join(LIBRARIES)} hold, got {count}"
    )


def sentences_of(text: str) -> list[str]:
    """Return the sentences of prose in a text of reStructuredText, its markup left out."""
    kept: list[str] = []
    for paragraph in _PARAGRAPH.split(_TITLE.sub("\n", text)):
        lines = paragraph.strip().splitlines()
        # Lines that start in several columns are lists, tables or parameters.
        if not lines or len({len(line) - len(line.lstrip()) for line in lines[1:]}) > 1:
            continue
        plain = _plain(" ".join(line.strip() for line in lines))
        kept += [one for one in map(str.strip, _END.split(plain)) if _is_prose(one)]
    return kept


def _drawn(generator: np.random.Generator) -> Iterator[str]:
    """Yield some sentences of every file, then the others."""
    files = _files()
    others: list[str] = []
    for i in generator.permutation(len(files)):
        all_of_file = _sentences(files[i])
        order = [all_of_file[j] for j in generator.permutation(len(all_of_file))]
        yield from order[:MOST_OF_FILE]
        others += order[MOST_OF_FILE:]
    yield from others


@cache
def _files() -> tuple[Path, ...]:
    """Return the libraries' files of Python and of text, sorted by their path in the library."""
    found: list[Path] = []
    for library in LIBRARIES:
        spec = find_spec(library)  # finds it without importing it
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(f"sentences come from the installed {library}, which is not found")
        folder = Path(spec.submodule_search_locations[0])
        found += [
            file
            for file in sorted(folder.rglob("*"))
            if file.suffix in (".py", ".rst") and "tests" not in file.relative_to(folder).parts
        ]
    return tuple(found)


@cache
def _sentences(file: Path) -> tuple[str, ...]:
    text = file.read_text(encoding="utf-8", errors="replace")
    texts = [text] if file.suffix == ".rst" else _docstrings(text)
    return tuple(dict.fromkeys(one for text in texts for one in sentences_of(text)))


def _docstrings(source: str) -> list[str]:
    try:
        places: list[ast.Module | ast.ClassDef | ast.FunctionDef] = [ast.parse(source)]
    except SyntaxError:  # a template, or code of a later Python
        return []
    # Only bodies are looked into: a walk over all expressions takes longer than parsing.
    for place in places:
        if not isinstance(place, ast.FunctionDef):
            places += [one for one in place.body if isinstance(one, ast.ClassDef | ast.FunctionDef)]
    return [text for place in places if (text := ast.get_docstring(place))]


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\1", _REFERENCE.sub("", _QUOTED.sub(r"\1", text)))


def _is_prose(sentence: str) -> bool:
    words = sentence.split()
    if not (LEAST_WORDS <= len(words) <= MOST_WORDS and sentence[0].isupper()):
        return False
    if sentence[-1] not in ".?!" or not sentence.isascii() or _NO_PROSE.search(sentence):
        return False
    plain = sum(c.isalpha() or c in " ,.'-" for c in sentence)
    return plain >= PLAIN * len(sentence)
