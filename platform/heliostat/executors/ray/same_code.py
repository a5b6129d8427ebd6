"""Every worker computes with the driver's code, or with none.

A node that lacks a module, or holds an older copy of it, would answer with failures or with other
values; which items it gets is chance, so the result would be too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from heliostat.errors import ClusterError, ExecutionError
from heliostat.values.names import task_named
from heliostat.worker import fingerprint


@dataclass(frozen=True)
class OtherCode:
    """Why a worker takes no item: it cannot import the task, or has other sources than asked."""

    worker: str
    problem: str = ""
    sources: Mapping[str, str] | None = None


def packages_of(module: str, packages: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that decide what a task computes: the run's, and its module's own."""
    return tuple(sorted({*packages, module.partition(".")[0]}))


@cache
def code_of(packages: tuple[str, ...]) -> str:
    """Return one hash of the sources of these packages, as this process found them first."""
    return fingerprint.fingerprint(fingerprint.sources(packages))


def compared(
    function: str, module: str, packages: tuple[str, ...], code: str | None, worker: str
) -> OtherCode | None:
    """Return why this process cannot evaluate a task as the driver would, or None.

    `code` is the driver's hash of the packages; None when both read the same files.
    """
    try:
        task_named(function, module)
    except ExecutionError as error:
        return OtherCode(worker, str(error))
    if code is not None and code_of(packages) != code:
        return OtherCode(worker, sources=fingerprint.sources(packages))
    return None


def refused(other: OtherCode, function: str, packages: tuple[str, ...]) -> ClusterError:
    """Return the error that names node and file; what was done is kept."""
    what = other.problem
    if other.sources is not None:
        first = fingerprint.first_difference(fingerprint.sources(packages), other.sources)
        what = f"its code differs from this driver's, first in {first}"
    return ClusterError(
        f"{other.worker} cannot run {function}: {what}; bring the same code to every node (with "
        "cluster.yaml: `ray up` again), then go on with heliostat resume"
    )
