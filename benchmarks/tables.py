"""How long a table takes to read, and how much memory, beside pandas and polars.

    python benchmarks/tables.py [--rows N] [--json]

Each reader has a process of its own. `csv:` becomes a data set that is checked, with the kinds of
its columns decided by all cells; pandas and polars, where they are installed, become their frames.
One table holds numbers alone, the other text, dates and gaps. Data are 5 inputs and a target, 8
bytes a cell; memory is the peak beyond the interpreter with its libraries. The limits are 5 seconds
and four times the data for 1,000,000 rows of numbers.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS = 6
SECONDS, TIMES = 5.0, 4.0

_MEASURE = """
import resource, sys, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began, spent = time.perf_counter(), time.process_time()
table = {read}
seconds, spent = time.perf_counter() - began, time.process_time() - spent
print(seconds, spent, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
READERS = {
    "csv:": (
        "from pathlib import Path\nfrom heliostat_methods.parts.csv_table import csv_dataset",
        "csv_dataset(Path(sys.argv[1]))",
    ),
    "pandas": ("import pandas", "pandas.read_csv(sys.argv[1])"),
    "pandas, exact": (
        "import pandas",
        "pandas.read_csv(sys.argv[1], float_precision='round_trip')",
    ),
    "polars": ("import polars", "polars.read_csv(sys.argv[1])"),
}


def numbers(rng: Any, size: int) -> Iterator[str]:
    """Yield rows of numbers with all their digits, one of them whole."""
    reals, counts = rng.normal(size=(size, 5)).tolist(), rng.integers(0, 100, size).tolist()
    for (a, b, c, d, y), n in zip(reals, counts, strict=True):
        yield f"{a!r},{b!r},{c!r},{d!r},{n},{y!r}\n"


def kinds(rng: Any, size: int) -> Iterator[str]:
    """Yield rows of two numbers, of which some are missing, a city, a day, yes or no, and y."""
    reals, others = rng.normal(size=(size, 3)).tolist(), rng.integers(0, 10_000, size).tolist()
    for (a, b, y), n in zip(reals, others, strict=True):
        gap = "" if n % 50 == 0 else repr(b)
        day = f"20{n % 25:02}-{n % 12 + 1:02}-{n % 28 + 1:02}"
        yield f"{a!r},{gap},city {n % 5},{day},{'yes' if n % 3 else 'no'},{y!r}\n"


TABLES = {"numbers": numbers, "kinds": kinds}


def write(path: Path, rows: int, table: str) -> None:
    """Write a table of that many rows."""
    import numpy as np

    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("a,b,c,d,e,y\n")
        for begin in range(0, rows, 50_000):
            file.writelines(TABLES[table](rng, min(50_000, rows - begin)))


def measured(reader: str, path: Path) -> tuple[float, float, float]:
    """Return seconds, seconds of CPU and bytes of one reader in a process of its own."""
    imports, read = READERS[reader]
    code = _MEASURE.format(imports=imports, read=read)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    seconds, cpu, memory = map(float, done.stdout.split())
    return seconds, cpu, memory


def compared(path: Path, table: str, data: int) -> dict[str, Any]:
    """Print seconds and memory of each reader; return them beside the limits."""
    results = {}
    for reader in READERS:
        package = reader.partition(",")[0]
        if reader != "csv:" and importlib.util.find_spec(package) is None:
            print(f"  {reader:<14} not installed")
            continue
        seconds, cpu, memory = measured(reader, path)
        print(
            f"  {reader:<14} {seconds:6.2f} s ({cpu:.2f} s of CPU), {memory / data:4.1f} times the "
            "data's memory"
        )
        for name, ours, limit, unit in (
            ("seconds", seconds, SECONDS, "s"),
            ("memory", memory / data, TIMES, "x data"),
        ):
            results[f"{table} {reader.strip(':')} {name}"] = {
                "ours": round(ours, 2),
                "peer": limit,
                "ratio": round(limit / ours, 2),
                "unit": unit,
            }
    return results


def main() -> None:
    """Print each reader's seconds and memory, and its ratio to `csv:`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = arguments.rows * COLUMNS * 8
    results = {}
    for table in TABLES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            write(path, arguments.rows, table)
            print(
                f"{table}, {arguments.rows:,} x {COLUMNS}: {data / 1e6:.0f} MB in memory, "
                f"{path.stat().st_size / 1e6:.0f} MB of text"
            )
            results |= compared(path, table, data)
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
