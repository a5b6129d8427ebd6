"""What a terminal shows at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from heliostat.contract import next_command
from heliostat_methods.strokegan.report.over_fonts import mean_ceiling, mean_rows

WIDTH = 80
COLUMNS = (("retrieval", "retrieval", 3), ("l1", "L1", 3), ("ssim", "SSIM", 3),
           ("distinct_nearest", "distinct", 3), ("stroke_error", "strokes", 3),
           ("content", "content", 3))  # fmt: skip
"""Metric, head, digits."""
SHORT = {"copy_source": "copied", "l1_pairs_only": "pairs", "cyclegan_fs3": "fs3",
         "strokegan_plus": "plus", "strokegan_released": "released", "pix2pix": "p2p",
         "pix2pix_stroke": "p2p+st", "zi2zi_lite": "zi2zi", "zi2zi_stroke": "zi2zi+st"}  # fmt: skip
"""Heads of variants where they are columns."""
BESIDE = 6
"""Variants beside each other."""
FEW = 2
"""Fonts up to which each has a table of its own."""


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows of a result."""
    targets = result["targets"]
    lines: list[str] = []
    if len(targets) <= FEW:
        for target in targets:
            lines += [*_one_font(result, target), ""]
    else:
        lines += [*_many_fonts(result), ""]
    lines += [*_short_of(result), *_rates(result)]
    if result.get("mode_measured"):
        lines += [f"Measured to be the fastest here: {', '.join(result['mode'])}.", ""]
    taken = min(sum(one["counts"][:2]) for one in result["ceilings"].values())
    if taken < result["characters"]:
        lines += wrap(f"{result['characters']:,} characters were asked for; the fonts have "
                      f"{taken:,} in common, and with the stroke table.", WIDTH)  # fmt: skip
        lines.append("")
    lines += wrap(result["sentence"], WIDTH)
    lines += wrap(
        "retrieval: share of held-out glyphs whose own true glyph is nearest; L1: of pixels; "
        "distinct: different nearest ones. strokes (wrong bits) and content come from a reader "
        "that never saw the target font: copy_source may look good there, never alone.", WIDTH,
    )  # fmt: skip
    lines += ["", f"a font of it: {next_command('font', run_id, '--out', 'NAME.ttf')}",
              f"glyphs, curves: {next_command('report', run_id)}"]  # fmt: skip
    return "\n".join(lines)


def _one_font(result: dict[str, Any], target: str) -> list[str]:
    ceiling = result["ceilings"][target]
    train, test, pairs = ceiling["counts"]
    lines = wrap(
        f"{result['source']} to {target}, {result['size']} px: {train:,} characters train "
        f"({pairs:,} known in both fonts), {test:,} held out"
        + (f", {ceiling['unpaired']:,} of the source font alone" if ceiling["unpaired"] else "")
        + f"; {result['steps']:,} steps.", WIDTH,
    )  # fmt: skip
    lines += ["", _head(), _line("true glyphs", ceiling["scores"])]
    for row in (one for one in result["rows"] if one["target"] == target):
        if not row["scores"]:
            lines.append(f"{row['variant']:<19}failed: {row['failed']}"[:WIDTH])
            continue
        means = {name: score["mean"] for name, score in row["scores"].items()}
        lines.append(_line(row["variant"], means))
    return lines


def _many_fonts(result: dict[str, Any]) -> list[str]:
    targets, rows = result["targets"], mean_rows(result)
    lines = wrap(
        f"{result['source']} to {len(targets)} fonts, {result['size']} px, {result['steps']:,} "
        f"steps, seeds of each: {result['seeds']}; means over fonts.", WIDTH,
    )  # fmt: skip
    lines += ["", _head(), _line("true glyphs", mean_ceiling(result))]
    for row in rows:
        if not row["means"]:
            lines.append(f"{row['variant']:<19}failed for every font")
            continue
        lines.append(_line(row["variant"], row["means"]))
    names = [row["variant"] for row in rows]
    by_font = {(row["target"], row["variant"]): row["scores"] for row in result["rows"]}
    for begin in range(0, len(names), BESIDE):
        some = names[begin : begin + BESIDE]
        lines += ["", f"{'retrieval of':<22}" + "".join(f"{SHORT.get(n, n):>9.9}" for n in some)]
        for target in targets:
            cells = ""
            for name in some:
                scores = by_font.get((target, name))
                cells += f"{scores['retrieval']['mean']:>9.3f}" if scores else f"{'failed':>9}"
            shown = target if len(target) <= 22 else "..." + target[-19:]
            lines.append(f"{shown:<22}" + cells)
    return lines


def _short_of(result: dict[str, Any]) -> list[str]:
    """Return what was not trained to the end, a line each."""
    lines = []
    for row in result["rows"]:
        if not row["scores"]:
            continue
        parts = [f"{row[what]} of {row['trainings']} {word}"
                 for what, word in (("failures", "failed"), ("diverged", "diverged"))
                 if row[what]]  # fmt: skip
        if parts:
            lines += wrap(f"{row['variant']}, {row['target']}: {', '.join(parts)}", WIDTH)
    return [*lines, ""] if lines else []


def _head() -> str:
    return f"{'variant':<19}" + "".join(f"{head:>10}" for _, head, _ in COLUMNS)


def _line(name: str, scores: Mapping[str, float]) -> str:
    cells = (f"{scores[metric]:>10.{digits}f}" for metric, _, digits in COLUMNS)
    return f"{name:<19}" + "".join(cells)


def _rates(result: dict[str, Any]) -> list[str]:
    """Return the rates that were chosen; nothing where one alone was given."""
    chosen = [one for one in result["rates"] if one["tried"]]
    if not chosen:
        return []
    told = ", ".join(
        f"{one['variant']} {one['rate']:g}"
        + (" (at the edge of those tried)" if one["edge"] else "")
        for one in chosen
    )
    return [*wrap(f"Rates, by characters held back from training: {told}.", WIDTH), ""]
