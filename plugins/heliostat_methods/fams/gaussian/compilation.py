"""How this package's numeric kernels are compiled, and single-precision arithmetic by name.

Kernels are single-threaded numba functions with an on-disk cache and IEEE arithmetic. No "fast"
flag: LLVM applies those after inlining, and inlining differs between a process that compiles and
one that loads the cache. Where a fused multiply-add is wanted it is asked for. numba widens the
product of a float32 with a Python number to float64, so constants are float32 here.
"""

# mypy: disable-error-code="no-untyped-call"
# numba's code generation carries no types.

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from heliostat_search.compiled import NumbaKernels

F = TypeVar("F", bound=Callable[..., Any])
_FILES = NumbaKernels(Path(__file__).parent, (
    "adaptation", "batches", "compilation", "dense", "descent", "elementary", "moments", "noise",
    "philox",
))  # fmt: skip
_INT, _FLOAT = ir.IntType(32), ir.FloatType()
_ONE_BITS = 0x3F800000
_HALF_ROOT_BITS = 0x3F3504F3  # of the float32 next to sqrt(1/2)
_MOST = 0x7FFFFFFF


def compiled(function: F) -> F:
    """Compile a kernel for the types it is called with."""
    return cast(F, _FILES.dispatcher(function))


def inlined(function: F) -> F:
    """Compile a small function that LLVM puts into the loops of its callers."""
    return cast(F, _FILES.dispatcher(function, forceinline=True))


def _on_float(build: Callable[[Any, Any], Any]) -> Any:
    def implementation(typingctx: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return build(builder, arguments[0])

        return types.float32(types.float32), codegen

    return intrinsic(implementation)


def _on_word(build: Callable[[Any, Any], Any]) -> Any:
    def implementation(typingctx: Any, word: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return build(builder, arguments[0])

        return types.float32(types.uint32), codegen

    return intrinsic(implementation)


def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_FLOAT, (_FLOAT, _FLOAT, _FLOAT))
        function = builder.module.declare_intrinsic("llvm.fma", (_FLOAT,), kind)
        return builder.call(function, arguments)

    return types.float32(types.float32, types.float32, types.float32), codegen


def _power(builder: Any, x: Any) -> Any:
    shifted = builder.shl(builder.bitcast(x, _INT), ir.Constant(_INT, 23))
    return builder.bitcast(builder.add(shifted, ir.Constant(_INT, _ONE_BITS)), _FLOAT)


def _whole_log2(builder: Any, x: Any) -> Any:
    rest = builder.sub(builder.bitcast(x, _INT), ir.Constant(_INT, _HALF_ROOT_BITS))
    return builder.ashr(rest, ir.Constant(_INT, 23))


def _exponent(builder: Any, x: Any) -> Any:
    return builder.sitofp(_whole_log2(builder, x), _FLOAT)


def _mantissa(builder: Any, x: Any) -> Any:
    shift = builder.shl(_whole_log2(builder, x), ir.Constant(_INT, 23))
    return builder.bitcast(builder.sub(builder.bitcast(x, _INT), shift), _FLOAT)


def _signed(builder: Any, word: Any) -> Any:
    return builder.sitofp(word, _FLOAT)


def _remainder(builder: Any, word: Any) -> Any:
    size = builder.xor(word, builder.ashr(word, ir.Constant(_INT, 31)))
    return builder.sitofp(builder.sub(ir.Constant(_INT, _MOST), size), _FLOAT)


fma = cast("Callable[[Any, Any, Any], Any]", intrinsic(_fma))
"""a * b + c in float32, rounded once."""
power_of_two = cast("Callable[[Any], Any]", _on_float(_power))
"""2^n of a whole number n, given as the float32 1.5 * 2^23 + n; -126 <= n <= 127."""
exponent = cast("Callable[[Any], Any]", _on_float(_exponent))
"""e of x = m 2^e with sqrt(1/2) <= m < sqrt(2), as float32; x a normal number above 0."""
mantissa = cast("Callable[[Any], Any]", _on_float(_mantissa))
"""m of the same."""
signed = cast("Callable[[Any], Any]", _on_word(_signed))
"""A 32-bit word read as a signed number i, as float32."""
remainder = cast("Callable[[Any], Any]", _on_word(_remainder))
"""2^31 - 1 - i for i >= 0 and 2^31 + i for i < 0, subtracted exactly and then rounded."""
