"""What this CPU can run, by the names that Linux gives, and the compiler's flag for each of them.

Linux lists a vector extension in /proc/cpuinfo only where it also saves its registers, so a name
that stands there may be used.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from heliostat.contract.instructions import PORTABLE, PORTABLE_FEATURES, own_level

_LINES = ("flags", "Features")  # x86, ARM

# Where the flag is not "-m" and the name. Source: the option lists of GCC and Linux's cpufeatures.h
_FLAGS = {
    "pni": "-msse3",
    "sse4_1": "-msse4.1",
    "sse4_2": "-msse4.2",
    "pclmulqdq": "-mpclmul",
    "bmi1": "-mbmi",
    "abm": "-mlzcnt",
    "sha_ni": "-msha",
    "avx512_vbmi2": "-mavx512vbmi2",
    "avx512_vnni": "-mavx512vnni",
    "avx512_bitalg": "-mavx512bitalg",
    "avx512_vpopcntdq": "-mavx512vpopcntdq",
    "avx512_bf16": "-mavx512bf16",
    "avx512_fp16": "-mavx512fp16",
    "avx_vnni": "-mavxvnni",
}
_PLAIN = (
    "ssse3", "popcnt", "aes", "avx", "f16c", "fma", "avx2", "bmi2", "adx", "gfni", "vaes",
    "vpclmulqdq", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512ifma",
    "avx512vbmi",
)  # fmt: skip
FLAG_OF = {name: f"-m{name}" for name in _PLAIN} | _FLAGS
"""The flag that lets the compiler use a feature of x86."""


@lru_cache(maxsize=4)
def cpu_features(source: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the features of this machine's first CPU; none where the file is missing."""
    try:
        with source.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() in _LINES:
                    return frozenset(value.split())
    except OSError:
        pass  # not Linux
    return frozenset()


def usable_features() -> frozenset[str]:
    """Return the features that this process may use: the CPU's, as far as its level goes."""
    found = cpu_features()
    return found & PORTABLE_FEATURES if own_level() == PORTABLE else found


def feature_flags(needs: Sequence[str]) -> tuple[str, ...]:
    """Return the flags that x86 features bring; on other CPUs, a variant gives its own."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ()  # ARM has an "aes" too
    return tuple(FLAG_OF[name] for name in needs if name in FLAG_OF)
