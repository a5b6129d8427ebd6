"""Holding this process to one instruction level, before the libraries load that it is for."""

from __future__ import annotations

import os
import sys

from heliostat.contract.instructions import (
    DISPATCHING,
    LEVEL_VARIABLE,
    LEVELS,
    NATIVE,
    PORTABLE,
    cpu,
    lacking,
    level_in,
    portable_variables,
    variables_to_set,
)
from heliostat.errors import ConfigError, did_you_mean

_held: str | None = None
"""The level at which this process has loaded its libraries, or will."""


def loaded() -> list[str]:
    """Return the libraries that this process has loaded, for which a change would come too late."""
    return [name for name in DISPATCHING if name in sys.modules]


def hold(
    wanted: str | None = None, source: str = "--numerics", *, otherwise: str | None = None
) -> str:
    """Hold this process, and those it starts, to an instruction level, and return the level.

    `wanted` and what said so. Without it the level is `otherwise` while no library is loaded, then
    what was held before, then what HELIOSTAT_NUMERICS says, then `portable` where the CPU has it.
    Raises ConfigError for no level, for one that the CPU has not, and for another one than that at
    which libraries were loaded already.
    """
    global _held
    if wanted is None and _held is None and not otherwise and os.environ.get(LEVEL_VARIABLE):
        wanted, source = os.environ[LEVEL_VARIABLE], LEVEL_VARIABLE
    if wanted is not None and wanted not in LEVELS:
        raise ConfigError(source, wanted, " or ".join(LEVELS), did_you_mean(wanted, LEVELS))
    libraries = loaded()
    if libraries and _held is None:
        _held = level_in(os.environ)
    if wanted == PORTABLE and lacking():
        has = f"this machine lacks {' and '.join(lacking())}"
        raise ConfigError(source, wanted, f"{NATIVE} here: {has}")
    level = wanted or (not libraries and otherwise) or _held or (NATIVE if lacking() else PORTABLE)
    if libraries and level != _held:
        raise ConfigError(
            source, level, f"{_held}, at which {libraries[0]} was loaded by this process",
            f"set {LEVEL_VARIABLE}={level} and import heliostat before any of them",
        )  # fmt: skip
    _held = level
    _set_variables(level)
    return level


def hold_early() -> None:
    """Hold this process to the level of the surroundings, unless it is too late to choose one."""
    if not loaded():
        hold()


def _set_variables(level: str) -> None:
    if level == PORTABLE:
        for name in portable_variables():
            os.environ.pop(name, None)
        os.environ |= variables_to_set()
        return
    if level_in(os.environ) == PORTABLE:  # left by a process above; what a user sets stays
        for name in portable_variables():
            os.environ.pop(name, None)
    vector = cpu()["vector"]
    if "MKL_CBWR" not in os.environ and vector in ("AVX512", "AVX2", "AVX", "SSE4_2"):
        os.environ["MKL_CBWR"] = f"{vector},STRICT" if vector in ("AVX512", "AVX2") else vector
