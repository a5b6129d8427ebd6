"""How the numeric kernels of this package are compiled, and two machine instructions by name.

Every kernel is a single-threaded numba function with an on-disk cache and IEEE arithmetic: no
"fast" flag, because LLVM applies those after inlining, and inlining differs between a process that
compiles and one that loads the cache. Where a fused multiply-add is wanted it is asked for.

numba stamps a cache entry with the file of the *outermost* function only: after editing a function
that other files call, empty the cache folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def compiled(signature: str | None = None) -> Callable[[F], F]:
    """Compile a kernel for one signature (or, without one, for the types it is called with)."""
    # Python's division by zero raises and thereby forbids vector code; numpy's gives inf.
    decorate = numba.njit(signature, cache=True, error_model="numpy")
    return cast("Callable[[F], F]", decorate)


def inlined(function: F) -> F:
    """Compile a small function that LLVM puts into the loops of its callers."""
    return cast(F, numba.njit(cache=True, error_model="numpy", forceinline=True)(function))


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
