"""What each variant makes of the network: parameters, layers converted, layers skipped and why."""

from __future__ import annotations

from heliostat.report import Folded, Section, Table, Text
from heliostat_search.trainings.numbers import Plain


def layers(outcome: Plain) -> list[Section]:
    """Return parameters added by variant, and which layers were converted."""
    some = outcome["variants"]
    rows = [
        [one["label"], one["sentence"], f"{one['parameters']:,}", f"{one['added']:,}",
         f"{len(one['converted'])}"]
        for one in some
    ]  # fmt: skip
    head = ["variant", "what it is", "parameters", "added", "layers"]
    table = Table(head, rows, "Trained parameters, and how many layers are under a mask.")
    return [Section("Parameters and layers", [table, *_converted(outcome)])]


def _converted(outcome: Plain) -> list[Text | Folded]:
    masked = [one for one in outcome["variants"] if one["converted"]]
    if not masked:
        return [Text("No layer is under a mask.")]
    told: list[Text | Folded] = []
    by_layers: dict[tuple[str, ...], list[str]] = {}
    for one in masked:
        by_layers.setdefault(tuple(one["converted"]), []).append(one["label"])
    for names, labels in by_layers.items():
        told.append(Text(f"Under a mask with {', '.join(labels)}: {', '.join(map(_name, names))}."))
    rows = [
        [one["label"], _name(name), reason]
        for one in outcome["variants"]
        for name, reason in one["skipped"]
    ]
    if not rows:
        return [*told, Text("No convolution was skipped.")]
    table = Table(["variant", "layer", "why it stays as it is"], rows)
    return [*told, Folded(f"Convolutions that stay ordinary ({len(rows)})", [table])]


def _name(layer: str) -> str:
    return f"layer {layer}" if layer else "the network"
