"""Timings have a row for the network and each layer at each batch size; no size is judged."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn import timing
from heliostat_methods.lutnn.tasks import Numbers, dense_network, made_of
from heliostat_methods.lutnn.timing import WHOLE, TimingQuestion, time_networks
from heliostat_methods.lutnn.training.accounts import plain_numbers
from heliostat_search.supervised.problem import Data, create

pytestmark = pytest.mark.filterwarnings("ignore:.*fewer than .* distinct pieces")


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One turn is enough where no size of a time is looked at."""
    monkeypatch.setattr(timing, "ROUNDS", 1)


def question(small: SimpleNamespace, batches: tuple[int, ...] = (1, 50), **more: Any) -> Any:
    given, variant = small.problem(), small.variant(**more)
    numbers = Numbers(plain_numbers(create(given, small.Recipe(), 0).state_dict()))
    module = dense_network(given, small.Recipe(), numbers)
    found = made_of(module, variant, [Data.of(given).train.x[:32]], 0)
    lengths = tuple((one.name, one.length) for one in found.layers)
    lookup = Numbers(plain_numbers(found.module.state_dict()))
    return TimingQuestion(given, numbers, lookup, variant, lengths, batches)


def test_there_is_a_row_for_the_whole_and_each_layer_at_each_batch(small: SimpleNamespace) -> None:
    found = time_networks(question(small), small.Context())
    names = [WHOLE, "4", "5", "9"]
    assert [(row.what, row.batch) for row in found.rows] == [(n, b) for b in (1, 50) for n in names]
    assert found.backend
    for row in found.rows:
        times = [row.dense, row.lookup, row.lookup_int8]
        assert all(math.isfinite(value) and value >= 0 for value in times)
        # a convolution has no form in int8
        assert math.isfinite(row.int8) == (row.what in (WHOLE, "9"))
    assert decode(encode(found)) == found


def test_many_centroids_have_no_int8_search(small: SimpleNamespace) -> None:
    found = time_networks(question(small, (2,), clusters=17), small.Context())
    assert [row.lookup_int8 for row in found.rows] == [math.inf] * 4
    assert all(math.isfinite(row.lookup) for row in found.rows)


def test_the_number_of_threads_is_what_it_was(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []

    def fails(*_: Any) -> Any:
        seen.append(torch.get_num_threads())
        raise OSError("no clock")

    monkeypatch.setattr(timing, "_timed", fails)
    asked = question(small, (1,))
    try:
        torch.set_num_threads(2)
        with pytest.raises(OSError, match="no clock"):
            time_networks(asked, small.Context())
        assert seen == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
