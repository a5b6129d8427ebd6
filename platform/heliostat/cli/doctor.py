"""`heliostat doctor`: is this machine ready, and what to mend where it is not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from heliostat.cli.options import json_option, print_json
from heliostat.errors import ExecutionError
from heliostat.numerics import cpu, environment, prepare_environment

NEEDED_FREE_BYTES = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do when it is not well."""

    name: str
    well: bool
    found: str
    mend: str = ""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check Python, libraries, cores, threads, memory, disk and Ray's token."""
    shell = {name: os.environ.get(name, "unset") for name in ("OMP_NUM_THREADS", "MKL_CBWR")}
    prepare_environment()
    findings = examine(shell)
    if as_json:
        print_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.well else 'NO '} {finding.name:<16}{finding.found}")
            if not finding.well:
                click.echo(f"{'':<20}{finding.mend}")
    wrong = [finding.name for finding in findings if not finding.well]
    if wrong:
        raise ExecutionError(f"not ready: {', '.join(wrong)}")


def examine(shell: dict[str, str]) -> list[Finding]:
    """Return what was found on this machine."""
    from heliostat.numerics import default_cache_dir
    from heliostat.runs import runs_root

    versions = environment()["versions"]
    findings = [
        Finding("python", sys.version_info >= (3, 11), sys.version.split()[0], "use 3.11 or later"),
        Finding("cores", True, f"{os.cpu_count()}, {cpu()['model']}, {cpu()['vector']}"),
        Finding("threads", True, f"shell: {shell}; tasks use what their resources say"),
    ]
    for name in ("numpy", "numba", "torch", "deap", "sympy"):
        there = importlib.util.find_spec(name) is not None
        found = str(versions.get(name) or ("present" if there else "missing"))
        findings.append(Finding(name, there, found, f"pip install {name}"))
    ray = importlib.util.find_spec("ray") is not None
    findings.append(
        Finding(
            "ray",
            ray,
            str(versions.get("ray") or "missing: only --workers serial works"),
            "pip install 'ray>=2.60,<2.61'",
        )
    )
    token = Path.home() / ".ray" / "auth_token"
    said = "present" if token.exists() else "absent; a local session makes one, clusters need it"
    findings.append(Finding("ray token", True, said))
    for label, folder in (("runs folder", runs_root()), ("cache folder", default_cache_dir())):
        findings.append(_folder(label, folder))
    findings.append(_shared_memory())
    return findings


def _folder(label: str, folder: Path) -> Finding:
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    writable = os.access(existing, os.W_OK)
    found = f"{folder}, {free / 1e9:.1f} GB free" + ("" if writable else ", not writable")
    well = writable and free > NEEDED_FREE_BYTES
    return Finding(label, well, found, "free some space or choose another folder")


def _shared_memory() -> Finding:
    path = Path("/dev/shm")
    if not path.exists():
        return Finding("shared memory", True, "no /dev/shm; Ray uses files")
    free = shutil.disk_usage(path).free
    well = free > NEEDED_FREE_BYTES // 4
    return Finding(
        "shared memory", well, f"{free / 1e9:.1f} GB free", "give /dev/shm at least 256 MB"
    )
