from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.layout_probe import probe_layout

BLOCKS = (((5, 4),), ((3, 2),))


def clock_of(seconds: list[float]) -> Callable[[], float]:
    """A clock whose n-th pair of readings is n-th `seconds` apart."""
    readings = iter([value for s in seconds for value in (0.0, s)])
    return lambda: next(readings)


def test_the_fastest_way_is_taken_by_the_least_of_the_rounds(
    build: Any, space: Any, images: Tensor
) -> None:
    clock = clock_of([9, 1, 3, 4, 5, 2])  # warm-up, then two rounds: contiguous, channels_last
    found = probe_layout(build(space), BLOCKS, images, rounds=2, clock=clock)
    assert (found.memory_format, found.threads) == ("channels_last", 1)
    assert [t.seconds for t in found.timings] == [3, 2]
    assert found.speedup == 1.5


def test_the_plain_way_is_kept_where_it_is_faster(build: Any, space: Any, images: Tensor) -> None:
    clock = clock_of([9, 9, 1, 2])
    found = probe_layout(build(space), BLOCKS, images, rounds=1, clock=clock)
    assert (found.memory_format, found.speedup) == ("contiguous", 1.0)


def test_network_threads_and_gradients_are_left_as_they_were(
    build: Any, space: Any, images: Tensor
) -> None:
    net, threads = build(space), torch.get_num_threads()
    found = probe_layout(net, BLOCKS, images[:4], threads=(1, 2), rounds=1)
    assert len(found.timings) == 4 and found.speedup >= 1
    assert torch.get_num_threads() == threads and net.memory_format == "channels_last"
    assert all(p.grad is None for p in net.parameters())


def test_no_threads_are_refused(build: Any, space: Any, images: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"threads = \(0,\): expected numbers of threads"):
        probe_layout(build(space), BLOCKS, images, threads=(0,))
