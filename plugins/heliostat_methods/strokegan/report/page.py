"""The page of a run: glyphs side by side first, then scores, curves and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat.contract import RunView
from heliostat.report import Folded, Image, Plot, Section, Series, Table, Text, png
from heliostat_methods.strokegan.names import ONWARD, VARIANTS
from heliostat_methods.strokegan.report.over_fonts import mean_ceiling, mean_rows

PER_LINE = 10
GAP = 2
"""White pixels between glyphs."""
METRICS = (("retrieval", "retrieval"), ("l1", "L1"), ("psnr", "PSNR, dB"), ("ssim", "SSIM"),
           ("iou", "IoU of ink"), ("distinct_nearest", "distinct nearest"),
           ("pair_distance", "pair distance"), ("content", "content"),
           ("distinct", "distinct read"), ("stroke_error", "stroke error"),
           ("fd_glyph", "fd_glyph"), ("coverage", "coverage"))  # fmt: skip


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the page; of a run that has not ended, what is known."""
    result = view.result
    if result is None:
        return [Section("So far", [Text(view.so_far() or "No training has ended yet.")])]
    sections = [_over_fonts(result)] if len(result["targets"]) > 1 else []
    for target in result["targets"]:
        rows = [row for row in result["rows"] if row["target"] == target]
        sections += [_glyphs(result, target, rows), _scores(result, target, rows)]
    sections.append(_questions(result))
    if any(one["tried"] for one in result["rates"]):
        sections.append(_rates(result))
    for target in result["targets"]:
        rows = [row for row in result["rows"] if row["target"] == target]
        sections += [_curves(target, rows), _worst(result, target, rows)]
    return sections


def _glyphs(result: dict[str, Any], target: str, rows: Sequence[dict[str, Any]]) -> Section:
    ceiling = result["ceilings"][target]
    lines = [("source", ceiling["source"])]
    lines += [(row["variant"], row["shown"]) for row in rows if row["scores"]]
    lines.append(("truth", ceiling["truth"]))
    sheet = np.concatenate([_line(np.asarray(images)) for _, images in lines])
    names = ", ".join(name for name, _ in lines)
    return Section(f"Glyphs of {target}", [
        Text(result["sentence"], strong=True),
        Image(f"Held-out characters {ceiling['characters']}", png(sheet),
              f"Line by line from above: {names}. None of these characters was seen in the target "
              "font. Look for lost strokes, and for one glyph where several belong.", scale=2),
    ])  # fmt: skip


def _line(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    padded = [np.pad(np.asarray(one, np.uint8), GAP, constant_values=255) for one in images[:16]]
    return np.concatenate(padded, axis=1)


def _scores(result: dict[str, Any], target: str, rows: Sequence[dict[str, Any]]) -> Section:
    ceiling = result["ceilings"][target]["scores"]
    table = [["true glyphs (ceiling)", *(f"{ceiling[name]:.3f}" for name, _ in METRICS)]]
    for row in rows:
        if not row["scores"]:
            table.append([row["variant"], f"failed: {row['failed']}", *[""] * (len(METRICS) - 1)])
            continue
        cells = []
        for name, _ in METRICS:
            score = row["scores"][name]
            half = f" ± {score['half']:.3f}" if score["half"] else ""
            cells.append(f"{score['mean']:.3f}{half}")
        table.append([row["variant"], *cells])
    bars = Plot(
        f"Held-out glyphs found again, {target}", "variant", "retrieval",
        [Series("mean over seeds", list(range(len(rows))),
                [row["scores"]["retrieval"]["mean"] if row["scores"] else 0.0 for row in rows],
                style="bars")],
        categories=[row["variant"] for row in rows],
        note="Share of held-out glyphs whose own true glyph is the nearest; by chance one of all.",
    )  # fmt: skip
    words = [[name, {**VARIANTS, **ONWARD}[name]] for name in (row["variant"] for row in rows)]
    return Section(f"Scores for {target}", [
        bars,
        Table(["variant", *(head for _, head in METRICS)], table,
              "Means over seeds with half of a 95 % interval. The last six come from a reader that "
              "never saw the target font, so they are capped by what it reads of the true glyphs. "
              "fd_glyph is a Fréchet distance in its features, no FID."),
        Folded("What each variant is", [Table(["variant", "what it is"], words)]),
    ])  # fmt: skip


def _over_fonts(result: dict[str, Any]) -> Section:
    ceiling = mean_ceiling(result)
    table = [["true glyphs (ceiling)", *(f"{ceiling[name]:.3f}" for name, _ in METRICS)]]
    rows = mean_rows(result)
    for row in rows:
        cells = [f"{row['means'][name]:.3f}" if row["means"] else "failed" for name, _ in METRICS]
        table.append([row["variant"], *cells])
    targets = result["targets"]
    lines = []
    for row in rows:
        mine = {one["target"]: one["scores"] for one in result["rows"]
                if one["variant"] == row["variant"]}  # fmt: skip
        values = [mine[target]["retrieval"]["mean"] if mine.get(target) else float("nan")
                  for target in targets]  # fmt: skip
        lines.append(Series(row["variant"], list(range(len(targets))), values, style="points"))
    return Section(f"Over {len(targets)} fonts", [
        Plot("Held-out glyphs found again, by font", "target font", "retrieval", lines,
             categories=list(targets),
             note="Compare points of one column: fonts differ more than variants do."),
        Table(["variant", *(head for _, head in METRICS)], table,
              "Means over fonts, each counted once."),
    ])  # fmt: skip


def _rates(result: dict[str, Any]) -> Section:
    rows = [[one["variant"], f"{one['rate']:g}", "yes" if one["edge"] else "",
             ", ".join(f"{rate:g}: {error:.3f}" for rate, error in one["tried"])]
            for one in result["rates"]]  # fmt: skip
    return Section("Rates", [Table(
        ["variant", "rate", "at the edge", "rate: share not found again"], rows,
        "Chosen for each variant on training characters that were held back for it, with seeds of "
        "their own. At the edge a better one may lie beyond those tried.",
    )])  # fmt: skip


def _questions(result: dict[str, Any]) -> Section:
    rows = [[one["words"], f"{one['one']} - {one['other']}", one["metric"],
             f"{one['difference']:+.4f}" + (f" ± {one['half']:.4f}" if one["n"] > 1 else ""),
             one["n"], f"{one['corrected']:.3f}" if one["n"] > 1 else "",
             one["verdict"]] for one in result["questions"]]  # fmt: skip
    return Section("What strokes and pairs add", [Table(
        ["what", "difference of", "metric", "mean, half interval", "pairs", "p (Holm)", "verdict"],
        rows, "Paired by seed; of several fonts by font, each the mean of its seeds. t-tests, "
        "corrected for how many there are. Nothing was chosen on these characters.",
    )])  # fmt: skip


def _curves(target: str, rows: Sequence[dict[str, Any]]) -> Section:
    plots = []
    for row in rows:
        records = row.get("records", {})
        lines = [Series(name, records["step"], values) for name, values in records.items()
                 if name != "step"]  # fmt: skip
        if lines:
            title, note = (
                f"{row['variant']}, {target}",
                ("The first seed. A stroke term that falls while pixels get worse is a collapse."),
            )
            plots.append(Plot(title, "step", "loss terms, unweighted", lines, log_y=True,
                              note=note))  # fmt: skip
    return Section(f"Curves for {target}", [Folded("Loss terms of each variant", plots)])


def _worst(result: dict[str, Any], target: str, rows: Sequence[dict[str, Any]]) -> Section:
    # a critic that reads true glyphs no better than by the commonest answer flags nothing
    ceiling = result["ceilings"][target]
    reads = ceiling["scores"]["stroke_error"] < ceiling["majority"]
    heads = ["character", "L1", *(["strokes not read", "strokes read too many"] if reads else [])]
    note = "" if reads else (" The critic reads strokes of the true glyphs by chance here, so that "
                             "it flags none: give it several critics.")  # fmt: skip
    tables = [
        Table(heads, [[char, f"{apart:.3f}", *([missing, extra] if reads else [])]
                      for char, apart, missing, extra in row["worst"]],
              f"{row['variant']}: the worst of the first seed.{note}")
        for row in rows if row["scores"] and row["variant"] != "copy_source"
    ]  # fmt: skip
    last = rows[-1]
    pictures = np.asarray(last.get("worst_shown", []))
    shown = []
    if len(pictures):
        names = "".join(char for char, *_ in last["worst"])
        shown.append(Image(
            f"The worst of {last['variant']}: {names}", png(_beside(pictures)),
            "In threes from above: source, drawn, true. What is lost here can be drawn by hand and "
            "becomes a pair: heliostat sheet print --worst.", scale=2,
        ))  # fmt: skip
    return Section(f"Worst glyphs of {target}",
                   [*shown, Folded("The worst 50 of each variant", tables)])  # fmt: skip


def _beside(pictures: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return (n, 3, px, px) as lines of glyphs, three lines for so many."""
    px = pictures.shape[-1]
    blank = np.full((-len(pictures) % PER_LINE, 3, px, px), 255, np.uint8)
    whole = np.concatenate([np.asarray(pictures, np.uint8), blank])
    return np.concatenate([
        _line(whole[begin : begin + PER_LINE, part])
        for begin in range(0, len(whole), PER_LINE) for part in range(3)
    ])  # fmt: skip
