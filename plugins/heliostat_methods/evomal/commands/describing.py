"""What a terminal shows of one loss: `heliostat losses show`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from heliostat_methods.evomal.report.formulas import training_lines
from heliostat_methods.evomal.report.label_texts import labels_text


def account_text(account: Mapping[str, Any]) -> str:
    """Return what a terminal shows of one loss."""
    lines = [account["label"]]
    if "latex" not in account:
        lines.append(f"  {account['formula']}")
    else:
        lines.append(f"  m(y, f) = {account['formula']}")
        lines += [f"  LaTeX     {account['latex']}", f"  prefix    {account['prefix']}"]
    if account["fitness"] is not None:
        lines.append(f"  found on {account['dataset']}: validation {number(account['fitness'])}")
    said = labels_text(account["task"], account.get("labels"))
    lines += textwrap.wrap(said, 79, initial_indent="  ", subsequent_indent="    ")
    lines += [f"  {line}" for line in training_lines(account.get("training"))]
    if account["task"] == "regression":
        lines += ["", *_table("output f", account["curves"], ("output", "m(y=0, f)"))]
        rests = ", ".join(f"{number(f)} for y = {y:g}" for y, f in account["equilibrium"])
        lines += [
            "",
            f"  rests at output         {rests}",
            f"  gradient at the start   {account['null_epoch']:.4g} (root mean square, f = 0)",
            f"  gradient at zero error  {account['zero_error']:.4g} (root mean square, f = y)",
        ]
    else:
        kinds = (("target", "m(y=1, p)"), ("other", "m(y=0, p)"), ("sample", "whole sample"))
        start, end = account["null_epoch"], account["zero_error"]
        smoothing = account["smoothing"]
        implied = "" if smoothing is None else f" (as label smoothing {smoothing:.4g})"
        push = f"{start['target']:+.4g} target, {start['other']:+.4g} others"
        lines += [
            "",
            *_table("p", account["curves"], *kinds),
            "",
            f"  for {account['classes']} classes:",
            f"  rests at p              {number(account['equilibrium'])}{implied}",
            f"  dL/dz at p = 1/C        {push}",
            f"  dL/dz at p = 1 - {end['gap']:g}  {end['target']:+.4g} target, "
            f"{end['other']:+.4g} others",
        ]
    lines.append(f"  implicit learning rate  {account['implicit_rate']:.4g}")
    return "\n".join(lines)


def _table(head: str, curves: Mapping[str, Any], *kinds: tuple[str, str]) -> list[str]:
    shown = [(title, curves[kind]) for kind, title in kinds if kind in curves]
    x = shown[0][1]["x"]
    lines = ["  " + f"{head:>10}" + "".join(f"{title:>14}" for title, _ in shown)]
    low, high = round(x[0], 1), round(x[-1], 1)
    marks = [low + (high - low) * k / 10 for k in range(11)]
    nearest = [min(range(len(x)), key=lambda i: abs(x[i] - mark)) for mark in marks]
    for i in dict.fromkeys(nearest):
        cells = "".join(f"{curve['value'][i]:>14.4g}" for _, curve in shown)
        lines.append(f"  {x[i]:>10.3f}{cells}")
    return lines


def number(value: float | None) -> str:
    """Return four digits, or a dash for what is not known."""
    return "-" if value is None else f"{value:.4g}"
