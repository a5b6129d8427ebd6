"""Which code runs: a variant of the compiled kernel, numba's, or numpy; and why."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import cache, partial

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.amplitudes.kernels import plain_numpy
from heliostat_methods.amplitudes.kernels.inputs import refused
from heliostat_methods.amplitudes.kernels.library import NEEDS, Kind, library
from heliostat_search.compiled import FALLBACK, Kernels

VARIABLE = "HELIOSTAT_AMPLITUDES"
"""Set to "numba" or "numpy", that runs; set to a variant's name, that one. Read at each call."""
CHOICES = (*NEEDS, "numba", "numpy")


@dataclass(frozen=True)
class Backend:
    """The variant that runs, "numba" or "numpy", and a sentence that says why."""

    variant: str
    sentence: str

    @property
    def native(self) -> bool:
        """Whether it is compiled C."""
        return self.variant in NEEDS

    def __str__(self) -> str:
        return self.sentence


def backend(kind: Kind = "complex", dimension: int = 4, using: str | None = None) -> Backend:
    """Return what runs in this process now, for a kind of number and a dimension.

    Built first if need be. ``using``: as in `ym_amplitudes`. Raises ValueError for no such variant,
    ConfigError where the environment names none.
    """
    found = kernels(kind, dimension, 1, using)
    return Backend("numba" if found.variant == FALLBACK else found.variant, found.sentence)


def kernels(kind: Kind, dimension: int, plus: int, using: str | None) -> Kernels:
    """Return the functions asked for, by argument or environment, else the best that run here."""
    asked = _asked(using)
    return _loaded(kind, dimension, plus, asked, using is None and asked is not None)


@cache
def _loaded(kind: Kind, dimension: int, plus: int, asked: str | None, by_name: bool) -> Kernels:
    declared = library(kind, dimension, plus)
    why = f"because {VARIABLE} says so" if by_name else "as asked"
    if asked == "numpy":
        return _numpy(declared.name, plus, why)
    found = declared.load(variant=FALLBACK if asked == "numba" else asked)
    if found.variant != FALLBACK:
        return found
    if importlib.util.find_spec("numba") is None:
        return _numpy(declared.name, plus, "because numba is not installed")
    sentence = found.sentence.replace(FALLBACK, "numba")
    if asked == "numba":
        sentence = f"{declared.name}: numba, {why}"
    return Kernels(FALLBACK, sentence, found.functions)


def _numpy(name: str, plus: int, why: str) -> Kernels:
    functions = {
        "ym_amplitudes": partial(plain_numpy.floats, plus),
        "ym_amplitudes_mod": partial(plain_numpy.residues, plus),
    }
    return Kernels("numpy", f"{name}: numpy, {why}", functions)


def _asked(using: str | None) -> str | None:
    if using is not None:
        if using not in CHOICES:
            raise refused("using", using, f"a variant; {did_you_mean(str(using), CHOICES)}")
        return using
    asked = os.environ.get(VARIABLE) or None
    if asked is not None and asked not in CHOICES:
        raise ConfigError(VARIABLE, asked, "the name of a variant", did_you_mean(asked, CHOICES))
    return asked
