"""`heliostat font`: the characters of a trained generator as a font file, or a sheet to draw on."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from heliostat.contract import json_option, print_json, runs_option, say
from heliostat.errors import ConfigError, StoreError, did_you_mean
from heliostat_methods.strokegan.commands.text_files import characters_in

LEGIBLE = 0.5
"""IoU of outlines and pictures below which a font is told to be none yet."""

# Numerical libraries load inside the command: it is made for every help text.


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), metavar="NAME.ttf", required=True,
              help="The file: .ttf has quadratic curves, .otf cubic ones.")  # fmt: skip
@click.option("--variant", help="Whose generator draws [default: strokegan_plus, or the first].")
@click.option("--target", help="The target font, where a run had several.")
@click.option("--characters", type=click.Path(path_type=Path), metavar="FILE",
              help="Text with the characters [default: all of the source font].")  # fmt: skip
@click.option("--family", default="Heliostat Generated", show_default=True,
              help="The family's name in the font.")  # fmt: skip
@click.option("--allow-restricted", is_flag=True,
              help="Write it although a font it is made of restricts embedding.")  # fmt: skip
@click.option("--drawings-licence", metavar="TEXT",
              help="What may be done with glyphs drawn by hand, for the name table.")  # fmt: skip
@runs_option
@json_option
def font(
    run_name: str,
    out: Path,
    variant: str | None,
    target: str | None,
    characters: Path | None,
    family: str,
    allow_restricted: bool,
    drawings_licence: str | None,
    runs: Path | None,
    as_json: bool,
) -> None:
    """Draw every character with a run's generator, and write an installable font.

    The file is opened again and held against the drawings: heliostat font last --out mine.ttf
    """
    from heliostat_methods.strokegan.font_file.export import export_font
    from heliostat_methods.strokegan.glyph_sets import renderer

    made = _generator(run_name, runs, variant, target)
    size = int(made.glyphs.source.shape[1])
    source = renderer("RUN", made.source, size)
    roles = [("source", made.source), ("target", made.target)]
    roles += [("drawings", folder) for folder in made.drawings]
    try:
        licences = [_licence(role, name, drawings_licence) for role, name in roles]
    except ValueError as error:
        raise ConfigError("RUN", run_name, "fonts whose licence can be told", str(error)) from None
    if characters is None:
        chosen, pictures = _with_ink(source)
    else:
        chosen = characters_in(characters, source.characters)
        try:
            pictures = source.render(chosen)
        except ValueError as error:
            raise ConfigError("--characters", str(characters), "characters that the source font "
                              "draws", str(error)) from None  # fmt: skip
    drawn = made.drawn(pictures)
    try:
        report = export_font(drawn, chosen, out, family=family, licences=licences,
                             allow_restricted=allow_restricted, leave_out=True)  # fmt: skip
    except ValueError as error:
        raise ConfigError("--out", str(out), "a font that can be written", str(error)) from None
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror}") from error
    if as_json:
        check = report.check
        print_json({
            "file": str(out), "glyphs": len(check.glyphs), "bytes": report.bytes,
            "iou": check.mean_iou, "least_iou": check.least_iou, "variant": made.variant,
            "left_out": "".join(report.left_out),
        })  # fmt: skip
        return
    lines = [f"{made.variant}, {made.source} to {made.target}, {size} px", *wrap(str(report), 80)]
    if report.left_out:
        lines += wrap(f"left out, since no ink reaches a half: {len(report.left_out):,} characters"
                      f", {''.join(report.left_out[:40])}", 80)  # fmt: skip
    if report.check.mean_iou < LEGIBLE:
        lines += wrap("These outlines are far from the pictures, which are too pale or too ragged "
                      "to trace: train longer, or at a larger size.", 80)  # fmt: skip
    say(*lines)


def _with_ink(source: Any) -> tuple[list[str], Any]:
    """Return all characters of a font that are drawn, spaces left out, and their pictures."""
    from heliostat_methods.strokegan.fonts.errors import CharactersMissing

    chosen = sorted(char for char in source.characters if unicodedata.category(char)[0] not in "CZ")
    try:
        return chosen, source.render(chosen)
    except CharactersMissing as error:
        empty = frozenset(error.chars)
        drawn = [char for char in chosen if char not in empty]
        return drawn, source.render(drawn)


def _licence(role: str, name: str, text: str | None) -> Any:
    from heliostat_methods.strokegan.font_file.licence import FontLicence, read_licence
    from heliostat_methods.strokegan.fonts.catalogue import KNOWN_FONTS, resolved

    # a folder of drawings may be gone: what it taught is in the run
    is_font = Path(name).is_file() or any(font.name == name for font in KNOWN_FONTS)
    if role != "drawings" and is_font:
        file, face = resolved(name)
        return read_licence(file, role, face)
    if not text:
        expected = f"what may be done with the drawings in {name}, such as 'CC BY 4.0'"
        raise ConfigError("--drawings-licence", "not given", expected)
    return FontLicence(role, Path(name).name, text)


def _generator(run_name: str, runs: Path | None, variant: str | None, target: str | None) -> Any:
    from heliostat.contract import RunView, find, runs_root
    from heliostat_methods.strokegan.found import product

    view = RunView(find(run_name, runs_root(runs)))
    names = [one["name"] for one in view.products() if one["kind"] == product.KIND]
    if not names:
        raise ConfigError("RUN", view.id, "a run of strokegan that left a generator",
                          f"it is {view.state}")  # fmt: skip
    found = [view.product(name) for name in names]
    if target is not None:
        targets = list(dict.fromkeys(one.target for one in found))
        found = [one for one in found if one.target == target]
        if not found:
            raise ConfigError("--target", target, "a target font of the run",
                              did_you_mean(target, targets))  # fmt: skip
    targets = list(dict.fromkeys(one.target for one in found))
    if len(targets) > 1:
        raise ConfigError("--target", "not given", f"one of the run's: {', '.join(targets)}")
    wanted = variant or "strokegan_plus"
    of_variant = [one for one in found if one.variant == wanted]
    if variant is not None and not of_variant:
        raise ConfigError("--variant", variant, "a variant of the run that has a generator",
                          did_you_mean(variant, [one.variant for one in found]))  # fmt: skip
    return (of_variant or found)[0]
