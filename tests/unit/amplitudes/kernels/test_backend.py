"""What runs is said in one sentence; the environment or an argument can ask for another."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat.contract.toolchain import find_compiler
from heliostat.errors import ConfigError
from heliostat_methods.amplitudes.kernels import backend, ym_amplitudes
from heliostat_methods.amplitudes.kernels.backend import VARIABLE, _loaded
from heliostat_methods.amplitudes.kernels.library import library

ONES = np.ones((1, 4, 4))


@pytest.fixture(autouse=True)
def afresh():
    yield
    _loaded.cache_clear()
    library.cache_clear()


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here")
def test_the_best_that_this_machine_can_run_is_taken() -> None:
    best = library("complex", 4, 1).runnable[0]
    assert backend().variant == best
    assert backend().native
    assert str(backend()).startswith(f"amplitudes (complex, D = 4): {best}, compiled by ")
    assert str(backend("modular")).startswith("amplitudes (modular, D = 4): ")


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_the_environment_asks_by_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    assert backend().variant == name
    assert not backend().native
    expected = f"amplitudes (real, D = 4): {name}, because HELIOSTAT_AMPLITUDES says so"
    assert str(backend("real")) == expected
    assert backend(using="scalar").variant == "scalar"  # the argument goes first


def test_a_machine_without_a_compiler_runs_numba_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = ym_amplitudes(ONES, ONES)
    _loaded.cache_clear()
    library.cache_clear()
    monkeypatch.setenv("CC", "no-such-compiler")
    assert backend("real").variant == "numba"
    assert "numba, because no C compiler was found" in str(backend("real"))
    np.testing.assert_array_equal(ym_amplitudes(ONES, ONES), expected)


def test_without_numba_numpy_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = backend(using="numba")
    assert found.variant == "numpy"
    assert str(found).endswith("numpy, because numba is not installed")


def test_a_name_that_is_no_variant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"using = 'numbaa': .*did you mean 'numba'"):
        ym_amplitudes(ONES, ONES, using="numbaa")
    monkeypatch.setenv(VARIABLE, "neon")
    with pytest.raises(ConfigError, match=r"HELIOSTAT_AMPLITUDES = 'neon'.*NEON"):
        ym_amplitudes(ONES, ONES)
