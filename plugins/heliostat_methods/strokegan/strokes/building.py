"""Makes `data/strokes.tsv` from two npm packages, without node and without running their code.

    npm pack cnchar-order@3.2.6
    npm pack hanzi-writer-data@2.0.1
    python -m heliostat_methods.strokegan.strokes.building CNCHAR.tgz HANZI.tgz

The first package holds letters for the strokes of 6,939 characters, the second the median lines
that tell apart the strokes that share a letter. Licence texts of both are written beside.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from heliostat.terminal import say
from heliostat_methods.strokegan.strokes.letters import Median, stroke_ids
from heliostat_methods.strokegan.strokes.table import DATA, FILE, written

ORDERS_JS = "package/cnchar.order.min.js"
MOST_BYTES = 1 << 24
"""Bytes that a member of a package may have."""
CNCHAR_LICENCE, MEDIANS_LICENCE = "LICENSE.cnchar-order", "LICENSE.hanzi-writer-data"


def letters_of(cnchar: Path) -> dict[str, str]:
    """Return characters with the letters of their strokes, from the package cnchar-order.

    Raises ``ValueError`` for a file that is not that package.
    """
    text = _member(cnchar, ORDERS_JS).decode("utf-8")
    # The script hands its data to JSON.parse as literals; the first maps characters to letters.
    found = re.search(r"JSON\.parse\('(\{.*?\})'\)", text)
    try:
        orders = json.loads(found[1]) if found else None
    except json.JSONDecodeError:
        orders = None
    if not isinstance(orders, dict) or not all(isinstance(one, str) for one in orders.values()):
        raise ValueError(f"{cnchar.name}: {ORDERS_JS} holds no characters with their letters")
    return orders


def medians_of(hanzi: Path, chars: Iterable[str]) -> dict[str, Sequence[Median]]:
    """Return the median lines of those of the characters that hanzi-writer-data has."""
    wanted, found = {f"package/{char}.json": char for char in chars}, {}
    with _opened(hanzi) as package:
        for member in package:
            if member.name in wanted and member.isfile() and member.size <= MOST_BYTES:
                file = package.extractfile(member)
                found[wanted[member.name]] = json.load(file)["medians"] if file else []
    return found


def strokes_of(
    letters: Mapping[str, str], medians: Mapping[str, Sequence[Median]]
) -> dict[str, tuple[str, ...]]:
    """Return every character with the ids of its strokes in writing order."""
    return {char: stroke_ids(char, word, medians.get(char)) for char, word in letters.items()}


def build(cnchar: Path, hanzi: Path, folder: Path = DATA) -> int:
    """Write the table and both licences into a folder; return how many characters it has."""
    letters = letters_of(cnchar)
    strokes = strokes_of(letters, medians_of(hanzi, letters))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(written(strokes), encoding="utf-8")
    (folder / CNCHAR_LICENCE).write_bytes(_member(cnchar, "package/LICENSE"))
    (folder / MEDIANS_LICENCE).write_bytes(_member(hanzi, "package/ARPHICPL.TXT"))
    return len(strokes)


def _member(package: Path, name: str) -> bytes:
    with _opened(package) as opened:
        try:
            file = opened.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise ValueError(f"{package.name} must hold {name}, does not")
        return file.read(MOST_BYTES)


def _opened(package: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(package, "r:gz")
    except (OSError, tarfile.TarError) as error:
        raise ValueError(f"{package} must be an npm package (.tgz): {error}") from None


def main(arguments: Sequence[str]) -> int:
    """Build from the two packages named; return the exit status."""
    if len(arguments) != 2:
        say("usage: python -m heliostat_methods.strokegan.strokes.building CNCHAR.tgz HANZI.tgz")
        return 2
    try:
        count = build(Path(arguments[0]), Path(arguments[1]))
    except ValueError as error:
        say(str(error))
        return 1
    say(f"{count:,} characters in {DATA / FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
