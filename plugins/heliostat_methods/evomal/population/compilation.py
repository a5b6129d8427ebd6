"""How the numeric kernels of this package are compiled: each piece of machine code once.

Left to itself numba links the code of every function into each of its callers and optimises and
translates it there again; with kernels that call kernels that took four times as long as compiling
each one once. So a ``kernel`` has a written signature, is compiled alone for single or double
precision, and its callers reach it through a symbol. An ``entry`` is what Python calls; the first
call loads the kernels that it uses, directly or not, for the precision of its arrays.

Everything is single-threaded and cached on disk. An edit of any file with compiled code empties
the cache of all of them, because stored code refers to kernels of other files. Since there is one
copy of each kernel, freshly compiled and stored code give the same bits.

Signatures are written with one letter for each argument: ``f`` a real number of the arrays'
precision, ``i`` an integer, ``b`` a truth value, ``d`` a double; ``f1`` and ``f2`` are arrays of
one and two axes, ``i1`` integers (int64) and ``c2`` a tree's code (int32). The arrays handed to one
call must not share memory unless none of them is written: vector code relies on it.
"""

# mypy: disable-error-code="no-untyped-call"
# numba's code generation carries no types.

import gc
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin
from numba.np.arrayobj import make_array, populate_array

from heliostat_search.compiled import NumbaKernels

F = TypeVar("F", bound=Callable[..., Any])

# Fused multiply-add is always allowed. Reordering a sum is allowed only where a kernel asks for it:
# it is what lets a reduction use vector registers, and it is fixed once the code is compiled.
# NaN and infinity keep their IEEE meaning everywhere, because a diverging loss must be seen.
_ELEMENTWISE = {"contract"}
_REDUCTION = {"contract", "reassoc", "nsz"}
_PRECISIONS = (types.float32, types.float64)
_FILES = NumbaKernels(Path(__file__).parent.parent, (
    "learners.generic.layered", "learners.kernels.convolution", "learners.kernels.dense",
    "learners.kernels.gates", "learners.kernels.meta_step", "learners.kernels.objectives",
    "learners.output_slopes", "learners.rejection", "learners.training", "losses.primitives",
    "losses.straight_line", "population.compilation", "population.elementary",
    "population.evaluation", "population.interpreter",
))  # fmt: skip


def _types(text: str, precision: Any) -> tuple[Any, ...]:
    known = {
        "f": precision,
        "d": types.float64,
        "i": types.int64,
        "b": types.boolean,
        "f1": types.Array(precision, 1, "C"),
        "f2": types.Array(precision, 2, "C"),
        "i1": types.Array(types.int64, 1, "C"),
        "c2": types.Array(types.int32, 2, "C"),
        "": types.none,
    }
    return tuple(known[part.strip()] for part in text.split(","))


_KERNELS: dict[FunctionType, "_Kernel"] = {}
_SYMBOLS: set[str] = set()


class _Kernel:
    """A function that is compiled alone and called by symbol."""

    def __init__(self, function: FunctionType, text: str, reduction: bool) -> None:
        arguments, _, result = text.partition("->")
        self.function, self._loaded = function, set[Any]()
        self._signatures = {
            p: signature(_types(result, p)[0], *_types(arguments, p)) for p in _PRECISIONS
        }
        self._dispatcher = _FILES.dispatcher(
            function,
            fastmath=_REDUCTION if reduction else _ELEMENTWISE,
            no_cpython_wrapper=True,
            no_cfunc_wrapper=True,
            _nrt=False,
        )
        self._dispatcher._compiler._customize_flags = _without_aliases
        cases = list(self._signatures.values())
        infer_global(function, types.Function(_template(function, cases)))
        for precision in _PRECISIONS:
            case = self._signatures[precision]
            lower_builtin(function, *case.args)(_call_of(self.symbol(precision)))

    def symbol(self, precision: Any) -> str:
        arguments = self._signatures[precision].args  # the same for both in a kernel of integers
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        return f"{name}{arguments}{_FILES.fingerprint[:12]}"

    def load(self, precision: Any) -> None:
        """Compile, or fetch from the disk, and make the symbol known."""
        if precision in self._loaded:
            return
        load_kernels_of(self.function, precision)
        case = self._signatures[precision]
        self._dispatcher.compile(case)
        compiled = self._dispatcher.overloads[case.args]
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        llvmlite.binding.add_symbol(self.symbol(precision), address)
        _SYMBOLS.add(self.symbol(precision))
        self._loaded.add(precision)


def _without_aliases(flags: Any) -> Any:
    flags.noalias = True
    return flags


def _template(function: FunctionType, signatures: list[Any]) -> type:
    return type(f"Kernel_{function.__name__}", (ConcreteTemplate,), {
        "key": function, "cases": signatures,
    })  # fmt: skip


def _call_of(symbol: str) -> Callable[..., Any]:
    def call(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        if symbol not in _SYMBOLS:  # the call would jump to address 0
            raise RuntimeError(f"kernel {symbol}: name it plainly in the function that calls it")
        convention = context.call_conv
        kind = convention.get_function_type(sig.return_type, sig.args)
        function = cgutils.get_or_insert_function(builder.module, kind, symbol)
        status, result = convention.call_function(
            builder, function, sig.return_type, sig.args, arguments
        )
        del status  # a kernel raises nothing
        return result

    return call


def load_kernels_of(function: FunctionType, precision: Any) -> None:
    """Load every kernel that the body of ``function`` names."""
    for name in function.__code__.co_names:
        found = _KERNELS.get(function.__globals__.get(name))  # type: ignore[arg-type]
        if found is not None:
            found.load(precision)


def kernel(text: str, *, reduction: bool = False) -> Callable[[F], F]:
    """Make a function callable from compiled code, by a signature as the module describes.

    ``reduction=True`` lets its sums over samples be vectorised.
    """

    def register(function: F) -> F:
        plain = cast(FunctionType, function)
        _KERNELS[plain] = _Kernel(plain, text, reduction)
        return function

    return register


def _writable(x: Any) -> Any:
    # A read-only or strided array is another type, for which all would be compiled once more.
    return np.array(x, order="C") if isinstance(x, np.ndarray) and not x.flags.carray else x


def entry(function: F) -> F:
    """Make a function that Python calls compiled; its first argument sets the precision.

    An argument that is read-only or not contiguous is copied, so it cannot receive results.
    """
    plain = cast(FunctionType, function)
    dispatcher, ready = _FILES.dispatcher(plain, fastmath=_ELEMENTWISE), set[Any]()

    def call(*arguments: Any) -> Any:
        first, *others = (_writable(x) for x in arguments)
        if first.dtype in ready:
            return dispatcher(first, *others)
        # Compiling makes millions of small objects; looking for cycles in them takes a tenth of it.
        collecting = gc.isenabled()
        gc.disable()
        try:
            load_kernels_of(plain, numba.from_dtype(first.dtype))
            ready.add(first.dtype)
            return dispatcher(first, *others)
        finally:
            if collecting:
                gc.enable()

    call.__doc__ = function.__doc__
    return cast(F, call)


def _window(typing_context: Any, pool: Any, at: Any, rows: Any, columns: Any) -> Any:
    kind = types.Array(pool.dtype, 2, "C")

    def build(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        source, at, rows, columns = arguments
        whole = make_array(sig.args[0])(context, builder, source)
        view = make_array(kind)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(whole.data.type.pointee))
        populate_array(
            view,
            data=builder.gep(whole.data, [at]),
            shape=[rows, columns],
            strides=[builder.mul(columns, size), size],
            itemsize=size,
            meminfo=None,
        )
        return view._getvalue()

    integer = types.int64
    return signature(kind, pool, integer, integer, integer), build


window: Callable[[Any, int, int, int], Any] = cast(Any, intrinsic(_window))
"""``window(pool, at, rows, columns)``, for compiled code: that many numbers from number ``at`` on.

Nothing is copied or checked. A loop over such a view starts at 0, from which the compiler sees that
no index is negative.
"""


def aligned(count: int, dtype: Any) -> Any:
    """Return a vector whose first number begins a cache line, so that vector loads cross none."""
    size = np.dtype(dtype).itemsize
    raw = np.empty(count + 64 // size, dtype)
    skip = -raw.ctypes.data % 64 // size
    return raw[skip : skip + count]
