"""Subnets as paths in a trie of blocks, walked depth-first: each distinct prefix once.

What a block gives depends on the blocks before it and on nothing else, in training (statistics of
the batch) as in evaluation (statistics recalibrated along the path). So subnets that begin alike
share that beginning; one subnet alone is a trie with a single path, and the same code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from torch import Tensor

from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.elastic_block import Choice, ElasticBlock, Run, order_of
from heliostat_methods.pnag.supernet.normalisation import Norm


class Network(Protocol):
    """What is walked: a supernet."""

    @property
    def first(self) -> ElasticBlock | None:
        """The block that every subnet has before its units."""
        ...

    def check(self, blocks: Blocks) -> None:
        """Raise ConfigError for an architecture that is not of this network."""
        ...

    def stem(self, x: Tensor, norm: Norm) -> Tensor:
        """Return what the first block sees."""
        ...

    def block(self, unit: int, layer: int) -> ElasticBlock:
        """Return a block."""
        ...

    def head(self, x: Tensor, norm: Norm) -> Tensor:
        """Return logits of what the last block gives."""
        ...


@dataclass(frozen=True)
class Step:
    """One block of a path: its place and what is chosen there."""

    unit: int
    layer: int
    choice: Choice

    @property
    def place(self) -> tuple[int, int]:
        """Unit and layer."""
        return self.unit, self.layer

    @property
    def order(self) -> tuple[Any, ...]:
        """The key by which steps at one prefix are sorted."""
        return self.unit, self.layer, *order_of(self.choice)


@dataclass(frozen=True)
class Path:
    """A subnet's steps and its index among those asked for."""

    steps: tuple[Step, ...]
    index: int


def paths_of(subnets: Sequence[Blocks]) -> list[Path]:
    """Return subnets as paths in lexicographic order, those of equal steps by index."""
    made = [Path(_steps(blocks), index) for index, blocks in enumerate(subnets)]
    return sorted(made, key=lambda path: [step.order for step in path.steps])


def prefix_order(subnets: Sequence[Blocks]) -> list[int]:
    """Return the indices of subnets in lexicographic order.

    Cut into batches in this order, subnets share the most with those of their own batch.
    """
    return [path.index for path in paths_of(subnets)]


def _steps(blocks: Blocks) -> tuple[Step, ...]:
    return tuple(
        Step(unit, layer, choice)
        for unit, row in enumerate(blocks)
        for layer, choice in enumerate(row)
    )


def walk(net: Network, subnets: Sequence[Blocks], x: Any, run: Run) -> Iterator[tuple[int, Any]]:
    """Yield (index of a subnet, its logits), in lexicographic order of the subnets.

    `run(stage, *values)` applies `stage(*tensors, norm)` to what is carried, of which `x` are the
    images. Along the way, no more is held than outputs of one path and of what its blocks share.
    """
    for blocks in subnets:
        net.check(blocks)
    x = run(net.stem, x)
    if net.first is not None:
        (x,) = net.first.outputs(x, [net.first.only], run)
    yield from _below(net, paths_of(subnets), 0, x, run)


def _below(
    net: Network, paths: list[Path], depth: int, x: Any, run: Run
) -> Iterator[tuple[int, Any]]:
    ended = [path for path in paths if len(path.steps) == depth]
    if ended:
        logits = run(net.head, x)
        yield from ((path.index, logits) for path in ended)
    rest = paths[len(ended) :]
    for place, there in groupby(rest, lambda path: path.steps[depth].place):
        by_choice = groupby(there, lambda path: path.steps[depth].choice)
        groups = [(choice, list(members)) for choice, members in by_choice]
        outputs = net.block(*place).outputs(x, [choice for choice, _ in groups], run)
        for (_, members), output in zip(groups, outputs, strict=True):
            yield from _below(net, members, depth + 1, output, run)


def distinct_prefixes(subnets: Sequence[Blocks]) -> int:
    """Return how many blocks a walk evaluates; one by one it would be the sum of the depths."""
    return len(
        {path.steps[:d] for path in paths_of(subnets) for d in range(1, len(path.steps) + 1)}
    )
