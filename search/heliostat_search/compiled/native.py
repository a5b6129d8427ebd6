"""Functions in C or C++, built when first used, with a pure fallback that gives the same results.

A declaration names one source, its functions, and its variants in order of preference. The first
variant whose features this CPU has is built by the system's compiler, cached and loaded; if that
fails, the next one; in the end the fallback. Nothing of this raises, and one sentence says what
runs and why:

    vector = numpy.ctypeslib.ndpointer(numpy.float64, ndim=1, flags="C_CONTIGUOUS")
    sums = NativeLibrary(
        "striped sum",
        source=Path(__file__).with_name("striped_sum.c"),
        functions={"striped_sum": Function((vector, c_size_t), c_double, fallback=slow_sum)},
        variants=(
            Variant("AVX-512", needs=("avx512f",)),
            Variant("AVX2", needs=("avx2",)),
            Variant("scalar"),
        ),
    )
    kernels = sums.load(cache_dir=ctx.cache_dir)
    kernels["striped_sum"](x, len(x))
    kernels.sentence  # "striped sum: AVX2, compiled by gcc 12.2.0"

The source is compiled once a variant, which it sees by the compiler's own macros (``__AVX2__``) or
by flags (``-DLANES=8``). All variants and the fallback have to give the same bits: a run may use
any of them. Functions of C++ are ``extern "C"`` and throw nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliostat.contract.cache import default_cache_dir
from heliostat.contract.instructions import own_level
from heliostat.contract.toolchain import Compiler, Language, commands, find_compiler
from heliostat.errors import ConfigError, did_you_mean
from heliostat_search.compiled.building import Recipe, library
from heliostat_search.compiled.compiler import LONGEST_REASON, NotBuilt, check_flags
from heliostat_search.compiled.cpu_features import cpu_features, usable_features

FALLBACK = "pure Python"
"""The name of the variant that is the fallbacks."""
_LANGUAGES: dict[str, Language] = {".c": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++"}


@dataclass(frozen=True)
class Function:
    """What a function takes and returns, as ctypes types, and the same function in Python.

    ``numpy.ctypeslib.ndpointer`` makes an argument an array, checked at each call.
    """

    arguments: tuple[Any, ...]
    result: Any
    fallback: Callable[..., Any]


@dataclass(frozen=True)
class Variant:
    """One way to compile a source: for CPUs with the features ``needs``, by Linux's names.

    On x86 a needed feature brings its compiler flag; ``flags`` come on top.
    """

    name: str
    needs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_flags(self.flags, self.needs)


@dataclass(frozen=True)
class Kernels:
    """The functions of a library as they run in this process."""

    variant: str
    sentence: str
    functions: Mapping[str, Callable[..., Any]]
    path: Path | None = None
    """The library's file; None when the fallbacks run."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        """Return a function by its name."""
        return self.functions[name]


@dataclass(frozen=True, eq=False)
class NativeLibrary:
    """A declaration: nothing is looked for, read or built before ``load``.

    ``source`` is a file, or the text itself with its ``language``. It is complete by itself: the
    system's headers are all that it includes.
    """

    name: str
    source: Path | str
    functions: Mapping[str, Function]
    variants: tuple[Variant, ...]
    language: Language | None = None
    _loaded: dict[tuple[str | None, Path | None, str], Kernels] = field(
        default_factory=dict, init=False, repr=False
    )
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if not names or len({*names, FALLBACK}) <= len(names):
            raise ConfigError("variants", names, f"different names, none of them {FALLBACK!r}")
        if self._language is None:
            raise ConfigError("language", None, "'C' or 'C++' for a source of no known suffix")

    @property
    def _language(self) -> Language | None:
        suffix = self.source.suffix if isinstance(self.source, Path) else ""
        return self.language or _LANGUAGES.get(suffix)

    @property
    def runnable(self) -> tuple[str, ...]:
        """The names of the variants that may run here, by CPU and level, and the fallback's."""
        fit = (variant.name for variant in self.variants if not _lacking(variant))
        return (*fit, FALLBACK)

    @property
    def sentence(self) -> str:
        """What runs here and why, once it is loaded from this machine's own cache."""
        return self.load().sentence

    def load(self, *, variant: str | None = None, cache_dir: Path | None = None) -> Kernels:
        """Return the functions, built if need be; ``variant`` asks for one variant by name.

        A variant that cannot run here gives the fallback. ``cache_dir`` is this machine's cache
        folder unless a task passes its own.
        """
        names = [FALLBACK, *(v.name for v in self.variants)]
        if variant is not None and variant not in names:
            raise ConfigError("variant", variant, "a variant", did_you_mean(variant, names))
        asked = (variant, cache_dir, own_level())
        if asked not in self._loaded:
            with self._lock:  # threads that come meanwhile wait for the one build
                if asked not in self._loaded:
                    self._loaded[asked] = self._first_that_runs(variant, cache_dir)
        return self._loaded[asked]

    def _first_that_runs(self, asked: str | None, cache_dir: Path | None) -> Kernels:
        if asked == FALLBACK:
            return self._fallback("as asked")
        wanted = [v for v in self.variants if asked in (None, v.name)]
        fit = [v for v in wanted if not _lacking(v)]
        if not fit:
            missing = " and no ".join(_lacking(wanted[-1]))
            who = (
                "this CPU has"
                if set(wanted[-1].needs) - cpu_features()
                else "this run's numerics have"
            )
            return self._fallback(f"because {who} no {missing}")
        try:
            source, compiler = self._source(), self._compiler()
        except NotBuilt as error:
            return self._fallback(f"because {error}")
        reasons: list[str] = []
        for variant in fit:
            try:
                return self._built(variant, source, compiler, cache_dir, reasons)
            except NotBuilt as error:
                reasons.append(f"{variant.name} does not run: {error}")
        return self._fallback(f"because {'; '.join(reasons)}")

    def _fallback(self, why: str) -> Kernels:
        functions = {name: function.fallback for name, function in self.functions.items()}
        return Kernels(FALLBACK, f"{self.name}: {FALLBACK}, {why}", functions)

    def _source(self) -> bytes:
        if isinstance(self.source, str):
            return self.source.encode()
        try:
            return self.source.read_bytes()
        except OSError as error:
            raise NotBuilt(f"{self.source.name} cannot be read ({error.strerror})") from None

    def _compiler(self) -> Compiler:
        if sys.platform != "linux":
            raise NotBuilt("native code is built on Linux only")
        assert self._language is not None
        found = find_compiler(self._language)
        if found is None:
            tried = ", ".join(commands(self._language, os.environ))
            raise NotBuilt(f"no {self._language} compiler was found ({tried})")
        return found

    def _built(
        self, variant: Variant, source: bytes, compiler: Compiler, cache_dir: Path | None,
        reasons: Sequence[str],
    ) -> Kernels:  # fmt: skip
        assert self._language is not None
        sentence = f"{self.name}: {variant.name}, compiled by {compiler}"
        recipe = Recipe(
            self.name, sentence, source, self._language, variant.flags, variant.needs, compiler
        )
        folder = cache_dir or default_cache_dir()
        path = library(recipe, folder)
        try:
            functions = self._linked(path)
        except OSError:  # whole, and yet not for this machine
            path = library(recipe, folder, anew=True)
            try:
                functions = self._linked(path)
            except OSError as error:
                raise NotBuilt(f"it cannot be loaded ({error})"[:LONGEST_REASON]) from None
        said = f"{sentence} ({'; '.join(reasons)})" if reasons else sentence
        return Kernels(variant.name, said, functions, path)

    def _linked(self, path: Path) -> dict[str, Callable[..., Any]]:
        loaded, functions = ctypes.CDLL(str(path)), dict[str, Callable[..., Any]]()
        for name, function in self.functions.items():
            try:
                found = loaded[name]
            except AttributeError:
                raise NotBuilt(f"its source has no function {name}") from None
            found.argtypes, found.restype = list(function.arguments), function.result
            functions[name] = found
        return functions


def _lacking(variant: Variant) -> list[str]:
    return [name for name in variant.needs if name not in usable_features()]
