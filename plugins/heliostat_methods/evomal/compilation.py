"""How the numeric kernels of this package are compiled.

DEFECT TO MEND: `contract` and `reassoc` below give other bits in a process that compiles than in one
that loads the cache; tests/unit/evomal/test_evomal_cold_warm.py shows it and says what to do.

Every kernel is a single-threaded numba function with an on-disk cache. numba stamps a cache entry
with the file of the *outermost* function only, so after editing a function that other files inline,
empty ``__pycache__`` (installing a new version does this by itself).
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Fused multiply-add is always allowed. Reordering a sum is allowed only where a kernel asks for it:
# it is what lets a reduction use vector registers, and it is fixed once the code is compiled.
# NaN and infinity keep their IEEE meaning everywhere, because a diverging loss must be seen.
_ELEMENTWISE = {"contract"}
_REDUCTION = {"contract", "reassoc", "nsz"}


def compiled(*, reduction: bool = False) -> Callable[[F], F]:
    """Compile a kernel; ``reduction=True`` lets its sums over samples be vectorised."""
    flags = _REDUCTION if reduction else _ELEMENTWISE
    # Python's division by zero raises and thereby forbids vector code; numpy's gives inf.
    decorate = numba.njit(cache=True, error_model="numpy", fastmath=flags)
    return cast("Callable[[F], F]", decorate)
