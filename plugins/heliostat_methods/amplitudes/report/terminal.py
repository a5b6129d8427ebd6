"""What a terminal shows at the end of a run."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from heliostat.contract import next_command
from heliostat_methods.amplitudes.names import MOST_AGAIN
from heliostat_methods.amplitudes.report.wording import conclusion, legs_text, summed, verdict

WIDTH = 80


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows of a result."""
    lines = [f"{'relation':<16}{'legs':<8}{'compared':>9}  {'verdict':<15}what it says"]
    for row in summed(result["relations"]):
        head = (f"{row['relation']:<16}{legs_text(row['legs']):<8}{row['compared']:>9}  "
                f"{verdict(row):<15}")  # fmt: skip
        said = wrap(row["statement"], WIDTH - 50)
        lines.append((head + said[0]).rstrip())
        lines += [f"{'':<50}{more}" for more in said[1:]]
    lines += ["", *wrap(conclusion(result["relations"]), WIDTH)]
    lines += _batch(result) + _integral(result) + _reconstructed(result) + _discovered(result)
    lines += ["", "pictures, poles, diagrams:", f"  {next_command('report', run_id)}"]
    return "\n".join(lines)


def _batch(result: dict[str, Any]) -> list[str]:
    if "batch" not in result:
        return []
    batch = result["batch"]
    text = (
        f"Floats: {batch['points']:,} points of flat phase space, {batch['n']} legs: median "
        f"relative error {batch['median_error']:.0e} against Parke and Taylor's formula, largest "
        f"{batch['largest_error']:.0e}; {batch['flagged']:,} points had a Ward residual above "
        f"{batch['flag_above']:.0e}; {len(batch['again']):,} were computed again with 40 digits "
        f"(at most {MOST_AGAIN} of each task)."
    )
    return ["", *wrap(text, WIDTH)]


def _integral(result: dict[str, Any]) -> list[str]:
    if "integral" not in result:
        return []
    one = result["integral"]
    apart = abs(one["value"][0] - one["known"]) / one["error"]
    text = (
        f"One-loop all-plus amplitude: {one['value'][0]:.5f} ± {one['error']:.5f} from "
        f"{one['samples']:,} samples against -1/6 in closed form, {apart:.1f} standard errors "
        "apart"
    )
    if len(one["steps"]) > 2:  # a rate needs a few
        text += f"; the error falls as samples^{one['rate']:.2f}"
    text += "."
    return ["", *wrap(text, WIDTH)]


def _reconstructed(result: dict[str, Any]) -> list[str]:
    lines = []
    for row in result.get("reconstructed", []):
        value = row["value"] if len(row["value"]) <= 60 else row["value"][:57] + "..."
        lines += ["", *wrap(
            f"{row['quantity']} of {row['n']} legs from {len(row['primes'])} primes, confirmed, "
            f"and equal to the rational recursion: {value}", WIDTH,
        )]  # fmt: skip
    return lines


def _discovered(result: dict[str, Any]) -> list[str]:
    lines = []
    for row in result.get("discovered", []):
        lines += ["", *wrap(row["sentence"], WIDTH)]
    return lines
