"""What networks cost beside what they are worth: bytes, multiply-adds, layer by layer."""

from __future__ import annotations

from heliostat.report import Folded, Plot, Section, Series, Table, Text
from heliostat_methods.lutnn.report.wording import shown_lookup, size_text
from heliostat_search.trainings.numbers import Plain, half_width, middle
from heliostat_search.trainings.wording import line_of, metric_text

_SMALLER = (
    "Tables of K centroids are 4V/K times smaller than float32 weights and V/K times smaller than "
    "int8 ones, and centroids come on top: where V is below K an int8 network is the smaller one."
)


def costs(outcome: Plain) -> list[Section]:
    """Return sizes against the metric, and the account of each layer."""
    content: list[Plot | Table | Text | Folded] = [*_picture(outcome), Text(size_text(outcome))]
    rows = [
        [
            one["label"], one["sentence"], f"{one['macs']:,}", f"{one['bytes']:,}",
            f"{one['dense_bytes'] / one['bytes']:.2f}",
        ]
        for one in outcome["variants"]
    ]  # fmt: skip
    head = ["variant", "what it is", "multiply-adds", "bytes", "smaller"]
    content.append(Table(
        head, rows, "Of one sample, in linear layers and convolutions; a lookup counts an addition "
        "for each codebook and output. Bytes are of all numbers, in the form that is shipped.",
    ))  # fmt: skip
    content += [*_layers(outcome), Text(_SMALLER), *_skipped(outcome)]
    return [Section("Size and cost", content)]


def _picture(outcome: Plain) -> list[Plot]:
    series = []
    for one in outcome["variants"]:
        line = line_of(one, "equal_steps")
        mean = None if line is None else middle(line)
        if line is None or mean is None:
            continue
        half = half_width(line) or 0.0
        x = [one["bytes"] / 1024]
        series.append(
            Series(one["label"], x, [mean], [mean - half], [mean + half], style="points")
            if half
            else Series(one["label"], x, [mean], style="points")
        )
    if not series:
        return []
    metric = metric_text(outcome)
    return [
        Plot(
            f"Test {metric} against size", "size of all numbers, KiB", metric, series, log_x=True,
            note="Down and to the left is better. Bars are 95 % intervals over paired trainings.",
        )
    ]  # fmt: skip


def _layers(outcome: Plain) -> list[Table]:
    one = shown_lookup(outcome)
    if one is None:
        return []
    rows = [
        [
            row["name"] or "the network", f"{row['features']} to {row['outputs']}",
            f"{row['length']}", f"{row['dense_macs'] / max(1, row['lookup_macs']):.2g}",
            f"{row['dense_bytes'] / row['lookup_bytes']:.2g}",
            f"{row['int8_bytes'] / row['lookup_bytes']:.2g}", f"{row['error']:.3f}",
        ]
        for row in one["layers"]
    ]  # fmt: skip
    head = ["layer", "features", "V", "fewer multiply-adds", "smaller than float32",
            "than int8", "error at first"]  # fmt: skip
    told = (
        f"Layers of {one['label']} that look up, how many times less each takes than dense. The "
        "error is |y - y'| / |y| of its products, bias left out, before fine-tuning, over rows of "
        "calibration."
    )
    return [Table(head, rows, told)]


def _skipped(outcome: Plain) -> list[Folded]:
    rows = [
        [one["label"], name or "the network", reason]
        for one in outcome["variants"]
        for name, reason in one["skipped"]
    ]
    if not rows:
        return []
    table = Table(["variant", "layer", "why it stays as it is"], rows)
    return [Folded(f"Layers that stay dense ({len(rows)})", [table])]
