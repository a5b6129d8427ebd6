"""Which code runs: a variant of the compiled kernel, or torch; and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_search.compiled import FALLBACK, Kernels

VARIABLE = "HELIOSTAT_LUTNN"
"""Set to "torch", the fallback runs; set to a variant's name, that one. Read when first used."""


@dataclass(frozen=True)
class Backend:
    """The variant that runs, and a sentence that says why."""

    variant: str
    sentence: str

    @property
    def native(self) -> bool:
        """Whether it is compiled code."""
        return self.variant != FALLBACK

    def __str__(self) -> str:
        return self.sentence


def backend() -> Backend:
    """Return what runs in this process now; built first if need be."""
    found = kernels()
    sentence = found.sentence.replace(FALLBACK, "torch")
    if os.environ.get(VARIABLE) == "torch":
        sentence = f"{LIBRARY.name}: torch, because {VARIABLE} says so"
    return Backend(found.variant, sentence)


@lru_cache(maxsize=1)
def kernels() -> Kernels:
    """Return the functions that the environment asks for, else the best that run here."""
    asked = asked_variant()
    return LIBRARY.load(variant=FALLBACK if asked == "torch" else asked)


def asked_variant() -> str | None:
    """Return the variant that the environment asks for; ConfigError naming it for no variant."""
    asked = os.environ.get(VARIABLE) or None
    known = ("torch", *(variant.name for variant in LIBRARY.variants))
    if asked is not None and asked not in known:
        raise ConfigError(VARIABLE, asked, "the name of a variant", did_you_mean(asked, known))
    return asked
