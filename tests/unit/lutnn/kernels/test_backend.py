"""What runs is said in one sentence; the environment can ask for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from heliostat.errors import ConfigError
from heliostat_methods.lutnn.kernels import backend as backends
from heliostat_methods.lutnn.kernels.backend import VARIABLE, asked_variant, backend, kernels
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import pack
from heliostat_methods.lutnn.kernels.threads import parallel
from heliostat_search.compiled import FALLBACK


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    kernels.cache_clear()
    yield
    kernels.cache_clear()


def test_the_best_that_this_machine_can_run_is_taken():
    assert backend().variant == LIBRARY.load().variant
    assert str(backend()).startswith(f"LUT-NN: {backend().variant}, compiled by ")


def test_the_environment_asks_for_torch(monkeypatch):
    expected = lut_linear(torch.ones(2, 4), pack(torch.eye(4)[None], torch.ones(1, 4, 3).char(), 1))
    kernels.cache_clear()
    monkeypatch.setenv(VARIABLE, "torch")
    assert kernels().variant == FALLBACK
    assert not backend().native
    assert str(backend()) == "LUT-NN: torch, because HELIOSTAT_LUTNN says so"
    found = lut_linear(torch.ones(2, 4), pack(torch.eye(4)[None], torch.ones(1, 4, 3).char(), 1))
    assert torch.equal(found, expected)


def test_a_machine_without_a_compiler_runs_torch_and_says_why(monkeypatch):
    monkeypatch.setattr(backends, "LIBRARY", type(LIBRARY)(
        LIBRARY.name, LIBRARY.source, LIBRARY.functions, LIBRARY.variants))  # fmt: skip
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not backend().native
    assert "torch, because no C++ compiler was found" in str(backend())


FORKED = """
import os, torch
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import pack
from heliostat_methods.lutnn.kernels.threads import parallel
torch.set_num_threads(2)
packed = pack(torch.randn(64, 16, 8), torch.randint(-9, 9, (64, 16, 500), dtype=torch.int8), 1)
x = torch.randn(300, 512)
expected = lut_linear(x, packed).numpy()  # torch's own operators wait for ever in a forked process
had = parallel()
child = os.fork()
if not child:
    os._exit(0 if (lut_linear(x, packed).numpy() == expected).all() and parallel() is None else 1)
assert os.waitpid(child, 0)[1] == 0 and parallel() == had
"""


def test_a_forked_process_makes_threads_of_its_own():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=60)


def test_torch_lends_its_threads_where_it_has_an_openmp():
    if "OpenMP" in torch.__config__.parallel_info() and sys.platform == "linux":
        assert parallel()


def test_a_variable_that_names_no_variant_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("HELIOSTAT_LUTNN", "neon")
    with pytest.raises(ConfigError, match=r"HELIOSTAT_LUTNN = 'neon'.*NEON"):
        asked_variant()
    for name in ("torch", "AVX2"):
        monkeypatch.setenv("HELIOSTAT_LUTNN", name)
        assert asked_variant() == name
