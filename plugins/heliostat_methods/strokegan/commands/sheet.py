"""`heliostat sheet`: pages to draw characters on, printed and read back from a scan."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from heliostat.contract import runs_option, say
from heliostat.errors import ConfigError, StoreError
from heliostat_methods.strokegan.commands.text_files import characters_in

LISTED = "characters.txt"
"""Beside the pages: their characters, a line a page."""


@click.group()
def sheet() -> None:
    """Draw characters by hand: print pages with boxes, read the scans back."""


@sheet.command("print")
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", required=True,
              help="Where the pages go, as PNG, with characters.txt.")  # fmt: skip
@click.option("--source", help="Font of the small characters above the boxes [default: sample-kai, "
              "or that of the run]")  # fmt: skip
@click.option("--count", type=click.IntRange(1), default=160, show_default=True,
              help="So many, chosen so that confusable ones have an anchor.")  # fmt: skip
@click.option("--characters", type=click.Path(path_type=Path), metavar="FILE",
              help="These instead.")  # fmt: skip
@click.option("--worst", metavar="RUN",
              help="Instead the --count that a run draws worst.")  # fmt: skip
@click.option("--target", help="Of --worst: the target font, where the run had several.")
@runs_option
def print_sheet(
    out: Path, source: str | None, count: int, characters: Path | None, worst: str | None,
    target: str | None, runs: Path | None,
) -> None:  # fmt: skip
    """Write pages for an A4 printer (150 dots an inch), each with 56 boxes to draw in."""
    from heliostat_methods.strokegan.font_file.sheet import make_sheet, sheet_pages
    from heliostat_methods.strokegan.fonts.catalogue import resolved
    from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer

    if worst is not None and characters is not None:
        raise ConfigError("--worst", worst, "either --worst or --characters")
    if target is not None and worst is None:
        raise ConfigError("--target", target, "--worst too, of whose run it is a font")
    told: list[str] = []
    worst_of = None if worst is None else _worst(worst, runs, count, target)
    source = source or ("sample-kai" if worst_of is None else worst_of[0])
    try:
        file, face = resolved(source)
        known = GlyphRenderer(file, face).characters
    except (ValueError, ImportError) as error:
        raise ConfigError("--source", source, "a font that is here", str(error)) from None
    if worst_of is not None:
        chosen, held_out = worst_of[1], worst_of[2]
        if len(chosen) < count:
            told = wrap(f"These are the worst {len(chosen)} of {held_out} held-out characters: "
                        "a run keeps no more than 50, and half of them have to stay undrawn, to "
                        "judge by.", 80)  # fmt: skip
        lacking = [one for one in chosen if one not in known]
        if lacking:
            raise ConfigError("--source", source, "the run's source font",
                              f"it lacks {' '.join(lacking[:20])}")  # fmt: skip
    elif characters is not None:
        chosen = characters_in(characters, known)
    else:
        chosen = _anchors(known, count)
    if (out / LISTED).exists():
        raise ConfigError(
            "--out",
            str(out),
            "a folder without pages",
            f"its {LISTED} is needed to read scans of those printed before",
        )
    pages = sheet_pages(chosen)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, some in enumerate(pages, 1):
            page = make_sheet(some, font=file, face=face, page=number)
            page.save(out / f"page-{number}.png", dpi=(150, 150))
        lines = "\n".join("".join(some) for some in pages)
        (out / LISTED).write_text(lines + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError("--count", len(chosen), "pages that can be printed", str(error)) from None
    say(
        f"{len(pages)} {'page' if len(pages) == 1 else 'pages'} for {len(chosen)} "
        f"{'character' if len(chosen) == 1 else 'characters'} in {out}",
        *told,
        "Print them in full size, draw in the boxes with a dark pen, scan whole pages, then:",
        f"  heliostat sheet read SCAN.png ... --characters {shlex.quote(str(out / LISTED))} "
        "--out DRAWINGS",
    )


@sheet.command("read")
@click.argument(
    "scans", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCAN..."
)
@click.option("--characters", type=click.Path(path_type=Path), metavar="FILE", required=True,
              help="The characters.txt of the pages.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", required=True,
              help="Where the drawings go, a PNG each.")  # fmt: skip
@click.option("--px", type=click.IntRange(16, 1024), default=256, show_default=True,
              help="Pixels of a drawing's side.")  # fmt: skip
def read_scans(scans: tuple[Path, ...], characters: Path, out: Path, px: int) -> None:
    """Find the boxes in scans of pages, in any order, turned or not, and cut them out."""
    from heliostat_methods.strokegan.font_file.sheet import sheet_pages

    pages = sheet_pages(characters_in(characters))
    found: dict[int, Path] = {}
    pictures: dict[str, Any] = {}
    for scan in scans:
        number, boxes = _read(scan, pages, characters, px)
        if number in found:
            raise ConfigError("SCAN", str(scan), "each page once",
                              f"{found[number]} is page {number} too")  # fmt: skip
        found[number] = scan
        pictures |= dict(zip(pages[number - 1], boxes, strict=True))
    drawn = {char: picture for char, picture in pictures.items() if (picture < 0.5).any()}
    if not drawn:
        raise ConfigError("SCAN", str(scans[0]), "pages with drawings", "every box is empty")
    _write(drawn, out)
    empty = [char for char in pictures if char not in drawn]
    lines = [f"{len(drawn)} drawings in {out}"]
    if empty:
        lines.append(f"empty boxes: {' '.join(empty[:40])}"
                     + (f" and {len(empty) - 40} more" if len(empty) > 40 else ""))  # fmt: skip
    missing = [number for number in range(1, len(pages) + 1) if number not in found]
    if missing:
        lines.append(f"pages without a scan: {', '.join(map(str, missing))}")
    say(*lines)


def _read(scan: Path, pages: Sequence[Sequence[str]], characters: Path, px: int) -> tuple[int, Any]:
    from heliostat_methods.strokegan.font_file.page_number import check_of
    from heliostat_methods.strokegan.font_file.scan import read_page, read_sheet

    try:
        printed = read_page(scan)
        if printed is None:
            raise ConfigError("SCAN", str(scan), "a scan in which the page's number can be read",
                              "it is in the squares between the upper marks")  # fmt: skip
        number, check = printed
        if number > len(pages):
            raise ConfigError("SCAN", str(scan), f"one of the {len(pages)} pages of --characters",
                              f"its number is {number}")  # fmt: skip
        if check != check_of(pages[number - 1]):
            raise ConfigError("--characters", str(characters), "the list written with the page",
                              f"{scan} was printed with other characters, or is smudged between "
                              "the upper marks")  # fmt: skip
        return number, read_sheet(scan, pages[number - 1], px=px)
    except (OSError, ValueError) as error:
        raise ConfigError("SCAN", str(scan), "a scan of a whole page", str(error)) from None


def _write(drawn: dict[str, Any], out: Path) -> None:
    import numpy as np

    from heliostat_methods.strokegan.font_file.libraries import pillow
    from heliostat_methods.strokegan.fonts.drawings import drawing_name

    there = [char for char in drawn if (out / drawing_name(char)).exists()]
    if there:
        raise ConfigError("--out", str(out), "a folder without drawings of these characters",
                          f"it has {' '.join(there[:20])}")  # fmt: skip
    try:
        out.mkdir(parents=True, exist_ok=True)
        for char, picture in drawn.items():
            grey = np.rint(255 * picture).astype(np.uint8)
            pillow("Image").fromarray(grey).save(out / drawing_name(char))
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}") from error


def _worst(
    name: str, runs: Path | None, count: int, target: str | None
) -> tuple[str, list[str], int]:
    """Return the source font, at most half of a font's held-out characters, and their number."""
    from heliostat.contract import RunView, find, runs_root

    view = RunView(find(name, runs_root(runs)))
    result = view.result if view.method == "strokegan" else None
    if result is None:
        raise ConfigError("--worst", view.id, "a run of strokegan that has ended",
                          f"it is a run of {view.method}, {view.state}")  # fmt: skip
    # the last of a table is the method itself, or what went on with drawings
    rows = [row for row in result["rows"] if row["scores"] and row["variant"] != "copy_source"]
    targets = result["targets"]
    if target not in targets and (target is not None or len(targets) > 1):
        raise ConfigError(
            "--target", target or "not given", f"a target font of the run: {', '.join(targets)}"
        )
    rows = [row for row in rows if target is None or row["target"] == target]
    if not rows:
        raise ConfigError("--worst", view.id, "a run that trained a generator")
    held_out = result["ceilings"][rows[-1]["target"]]["counts"][1]
    most = min(count, held_out // 2)
    return result["source"], [char for char, *_ in rows[-1]["worst"][:most]], held_out


def _anchors(known: frozenset[str], count: int) -> list[str]:
    """Return characters chosen as pairs are: one of each class of equal codes in turn."""
    from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1
    from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
    from heliostat_methods.strokegan.strokes.pair_selection import PairSelector

    encoder = StrokeEncoder()
    common = [char for char in gb2312_level1() if char in known and encoder.knows(char)]
    if count > len(common):
        raise ConfigError("--count", count, f"at most the {len(common):,} characters of GB2312 "
                          "level 1 that the font has")  # fmt: skip
    rows = PairSelector("collision", n_pairs=count).select(encoder.encode_all(common), 0)
    return [common[row] for row in sorted(rows.tolist())]
