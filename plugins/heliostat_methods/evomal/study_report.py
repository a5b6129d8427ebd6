"""What is shown of a study: a table for each data set and model, what was not run, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from heliostat.report.sections import Plot, Section, Series, Table, Text

NAMES = {
    "none": "EvoMAL",
    "gp_lfl": "GP-LFL",
    "random": "random trees",
    "local_search": "GP-LFL + local search at the end",
    "taylorglo": "TaylorGLO",
    "taylorglo_as_released": "TaylorGLO as released",
    "ml3": "ML3",
    "fixed": "fixed losses",
}
READING = (
    "Each loss trains at the learning rate that is best for it on validation data. The first "
    "interval is over searches (another population), the second over trainings (another initial "
    "model and other batches) of the losses found. Differences from the standard loss are paired "
    "by training seed; negative favours the loss of the row. p-values are not corrected for the "
    "number of rows."
)


def name_of(row: str) -> str:
    """Return how a baseline is called in a table."""
    return NAMES.get(row, row)


def describe_study(study: dict[str, Any]) -> str:
    """Return what a terminal shows at the end of a study."""
    lines: list[str] = []
    for table in study["tables"]:
        lines.append(
            f"== {table['dataset']}, {table['model']}: test {table['metric']} after "
            f"{table['test_steps']} steps =="
        )
        for row in table["rows"]:
            label = table["standard"] if row["name"] == "standard" else name_of(row["name"])
            if "mean" not in row:
                lines.append(f"  {label:<34} diverged")
                continue
            text = f"  {label:<34} {row['mean']:.4f}"
            if "difference" in row:
                d = row["difference"]
                text += f"  {d['mean']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]"
                text += f"  p = {row['t_p']:.2g}"
            if row.get("kept", 0) < row["searches"]:
                text += f"  ({_kept(row)} searches, the others diverged)"
            lines.append(text)
        lines.append("")
    lines += _summary(study)
    lines += [f"not run: {reason} ({count} searches)" for reason, count in _not_run(study)]
    return "\n".join(lines)


def study_sections(study: dict[str, Any]) -> Sequence[Section]:
    """Return the sections of the report."""
    said = [*map(Text, _summary(study)), Text(READING)]
    sections = [Section("What was planned", [*said, _cells(study)])]
    for table in study["tables"]:
        sections.append(
            Section(f"{table['dataset']}, {table['model']}", [_rows(table), _plot(table)])
        )
    sections.append(Section("Losses found", [_losses(study)]))
    return sections


def _summary(study: dict[str, Any]) -> list[str]:
    """Return the sentences that say how much was run and what came out."""
    ran = [cell for cell in study["cells"] if not cell["not_run"]]
    verdicts = Counter(
        _verdict(row) for table in study["tables"] for row in table["rows"] if row["name"] == "none"
    )
    sentences = [
        f"{len(ran)} of {len(study['cells'])} searches run; search seeds: {study['search_seeds']}, "
        f"test seeds: {study['test_seeds']}; estimated cost {study['estimated_core_hours']:.2g} of "
        f"at most {study['cap']:g} core-hours, without transfers."
    ]
    if verdicts:
        sentences.append(
            f"EvoMAL against the standard loss, over training seeds at p < 0.05, in "
            f"{sum(verdicts.values())} comparisons: better in {verdicts['better']}, worse in "
            f"{verdicts['worse']}, no difference shown in {verdicts['none']}."
        )
    return sentences


def _verdict(row: dict[str, Any]) -> str:
    if "difference" not in row:
        return "none"
    low, high = row["difference"]["low"], row["difference"]["high"]
    return "better" if high < 0 else "worse" if low > 0 else "none"


def _not_run(study: dict[str, Any]) -> list[tuple[str, int]]:
    reasons = Counter(
        f"{cell['dataset']} x {cell['model']} {cell['not_run']}"
        for cell in study["cells"]
        if cell["not_run"]
    )
    return list(reasons.items())


def _cells(study: dict[str, Any]) -> Table:
    rows = [
        [cell["dataset"], cell["model"], name_of(cell["baseline"]), cell["seed"],
         cell["core_hours"], cell["not_run"] or "run"]
        for cell in study["cells"]
    ]  # fmt: skip
    return Table(
        ["data", "model", "search", "search seed", "estimated core-hours", "state"],
        rows,
        "The plan; what is beyond the cap is not run and is not left out of this list.",
    )


def _kept(row: dict[str, Any]) -> str:
    """Return of how many searches the numbers are: one with a diverged training is left out."""
    kept = row.get("kept", 0)
    return str(kept) if kept == row["searches"] else f"{kept} of {row['searches']}"


def _rows(table: dict[str, Any]) -> Table:
    rows: list[list[str | float | None]] = []
    for row in table["rows"]:
        standard = row["name"] == "standard"
        difference = row.get("difference", {})
        rows.append(
            [table["standard"] if standard else name_of(row["name"]),
             None if standard else _kept(row), row.get("mean"),
             _bounds(row, "search_low", "search_high"), _bounds(row, "test_low", "test_high"),
             difference.get("mean"), _bounds(difference, "low", "high"), row.get("t_p"),
             row["diverged"]]
        )  # fmt: skip
    return Table(
        ["loss by", "searches", f"test {table['metric']}", "over searches", "over trainings",
         f"minus {table['standard']}", "95 %", "p (t)", "diverged"],
        rows,
        f"{table['dataset']}, {table['model']}, {table['test_steps']} training steps.",
    )  # fmt: skip


def _bounds(row: dict[str, Any], low: str, high: str) -> str | None:
    return f"{row[low]:.4g} to {row[high]:.4g}" if low in row else None


def _plot(table: dict[str, Any]) -> Plot:
    shown = [row for row in table["rows"] if "difference" in row]
    places = [float(i) for i in range(1, len(shown) + 1)]
    key = ", ".join(f"{i} {name_of(row['name'])}" for i, row in enumerate(shown, 1))
    return Plot(
        f"Difference from {table['standard']}: below 0 is better",
        "search",
        f"test {table['metric']}",
        [
            Series(
                "difference",
                places,
                [row["difference"]["mean"] for row in shown],
                [row["difference"]["low"] for row in shown],
                [row["difference"]["high"] for row in shown],
                style="points",
            ),
            Series("no difference", [0.5, len(shown) + 0.5], [0.0, 0.0]),
        ],
        note=f"{key}. Bars: 95 % over training seeds.",
    )


def _losses(study: dict[str, Any]) -> Table:
    rows = [
        [cell["dataset"], cell["model"], name_of(cell["baseline"]), cell["seed"],
         best["formula"], best["fitness"]]
        for cell in study["cells"] for best in cell.get("best", ())
    ]  # fmt: skip
    return Table(["data", "model", "search", "seed", "m(y, f)", "validation"], rows)
