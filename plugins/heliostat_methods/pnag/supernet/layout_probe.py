"""How activations should lie in memory, and on how many threads, by a short measurement.

The two formats do the same sums in different orders: results mean the same and differ in their last
bits, as they do for other numbers of threads. So a run that has to be reproducible on other
machines names both, by default `channels_last` on one thread, and the measurement is for runs that
ask for it (`memory_format = "auto"`) and then hold its answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.network import MemoryFormat, Supernet

Clock = Callable[[], float]


@dataclass(frozen=True)
class Timing:
    """Seconds of a forward and backward pass in one way: the least of the rounds."""

    memory_format: MemoryFormat
    threads: int
    seconds: float


@dataclass(frozen=True)
class LayoutDecision:
    """The fastest way, all that were measured, and how it compares with the plain one.

    The plain way is contiguous on the first number of threads that was asked for.
    """

    memory_format: MemoryFormat
    threads: int
    timings: tuple[Timing, ...]

    @property
    def speedup(self) -> float:
        """How many times faster than the plain way, 1 or more."""
        plain = next(t for t in self.timings if t.memory_format == "contiguous")
        return plain.seconds / min(t.seconds for t in self.timings)


def probe_layout(
    net: Supernet, blocks: Blocks, images: Tensor, threads: Sequence[int] = (1,), rounds: int = 3,
    clock: Clock = time.perf_counter,
) -> LayoutDecision:  # fmt: skip
    """Time a forward and backward pass of a subnet in both formats, in turn, and decide.

    images: (batch, channels, height, width) of a step's batch. Network, gradients and threads are
    as before afterwards. What was fastest is taken, so it is never slower than the plain way was.
    """
    if rounds < 1 or not threads or min(threads) < 1:
        raise ConfigError("threads", tuple(threads), "numbers of threads, each 1 or more")
    formats: tuple[MemoryFormat, ...] = ("contiguous", "channels_last")
    ways = [(count, form) for count in threads for form in formats]
    least = dict.fromkeys(ways, float("inf"))
    with _restored(net):
        for round_ in range(rounds + 1):
            for count, form in ways:
                torch.set_num_threads(count)
                net.memory_format = form
                seconds = _pass(net, blocks, images, clock)
                if round_:  # the first one warms up
                    least[count, form] = min(least[count, form], seconds)
    timings = tuple(Timing(form, count, least[count, form]) for count, form in ways)
    best = min(timings, key=lambda timing: timing.seconds)
    return LayoutDecision(best.memory_format, best.threads, timings)


def _pass(net: Supernet, blocks: Blocks, images: Tensor, clock: Clock) -> float:
    began = clock()
    total = net(images, blocks).square().sum()
    torch.autograd.grad(total, list(net.parameters()), allow_unused=True)
    return clock() - began


@contextmanager
def _restored(net: Supernet) -> Iterator[None]:
    form, threads = net.memory_format, torch.get_num_threads()
    try:
        yield
    finally:
        net.memory_format = form
        torch.set_num_threads(threads)
