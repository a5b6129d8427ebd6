"""What runs is said in one sentence; the environment can ask for torch."""

from __future__ import annotations

import pytest
import torch

from heliostat.errors import ConfigError
from heliostat_methods.lutnn.kernels import backend as backends
from heliostat_methods.lutnn.kernels.backend import VARIABLE, asked_variant, backend, kernels
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import pack
from heliostat_methods.lutnn.kernels.threads import blocks, each
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


def test_blocks_cover_all_in_whole_steps():
    assert blocks(100, 3, 16) == [(0, 32), (32, 64), (64, 100)]
    assert blocks(5, 4, 16) == [(0, 5)]
    assert blocks(0, 2, 16) == []


def test_an_error_of_any_block_is_raised_after_all_have_ended():
    ended = []

    def work(begin, end):
        ended.append(begin)
        if begin == 1:
            raise MemoryError("block 1")
        return 0

    with pytest.raises(MemoryError, match="block 1"):
        each(work, [(0, 1), (1, 2), (2, 3)])
    assert sorted(ended) == [0, 1, 2]


def test_a_variable_that_names_no_variant_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("HELIOSTAT_LUTNN", "neon")
    with pytest.raises(ConfigError, match=r"HELIOSTAT_LUTNN = 'neon'.*NEON"):
        asked_variant()
    for name in ("torch", "AVX2"):
        monkeypatch.setenv("HELIOSTAT_LUTNN", name)
        assert asked_variant() == name
