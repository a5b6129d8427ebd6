"""What a terminal shows at the end of a run."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from heliostat.contract import next_command

WIDTH = 80
COLUMNS = (("retrieval", "retrieval", 3), ("l1", "L1", 3), ("ssim", "SSIM", 3),
           ("distinct_nearest", "distinct", 3), ("stroke_error", "strokes", 3),
           ("content", "content", 3))  # fmt: skip
"""Metric, head, digits."""


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows of a result."""
    lines: list[str] = []
    for target in result["targets"]:
        ceiling = result["ceilings"][target]
        train, test, pairs = ceiling["counts"]
        lines += wrap(
            f"{result['source']} to {target}, {result['size']} px: {train:,} characters train "
            f"({pairs:,} known in both fonts), {test:,} held out; {result['steps']:,} steps.",
            WIDTH,
        )  # fmt: skip
        lines += ["", f"{'variant':<19}" + "".join(f"{head:>10}" for _, head, _ in COLUMNS)]
        lines.append(
            f"{'true glyphs':<19}"
            + "".join(f"{ceiling['scores'][name]:>10.{digits}f}" for name, _, digits in COLUMNS)
        )
        for row in (one for one in result["rows"] if one["target"] == target):
            if not row["scores"]:
                lines.append(f"{row['variant']:<19}failed: {row['failed']}"[:WIDTH])
                continue
            lines.append(
                f"{row['variant']:<19}"
                + "".join(
                    f"{row['scores'][name]['mean']:>10.{digits}f}" for name, _, digits in COLUMNS
                )
                + (" diverged" if row["diverged"] else "")
            )
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
