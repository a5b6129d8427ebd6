"""How the numeric kernels of this package are compiled, and two machine instructions by name.

Every kernel is a single-threaded numba function with an on-disk cache and IEEE arithmetic: no
"fast" flag, because LLVM applies those after inlining, and inlining differs between a process that
compiles and one that loads the cache. Where a fused multiply-add is wanted it is asked for.

An edit of any file with compiled code empties the cache of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from heliostat_search.compiled import NumbaKernels

F = TypeVar("F", bound=Callable[..., Any])
_METHOD = Path(__file__).parent.parent
_ROOMS = {
    room: NumbaKernels(_METHOD / room, modules)
    for room, modules in {
        "arithmetic": ("compilation", "elementary", "philox"),
        "closed_form": ("laplace_kernel",),
        "monte_carlo": ("metropolis",),
        "paths": ("kernels", "volatility"),
        "weights": ("bridge", "lines", "staircase"),
    }.items()
}
# functions of one room go into the compiled code of others
_ALL = hashlib.sha256("".join(files.fingerprint for files in _ROOMS.values()).encode()).hexdigest()
for _files in _ROOMS.values():
    _files.fingerprint = _ALL


def _dispatcher(function: F, *arguments: Any, **options: Any) -> F:
    # a room that is not listed above is refused by the files of this one
    files = _ROOMS.get(function.__module__.split(".")[-2], _ROOMS["arithmetic"])
    return cast(F, files.dispatcher(function, *arguments, **options))


def compiled(signature: str | None = None) -> Callable[[F], F]:
    """Compile a kernel for one signature (or, without one, for the types it is called with)."""

    def compile_it(function: F) -> F:
        return _dispatcher(function, signature)

    return compile_it


def inlined(function: F) -> F:
    """Compile a small function that LLVM puts into the loops of its callers."""
    return _dispatcher(function, forceinline=True)


def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double = ir.DoubleType()
        kind = ir.FunctionType(double, (double, double, double))
        function = builder.module.declare_intrinsic("llvm.fma", (double,), kind)
        return builder.call(function, arguments)

    return types.float64(types.float64, types.float64, types.float64), codegen


def _bits(typingctx: Any, x: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), codegen


def _from_bits(typingctx: Any, n: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), codegen


fma = cast("Callable[[float, float, float], float]", intrinsic(_fma))
"""a * b + c, rounded once."""
bits = cast("Callable[[float], int]", intrinsic(_bits))
"""The 64 bits of a float as an int64."""
from_bits = cast("Callable[[Any], float]", intrinsic(_from_bits))
"""The float whose 64 bits are an int64."""
