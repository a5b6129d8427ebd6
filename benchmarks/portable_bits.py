"""Digests of a method on this CPU and on emulated ones, side by side: are they the same bits?

    python benchmarks/portable_bits.py [METHOD ...] [--cpu NAME ...] [-o KEY=VALUE ...] [--warm]

Each row is the smoke preset in one process at one level of instructions, with an empty cache of
kernels, or with --warm one that all rows of a method share: compiling takes minutes when emulated.
The emulated CPUs are those of `qemu-x86_64` (Debian's package qemu-user, 7.2 or later), which have
AVX2 and FMA and no AVX-512. All rows at `portable` have to have one digest; the row at `native`
says whether this CPU would have given another one. Linux on x86-64 only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

CPUS = ("Haswell", "EPYC-Rome")
EMULATOR = "qemu-x86_64"


def measured(
    method: str, level: str, cpu: str | None, options: list[str], cache: str | None
) -> dict[str, Any]:
    """Return digest and seconds of a run at a level, on an emulated CPU if one is named."""
    emulated = [] if cpu is None else [EMULATOR, "-cpu", cpu]
    command = [*emulated, sys.executable, "-m", "heliostat.submit", "run", method]
    command += ["--preset", "smoke", "--workers", "serial", "--no-report", "--json"]
    settings = [part for option in options for part in ("-o", option)]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [*command, *settings, "--numerics", level],
            cwd=folder,
            env={**os.environ, "HELIOSTAT_CACHE": cache or f"{folder}/cache"},
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        seconds = time.perf_counter() - began
    account = json.loads(done.stdout)
    assert account["environment"]["numerics"].startswith(level)
    return {"cpu": cpu or "this CPU", "level": level, "digest": account["digest"], "s": seconds}


def main() -> None:
    """Print a row for each CPU and level, and whether all portable ones are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=["step_options", "evomal"])
    parser.add_argument("--cpu", action="append", metavar="NAME")
    parser.add_argument("-o", dest="options", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if shutil.which(EMULATOR) is None:
        parser.error(f"{EMULATOR} was not found: install Debian's package qemu-user")
    results = {}
    for method in given.methods:
        cases: list[tuple[str, str | None]] = [("native", None), ("portable", None)]
        cases += [("portable", cpu) for cpu in given.cpu or CPUS]
        rows = []
        shared = tempfile.TemporaryDirectory()
        for level, cpu in cases:
            cache = shared.name if given.warm else None
            row = measured(method, level, cpu, given.options, cache)
            rows.append(row)
            print(f"{method:<13} {level:<9} {row['cpu']:<12} {row['digest']}  {row['s']:6.1f} s",
                  flush=True)  # fmt: skip
        shared.cleanup()
        found = {row["digest"] for row in rows if row["level"] == "portable"}
        print(f"{method}: portable digests {'are equal' if len(found) == 1 else 'DIFFER'}, native "
              f"{'is the same' if found == {rows[0]['digest']} else 'is another'}")  # fmt: skip
        results[f"{method}_portable_bits"] = {"equal": len(found) == 1, "rows": rows}
    if given.json:
        print(json.dumps(results))
    sys.exit(0 if all(result["equal"] for result in results.values()) else 1)


if __name__ == "__main__":
    main()
