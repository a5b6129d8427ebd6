"""Every compiled variant that this machine can run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from heliostat.contract.instructions import portable_variables
from heliostat.contract.toolchain import find_compiler
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_search.compiled import FALLBACK, Kernels

VARIANTS = [variant.name for variant in LIBRARY.variants]


@pytest.fixture(scope="session", params=[*VARIANTS, FALLBACK])
def kernels(request: pytest.FixtureRequest) -> Iterator[Kernels]:
    """The functions of one variant, or of the fallback."""
    with pytest.MonkeyPatch.context() as patch:
        # The level `portable` of tests ends at AVX2; what it has is built for it, once.
        for name in portable_variables() if request.param not in LIBRARY.runnable else ():
            patch.delenv(name, raising=False)
        if request.param not in LIBRARY.runnable:
            pytest.skip(f"this CPU has no {request.param}")
        if request.param != FALLBACK and find_compiler("C++") is None:
            pytest.skip("no C++ compiler is here")
        found = LIBRARY.load(variant=request.param)
        assert found.variant == request.param, found.sentence
        yield found
