"""The study of adapting losses: data sets times models, every contestant, ten paired seeds.

    python benchmarks/adalfl_study.py --runs FOLDER [--workers 2] [--only digits-mlp]

Each cell is a run of its own under the name `adalfl-CELL`; one that was interrupted goes on, one
that is finished is read. At the end a table in Markdown, as docs/methods/adalfl.md has it, with the
digest of every run. With --json the last line is one object of means and differences.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import heliostat

WAYS = {"equal_steps": "equal steps", "equal_cost": "equal cost", "at_best": "at its best"}
EVERYTHING = ["task_loss", "adalfl", "adalfl_offline", "adalfl_random", "offline", "ml3",
              "warm_start", "learning_rate"]  # fmt: skip
DENSE: dict[str, Any] = {
    "methods": EVERYTHING,
    "fractions": [0.6, 0.2, 0.2],
    "rate_factors": [0.3, 1.0, 3.0, 10.0, 30.0],
    "meta_rates": [1e-3],
    "inner_sweep": [1, 50],
    "offline": {"steps": 500, "inner": 10},
    "steps": 2_000,
}
"""Algorithm 1 with 1, 10 and 50 inner steps; sweeps keep `steps`."""
IMAGES: dict[str, Any] = {**DENSE, "inner_sweep": [1], "offline": {"steps": 200, "inner": 10}}
"""The same for ten classes, where every inner step has ten times as many pairs to look at."""
LENET: dict[str, Any] = {
    "fractions": [0.6, 0.2, 0.2],
    "methods": ["task_loss", "adalfl", "warm_start", "learning_rate"],
    "meta_rates": [1e-3],
    "steps": 300,
    "rate_factors": [1.0, 3.0, 10.0],
    "rate_seeds": 2,
    "stack": 5,
}
MLP = {"name": "mlp", "hidden": [64]}
CELLS: dict[str, dict[str, Any]] = {
    "diabetes-linear": {"dataset": "diabetes", "model": "linear", **DENSE},
    "diabetes-mlp": {"dataset": "diabetes", "model": MLP, **DENSE},
    "boston-linear": {"dataset": "boston", "model": "linear", **DENSE},
    "boston-mlp": {"dataset": "boston", "model": MLP, **DENSE},
    "digits-linear": {"dataset": "digits", "model": "linear", **DENSE},
    "digits-mlp": {"dataset": "digits", "model": MLP, **IMAGES},
    "mnist5k-mlp": {"dataset": "mnist5k", "model": MLP, **IMAGES, "steps": 1_000},
    "mnist5k-lenet5": {"dataset": "mnist5k", "model": "lenet5", **LENET},
}
LONG_HORIZON: dict[str, Any] = {
    "methods": ["task_loss", "adalfl", "offline"],
    "rate_factors": [3.0],
    "fractions": [0.6, 0.2, 0.2],
    "phi_init": "offline",
    "offline": {"steps": 250, "inner": 250},
    "steps": 2_000,
}
"""S_inner as reconstructed, a tenth of S_init."""
CELLS["diabetes-linear-250x250"] = {"dataset": "diabetes", "model": "linear", **LONG_HORIZON}


def main() -> int:
    """Run or read every cell and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", required=True, help="folder of the runs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", action="append", choices=sorted(CELLS), help="these cells alone")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for cell in arguments.only or CELLS:
        run = _finished(cell, arguments.runs, arguments.workers)
        _print(cell, run)
        found[cell] = {"digest": run.digest, **_figures(run.result)}
    if arguments.json:
        print(json.dumps(found))
    return 0


def _finished(cell: str, runs: str, workers: int) -> heliostat.RunHandle:
    name = f"adalfl-{cell}"
    for run in heliostat.runs(runs=runs, method="adalfl"):
        if run.name == name:
            if run.state == "finished":
                return run
            return heliostat.resume(run, workers=workers)
    return heliostat.run(
        "adalfl", config=CELLS[cell], seed=0, workers=workers, runs=runs, name=name, report=True
    )


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    return {
        one["label"]: {line["way"]: [line["mean"], line["low"], line["high"], line["rate"]]
                       for line in one["lines"]}
        for one in result["contestants"]
    }  # fmt: skip


def _print(cell: str, run: heliostat.RunHandle) -> None:
    result = run.result
    rows = result["rows"]
    print(f"\n### {cell}\n")
    print(
        f"{rows['train']} rows train, {rows['valid']} validation, {rows['test']} test; "
        f"{result['steps']} steps, {result['seeds']} seeds; {result['metric']}; "
        f"digest `{run.digest[:16]}`.\n"
    )
    print("| contestant | " + " | ".join(WAYS.values()) + " | unusable |")
    print("|---" * (len(WAYS) + 2) + "|")
    for one in result["contestants"]:
        begun = one["beginning"]
        unusable = "" if begun is None else f"{begun['unusable']} of {begun['count']}"
        cells = [_cell(one, way) for way in WAYS]
        print(f"| {one['label']} | " + " | ".join(cells) + f" | {unusable} |")
    print(f"\n{result['sentence']}")


def _cell(one: dict[str, Any], way: str) -> str:
    line = next((row for row in one["lines"] if row["way"] == way), None)
    if line is None:
        return "costs more"
    if line["mean"] is None:
        return f"{line['exploded']} exploded"
    text = f"{line['mean']:.4f} ± {(line['high'] - line['low']) / 2:.4f}"
    if line["exploded"]:
        text += f" ({line['exploded']} exploded)"
    said = next((row for row in one["differences"] if row["way"] == way), None)
    mark = {"better": " +", "worse": " −", "edge": " ?", "explodes": " −"}
    return text + (mark.get(said["verdict"], "") if said else "") + f" @{line['rate']:.3g}"


if __name__ == "__main__":
    sys.exit(main())
