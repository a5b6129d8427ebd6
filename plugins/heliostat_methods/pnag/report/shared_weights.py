"""The supernet: its loss, and whether its weights rank networks as training them alone does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.pnag.report.units import bare, percent
from heliostat_methods.pnag.report.wording import proxy_text, trained


def weights_section(result: Mapping[str, Any]) -> list[Section]:
    """Return what shared weights are worth; nothing for networks that were looked up."""
    if not trained(result):
        return []
    return [Section("Shared weights", [*_plots(result), Text(proxy_text(result)),
                                       *_table(result)])]  # fmt: skip


def _plots(result: Mapping[str, Any]) -> list[Plot]:
    plots = []
    if result["retrained"]:
        plots.append(_scatter(result))
    if result["losses"]:
        epochs = [float(at) for at in range(1, len(result["losses"]) + 1)]
        plots.append(Plot(
            "Loss of the supernet", "epoch", "mean loss of its subnets",
            [Series("supernet", epochs, result["losses"])],
            note="Where it still falls at the end, more epochs would change accuracies and maybe "
            "the order of networks.",
        ))  # fmt: skip
    return plots


def _scatter(result: Mapping[str, Any]) -> Plot:
    pairs = result["retrained"]
    ends = [end(one[name] for one in pairs for name in ("shared", "alone")) for end in (min, max)]
    return Plot(
        "Shared weights against training alone", "accuracy by shared weights",
        "accuracy trained alone",
        [Series("networks", [one["shared"] for one in pairs], [one["alone"] for one in pairs],
                style="points"),
         Series("equal", ends, ends)],
        note="Order matters, not the level: a search by shared weights is right where points rise "
        "together. Each network was trained once, so their places hold luck as well.",
    )  # fmt: skip


def _table(result: Mapping[str, Any]) -> list[Table]:
    if not result["retrained"]:
        return []
    rows = [
        [one["text"], bare(result["quantity"], one["cost"]), percent(one["shared"]),
         percent(one["alone"])]
        for one in result["retrained"]
    ]  # fmt: skip
    heads = ["architecture", "cost", "shared weights", "alone"]
    return [Table(heads, rows, "The same validation images; networks at even ranks of cost.")]
