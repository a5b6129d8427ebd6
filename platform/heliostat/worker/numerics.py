"""Threads, and what a run's record holds of the machine: what equal bits depend on."""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from heliostat.contract.cache import default_cache_dir, prepare_caches
from heliostat.contract.instructions import cpu, level_text, portable_variables
from heliostat.worker.instructions import hold

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "torch": "torch",
    "ray": "ray",
    "deap": "deap",
    "sympy": "sympy",
    "scikit-learn": "sklearn",
}
"""Distributions whose versions every run records, and the package that each of them is."""
_THREADED = ("numpy", "scipy", "torch", "sklearn", "numba")


class _Applied(threading.local):
    """What the calling thread was held to, and with how many modules loaded."""

    state = (0, 0)
    readings: Sequence[Callable[[], int | None]] = ()


_applied = _Applied()


def prepare_environment(cache_dir: Path | None = None, code: str = "any") -> None:
    """Set the variables that libraries read at import; call before numpy or torch load.

    The instruction level is the one that this process is held to, or the default.

    `code` is the fingerprint of the code that will run. Compiled kernels are kept apart by it,
    because numba notices a change of the outermost function's file only.

    One thread each, whatever the shell says: threads are a configuration value of a task, because
    their number changes the order of additions.
    """
    level = hold()
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    cache = cache_dir or default_cache_dir()
    # numba would write beside the sources, which may be read-only or another user's
    os.environ["NUMBA_CACHE_DIR"] = str(cache / "numba" / f"{code[:16]}-{level}")
    prepare_caches(cache)


def set_threads(count: int) -> None:
    """Hold every loaded numerical library to `count` threads in the calling thread."""
    if _applied.state == (count, len(sys.modules)):
        # Other code in this process may have set them since, so the numbers themselves are read.
        for reading in _applied.readings:
            if reading() != count:
                break
        else:
            return
    for name in THREAD_VARIABLES:  # for a library that a task imports later
        os.environ[name] = str(count)
    torch = sys.modules.get("torch")
    readings = []
    if any(name in sys.modules for name in _THREADED):
        pools = _pools(len(sys.modules))
        pools.limit(limits=count)
        readings = [pool.get_num_threads for pool in pools.lib_controllers]
    if torch is not None and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(count)
        readings.append(torch.get_num_threads)
    # one that takes no such number is not waited for
    _applied.readings = [reading for reading in readings if reading() == count]
    _applied.state = (count, len(sys.modules))


@lru_cache(maxsize=1)
def _pools(modules: int) -> Any:
    """Return the thread pools of what is loaded; finding them takes milliseconds.

    They are looked for again when the number of imported modules is another.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def environment() -> dict[str, Any]:
    """Return what could change a result's bits on another machine: CPU, libraries, threads."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": cpu(),
        "numerics": level_text(hold()),
        "cores": os.cpu_count(),
        "versions": {name: _version(name) for name in ("heliostat", *LIBRARIES)},
        "variables": {
            name: os.environ.get(name, "") for name in (*THREAD_VARIABLES, *portable_variables())
        },
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
