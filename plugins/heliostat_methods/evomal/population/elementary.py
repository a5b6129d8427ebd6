"""Elementary functions that compile to vector code.

The C library's ``logf`` and ``tanhf`` are called once per number, which dominates a tree kernel.
The single-precision versions here are branch-free polynomials (relative error below 2e-7), so a
loop over samples runs in vector registers and gives the same bits with every C library. Double
precision goes to the C library: it serves checks, where accuracy matters and speed does not.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

# Always part of the caller: then no two copies of one kernel can differ in a bit.
_OPTIONS: Any = {"error_model": "numpy", "fastmath": {"contract"}, "forceinline": True}
_f = np.float32

_ONE, _HALF, _INF = _f(1.0), _f(0.5), _f(np.inf)
# Cody-Waite split of ln 2: the high part has few enough bits for an exact product.
_LN2_HIGH, _LN2_LOW, _LOG2_E = _f(0.693359375), _f(-2.12194440e-4), _f(1.44269504088896341)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_EXPONENT_BITS, _BIAS = np.int32(23), np.int32(127)
_EXP_LOW, _EXP_HIGH = _f(-87.0), _f(88.3)
# Minimax coefficients as published with the Cephes library (S. Moshier), functions logf and expf.
_L8, _L7, _L6 = _f(7.0376836292e-2), _f(-1.1514610310e-1), _f(1.1676998740e-1)
_L5, _L4, _L3 = _f(-1.2420140846e-1), _f(1.4249322787e-1), _f(-1.6668057665e-1)
_L2, _L1, _L0 = _f(2.0000714765e-1), _f(-2.4999993993e-1), _f(3.3333331174e-1)
_E5, _E4, _E3 = _f(1.9875691500e-4), _f(1.3981999507e-3), _f(8.3334519073e-3)
_E2, _E1, _E0 = _f(4.1665795894e-2), _f(1.6666665459e-1), _f(5.0000001201e-1)
# Cephes tanhf: a polynomial below 0.625 and an exponential above, which reaches exactly one as the
# C library does (a rational approximation stops short, and 1 - tanh^2 must vanish there).
_TANH_SWITCH, _TWO = _f(0.625), _f(2.0)
_T4, _T3, _T2 = _f(-5.70498872745e-3), _f(2.06390887954e-2), _f(-5.37397155531e-2)
_T1, _T0 = _f(1.33314422036e-1), _f(-3.33332819422e-1)


def positive_log(x: float) -> float:
    """Return log(x) for a positive normal ``x``, infinity or NaN (inside compiled code too)."""
    return math.log(x)


def bounded_exp(x: float) -> float:
    """Return exp(x); in single precision ``x`` is clamped to [-87, 88.3] to stay finite."""
    return math.exp(x)


def tanh(x: float) -> float:
    """Return tanh(x) (inside compiled code too)."""
    return math.tanh(x)


def _log_single(x: Any) -> Any:
    bits = np.float32(x).view(np.int32)
    exponent = (bits - _SQRT_HALF_BITS) >> _EXPONENT_BITS
    mantissa = np.int32(bits - (exponent << _EXPONENT_BITS)).view(np.float32)
    n = np.float32(exponent)
    r = mantissa - _ONE
    s = r * r
    p = ((_L8 * r + _L7) * r + _L6) * r + _L5
    p = (((p * r + _L4) * r + _L3) * r + _L2) * r + _L1
    p = (p * r + _L0) * r * s
    p = p + n * _LN2_LOW
    p = p - _HALF * s
    result = (r + p) + n * _LN2_HIGH
    return result if x < _INF else x  # the bit pattern of inf and NaN means nothing above


def _exp_single(x: Any) -> Any:
    z = _EXP_HIGH if x > _EXP_HIGH else x
    z = _EXP_LOW if z < _EXP_LOW else z
    n = np.floor(z * _LOG2_E + _HALF)
    r = z - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = ((_E5 * r + _E4) * r + _E3) * r + _E2
    p = (p * r + _E1) * r + _E0
    p = p * r * r + r + _ONE
    power = np.int32((np.int32(n) + _BIAS) << _EXPONENT_BITS).view(np.float32)
    return p * power


_exp_single_shared = register_jitable(**_OPTIONS)(_exp_single)


def _tanh_single(x: Any) -> Any:
    size = abs(x)
    s = x * x
    p = (((_T4 * s + _T3) * s + _T2) * s + _T1) * s + _T0
    near = x + x * s * p
    far = _ONE - _TWO / (_exp_single_shared(_TWO * size) + _ONE)
    far = far if x > np.float32(0.0) else -far
    return near if size < _TANH_SWITCH else far


def _log_double(x: Any) -> Any:
    return math.log(x)


def _exp_double(x: Any) -> Any:
    return math.exp(x)


def _tanh_double(x: Any) -> Any:
    return math.tanh(x)


def _by_precision(
    single: Callable[[Any], Any], double: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    def choose(x: Any) -> Any:
        return single if x == types.float32 else double

    return choose


overload(positive_log, jit_options=_OPTIONS)(_by_precision(_log_single, _log_double))
overload(bounded_exp, jit_options=_OPTIONS)(_by_precision(_exp_single, _exp_double))
overload(tanh, jit_options=_OPTIONS)(_by_precision(_tanh_single, _tanh_double))
