"""Arithmetic of the float kernel as numba's intrinsics: each rounding by name, real or complex.

`mac(t, a, b)` is t + a b by fused multiply-adds in the order of `add` in ym_kernel.c,
`shrunk(t, x)` is t x; t may be complex, x is real.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from heliostat_search.compiled import NumbaKernels

F = TypeVar("F", bound=Callable[..., Any])
_KERNELS = NumbaKernels(Path(__file__).parent, ("fused", "numba_floats", "numba_residues"))


def compiled(function: F) -> F:
    """Compile a kernel for the types that it is called with."""
    return cast(F, _KERNELS.dispatcher(function))


def inlined(function: F) -> F:
    """Compile a small function that LLVM puts into the loops of its callers."""
    return cast(F, _KERNELS.dispatcher(function, forceinline=True))


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    double = ir.DoubleType()
    kind = ir.FunctionType(double, (double, double, double))
    return builder.call(builder.module.declare_intrinsic("llvm.fma", (double,), kind), (a, b, c))


def _parts(builder: Any, value: Any, kind: Any) -> list[Any]:
    if isinstance(kind, types.Complex):
        return [builder.extract_value(value, i) for i in range(2)]
    return [value]


def _whole(builder: Any, parts: list[Any], like: Any) -> Any:
    if len(parts) == 1:
        return parts[0]
    for i, part in enumerate(parts):
        like = builder.insert_value(like, part, i)
    return like


def _mac(typingctx: Any, t: Any, a: Any, b: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = (
            _parts(builder, value, kind)
            for value, kind in zip(arguments, signature.args, strict=True)
        )
        if len(left) == 1 or len(right) == 1:
            done = [_fma(builder, x, right[0], s) for s, x in zip(sums, left, strict=True)]
        else:
            (re, im), (x, y), (u, v) = sums, left, right
            re = _fma(builder, builder.fneg(y), v, _fma(builder, x, u, re))
            done = [re, _fma(builder, y, u, _fma(builder, x, v, im))]
        return _whole(builder, done, arguments[0])

    return t(t, a, b), codegen


def _shrunk(typingctx: Any, t: Any, x: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = _parts(builder, arguments[0], signature.args[0])
        done = [builder.fmul(part, arguments[1]) for part in parts]
        return _whole(builder, done, arguments[0])

    return t(t, x), codegen


mac = cast("Callable[[Any, Any, Any], Any]", intrinsic(_mac))
"""t + a * b: t and a alike, b like them or real."""
shrunk = cast("Callable[[Any, float], Any]", intrinsic(_shrunk))
"""t * x."""
