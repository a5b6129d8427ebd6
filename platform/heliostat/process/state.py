"""State of the whole process that runs depend on, held around code of strangers.

An import that lowers the recursion limit or makes float64 torch's default type would end or change
runs that have nothing to do with it. What is compared is what Python and the numerical libraries
keep for the whole process; a library that is not loaded yet is taken to begin with its defaults.
"""

from __future__ import annotations

import builtins
import gc
import locale
import operator
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

VARIABLES = ("HELIOSTAT_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "VECLIB_", "NUMBA_", "ATEN_",
             "ONEDNN_", "NPY_", "TORCH_", "PYTHON")  # fmt: skip
"""What the names of variables begin with that decide how a run computes."""
_LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
)


class Aspect(NamedTuple):
    """One thing that a process keeps: its name, how it is read and put back, and when it is same.

    `same(was, now)` says whether runs can go on with it as it is now.
    """

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]
    same: Callable[[Any, Any], bool] = operator.eq


@contextmanager
def held(changed: Callable[[str], object]) -> Iterator[None]:
    """Put back what code inside changed of the process; `changed` takes what is said of it.

    Sub-searches are threads that take turns, so nobody else changes anything meanwhile.
    """
    before = [aspect.read() for aspect in ASPECTS]
    try:
        yield
    finally:
        said = _said([(a, was) for a, was in zip(ASPECTS, before, strict=True) if _differs(a, was)])
        if said:
            changed(said)


def _differs(aspect: Aspect, was: Any) -> bool:
    return not aspect.same(was, aspect.read())


def _said(changed: list[tuple[Aspect, Any]]) -> str:
    """Put back what is another, and return what there is to say of it."""
    for aspect, was in changed:
        with suppress(Exception):  # a limit that was lowered for good: told below
            aspect.put_back(was)
    left = [aspect.name for aspect, was in changed if _differs(aspect, was)]
    back = [aspect.name for aspect, _ in changed if aspect.name not in left]
    parts = []
    if back:
        parts.append(f"{', '.join(back)}, which other code depends on; it was put back")
    if left:
        parts.append(f"{', '.join(left)}, which cannot be put back, so this run may end by it")
    return "; it changed ".join(parts)


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it is gone already
        return None


def _change_directory(was: str | None) -> None:
    if was is not None:
        os.chdir(was)


def _has_path(was: list[str], now: list[str]) -> bool:
    return [entry for entry in now if entry in was] == was  # more of it is welcome


def _find_again(was: list[str]) -> None:
    sys.path[:] = [*was, *(entry for entry in sys.path if entry not in was)]


def _variables() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name.startswith(VARIABLES)}


def _set_variables(was: dict[str, str]) -> None:
    for name in _variables().keys() - was.keys():
        del os.environ[name]
    os.environ.update(was)


def _raising() -> list[Any]:
    return [entry for entry in warnings.filters if entry[0] == "error"]


def _stop_raising(was: list[Any]) -> None:
    kept: Any = [entry for entry in warnings.filters if entry[0] != "error" or entry in was]
    warnings.filters[:] = kept  # type: ignore[index]


def _limits() -> list[int]:
    return [resource.getrlimit(limit)[0] for limit in _LIMITS]


def _no_lower(was: list[int], now: list[int]) -> bool:
    endless = resource.RLIM_INFINITY
    pairs = zip(was, now, strict=True)
    return all(after == endless or endless != before <= after for before, after in pairs)


def _set_limits(was: list[int]) -> None:
    for limit, soft in zip(_LIMITS, was, strict=True):
        resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))


def _none_replaced(was: dict[str, Any], now: dict[str, Any]) -> bool:
    # an interactive Python keeps its last value under the name _
    return all(now.get(name) is value for name, value in was.items() if name != "_")


def _of_library(module: str, read: str, begins_with: Any) -> Callable[[], Any]:
    """Return what reads something of a library by a function of its own, if it is loaded."""

    def reading() -> Any:
        function = getattr(sys.modules.get(module), read, None)
        return begins_with if function is None else function()

    return reading


def _in_library(module: str, write: str) -> Callable[[Any], None]:
    def writing(was: Any) -> None:
        getattr(sys.modules[module], write)(was)

    return writing


def _torch_type() -> str:
    torch: Any = sys.modules.get("torch")
    known = hasattr(torch, "get_default_dtype")
    return str(torch.get_default_dtype()) if known else "torch.float32"


def _set_torch_type(was: str) -> None:
    torch = sys.modules["torch"]
    torch.set_default_dtype(getattr(torch, was.removeprefix("torch.")))


def _torch_device() -> str:
    torch: Any = sys.modules.get("torch")
    return str(torch.get_default_device()) if hasattr(torch, "get_default_device") else "cpu"


def _precision() -> int:
    mpmath: Any = sys.modules.get("mpmath")
    return int(mpmath.mp.prec) if hasattr(mpmath, "mp") else 53


def _set_precision(was: int) -> None:
    sys.modules["mpmath"].mp.prec = was


def _flushes_tiny_numbers() -> bool:
    return sys.float_info.min * len(" ") / 2 == 0.0


def _alarm() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _stop_alarm(was: bool) -> None:
    if not was:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _leave_ray(was: bool) -> None:
    if not was:
        sys.modules["ray"].shutdown()


def _collect(was: bool) -> None:
    (gc.enable if was else gc.disable)()


def _set_errors(was: dict[str, str]) -> None:
    sys.modules["numpy"].seterr(**was)


_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
ASPECTS = (
    Aspect("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Aspect("the limit of digits", sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    Aspect("the switch interval", sys.getswitchinterval, sys.setswitchinterval),
    Aspect("the working directory", _directory, _change_directory),
    Aspect("the import path", lambda: list(sys.path), _find_again, _has_path),
    Aspect("environment variables", _variables, _set_variables),
    Aspect("warnings that are errors", _raising, _stop_raising),
    Aspect("standard error", lambda: sys.stderr, lambda was: setattr(sys, "stderr", was)),
    Aspect(
        "built-in names",
        lambda: dict(vars(builtins)),
        lambda was: vars(builtins).update(was),
        _none_replaced,
    ),
    Aspect("garbage collection", gc.isenabled, _collect),
    Aspect(
        "the locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda was: locale.setlocale(locale.LC_ALL, was),
    ),
    Aspect("limits of the process", _limits, _set_limits, _no_lower),
    Aspect("an alarm", _alarm, _stop_alarm, operator.ge),  # one that rang inside is no change
    Aspect(
        "the timeout of sockets",
        _of_library("socket", "getdefaulttimeout", None),
        _in_library("socket", "setdefaulttimeout"),
    ),
    Aspect("a Ray session", _of_library("ray", "is_initialized", False), _leave_ray),
    Aspect("numpy's errors", _of_library("numpy", "geterr", _NUMPY_ERRORS), _set_errors),
    Aspect("mpmath's precision", _precision, _set_precision),
    Aspect("torch's default type", _torch_type, _set_torch_type),
    Aspect("torch's default device", _torch_device, _in_library("torch", "set_default_device")),
    Aspect(
        "torch's gradients",
        _of_library("torch", "is_grad_enabled", True),
        _in_library("torch", "set_grad_enabled"),
    ),
    Aspect(
        "torch's precision of products",
        _of_library("torch", "get_float32_matmul_precision", "highest"),
        _in_library("torch", "set_float32_matmul_precision"),
    ),
    Aspect(
        "torch's deterministic algorithms",
        _of_library("torch", "get_deterministic_debug_mode", 0),
        _in_library("torch", "set_deterministic_debug_mode"),
    ),
    Aspect("tiny numbers", _flushes_tiny_numbers, _in_library("torch", "set_flush_denormal")),
)
"""All that is compared, in the order in which it is put back."""
