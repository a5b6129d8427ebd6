"""Which instructions numerical libraries may use, and the variables by which each is told so.

A library that chooses its code by the CPU gives other last bits on another CPU. At the level
`portable` all of them are held to AVX2 with FMA, which every x86-64 CPU since about 2015 has; at
the level `native` each takes what this CPU offers. The variables are read when a library loads.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import lru_cache

PORTABLE, NATIVE = "portable", "native"
LEVELS = (PORTABLE, NATIVE)
LEVEL_VARIABLE = "HELIOSTAT_NUMERICS"
"""The level of runs for which nothing else says one."""
DISPATCHING = ("numpy", "scipy", "torch", "numba", "llvmlite", "sklearn", "pyarrow")
"""Packages that choose their code, or that of a library in them, by the CPU when they load."""
PORTABLE_FEATURES = frozenset(
    ("sse", "sse2", "pni", "ssse3", "sse4_1", "sse4_2", "cx16", "popcnt", "movbe", "avx", "f16c",
     "avx2", "fma", "bmi1", "bmi2", "abm")
)  # fmt: skip
"""What own compiled code may use at the level `portable`, by the names that Linux gives."""
_LLVM = (
    "64bit,avx,avx2,bmi,bmi2,cmov,cx16,cx8,f16c,fma,fxsr,lzcnt,mmx,movbe,popcnt,sse,sse2,sse3,"
    "sse4.1,sse4.2,ssse3"
)
_SETS = (("avx512f", "AVX512"), ("avx2", "AVX2"), ("avx", "AVX"), ("sse4_2", "SSE4_2"))


@lru_cache(maxsize=1)
def cpu() -> dict[str, str]:
    """Return the CPU's model name and its widest vector instruction set."""
    model, flags = _model_and_flags()
    vector = next((label for flag, label in _SETS if flag in flags), "unknown")
    return {"model": model, "vector": vector, "machine": platform.machine()}


@lru_cache(maxsize=1)
def _model_and_flags() -> tuple[str, frozenset[str]]:
    model, flags = "", ""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    model = value.strip()
                elif name.strip() == "flags":
                    flags = value
                    break
    except OSError:
        pass  # not Linux: the model name from `platform` has to do
    return model or platform.processor() or platform.machine(), frozenset(flags.split())


def lacking() -> list[str]:
    """Return what this machine lacks for the level `portable`."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return [f"an x86-64 CPU (this one is {platform.machine()})"]
    flags = _model_and_flags()[1]
    return [label for flag, label in (("avx2", "AVX2"), ("fma", "FMA")) if flag not in flags]


@lru_cache(maxsize=1)
def portable_variables() -> Mapping[str, str | None]:
    """Return what has to be in the environment at the level `portable`; None: nothing."""
    return {
        "ATEN_CPU_CAPABILITY": "avx2",  # torch
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        # MKL's other branches differ between vendors, this one does not
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Haswell",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in _LLVM.split(",")),
        "NPY_DISABLE_CPU_FEATURES": " ".join(_numpy_features()),
        "NPY_ENABLE_CPU_FEATURES": None,  # numpy refuses both at once
        "ARROW_USER_SIMD_LEVEL": "AVX2",
    }


def variables_to_set() -> dict[str, str]:
    """Return the variables that a process at the level `portable` is started with."""
    return {name: value for name, value in portable_variables().items() if value is not None}


def _numpy_features() -> tuple[str, ...]:
    """Return numpy's names for what lies above AVX2; it warns of names that it does not know."""
    from importlib import metadata

    try:
        version = metadata.version("numpy").split(".")
        grouped = (int(version[0]), int(version[1])) >= (2, 4)
    except (metadata.PackageNotFoundError, ValueError, IndexError):
        grouped = True
    if grouped:  # NumPy 2.4's release notes: features are dispatched by groups
        return ("X86_V4", "AVX512_ICL", "AVX512_SPR")
    return ("AVX512F", "AVX512CD", "AVX512_SKX", "AVX512_CLX", "AVX512_CNL", "AVX512_ICL",
            "AVX512_SPR")  # fmt: skip


def level_in(variables: Mapping[str, str]) -> str:
    """Return the level at which a process with these variables loads its libraries."""
    wanted = portable_variables()
    at = all(variables.get(name) == value for name, value in wanted.items())
    return PORTABLE if at else NATIVE


def level_text(level: str) -> str:
    """Return a level as runs record it, with the instructions that it stands for here."""
    return f"{level} (AVX2 with FMA)" if level == PORTABLE else f"{level} ({cpu()['vector']})"


def own_level() -> str:
    """Return the level of this process, by its variables."""
    return level_in(os.environ)
