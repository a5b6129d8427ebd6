"""What a task is, and what it sees while it runs in a worker process or in the driver's own.

A task is a function at module level, ``task(item, ctx) -> value``. Its value may depend on the
item, on shared data and on named random streams, and on nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from heliostat.contract.part import PartRef
from heliostat.errors import ConfigError, Key
from heliostat.values.canonical import Shared
from heliostat.values.streams import Name

if TYPE_CHECKING:
    import numpy as np
    import torch

I = TypeVar("I")
O = TypeVar("O")
T = TypeVar("T")


@dataclass(frozen=True)
class Resources:
    """What one item needs: `cpus` is also its number of threads; `custom` are Ray resources."""

    cpus: float = 1
    gpus: float = 0
    """GPUs of one node; a task computes on the first of them (`TaskContext.device`)"""
    memory: int = 0
    """bytes; an item that allocates more fails with MemoryError"""
    custom: tuple[tuple[str, float], ...] = ()
    deadline: float = 0
    """seconds after which an item fails; 0 sets none (see `heliostat.worker.limits`)"""
    or_cpu: bool = False
    """an item that asks for GPUs runs on the CPU where no node has them, instead of a refusal"""

    def __post_init__(self) -> None:
        for name in ("cpus", "gpus", "memory", "deadline"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"Resources.{name}", value, "a finite number, 0 or more")

    def __str__(self) -> str:
        parts = [f"cpus={self.cpus:g}", f"gpus={self.gpus:g}" if self.gpus else ""]
        parts += [f"memory={self.memory}" if self.memory else ""]
        parts += [f"{name}={amount:g}" for name, amount in self.custom]
        return ", ".join(part for part in parts if part)

    def on_cpu(self) -> Resources:
        """Return what the item needs when it runs on the CPU."""
        return replace(self, gpus=0, or_cpu=False)

    @property
    def threads(self) -> int:
        """Threads that numerical libraries may use for the item."""
        return max(1, int(self.cpus))


class TaskContext(Protocol):
    """What a running task may use besides its item."""

    @property
    def key(self) -> Key:
        """The item's key: the path of calls that led to it."""
        ...

    @property
    def cache_dir(self) -> Path:
        """A folder of this machine for compiled kernels and tables; it changes no result."""
        ...

    @property
    def device(self) -> str:
        """The torch device that the task may use, by torch's name, as `tensor.to` takes it.

        "cuda:0" where the item's `Resources` have gpus, else "cpu"; also "cpu" with `or_cpu` where
        the worker has no GPU that torch can use. Without `or_cpu` such a worker raises
        ResourceError, so that nothing is computed elsewhere than asked. Reading it imports torch
        only for an item that was granted a GPU. Draw on the CPU, from the named streams, and move:
        a GPU's own generator gives other numbers.
        """
        ...

    def rng(self, *name: Name) -> np.random.Generator:
        """Return the stream of that name, shared by all tasks; without a name, the task's own."""
        ...

    def seed64(self, *name: Name) -> int:
        """Return the 64-bit seed of that name (or the task's own)."""
        ...

    def torch_generator(self, *name: Name) -> torch.Generator:
        """Return a CPU torch generator of that name (or the task's own)."""
        ...

    def shared(self, handle: Shared[T] | None = None) -> Any:
        """Return shared read-only data: of `handle`, or of the call's only one."""
        ...

    def cached(self, handle: Shared[T], build: Callable[[T], O]) -> O:
        """Return `build(data)` of shared data, built once in each worker process.

        The object must behave as if it were new each time: it may not keep state between items.
        """
        ...

    def part(self, kind: str, ref: PartRef) -> Any:
        """Build a part by name, with what the run's configuration brought in for it."""
        ...

    def checkpoint(self, state: object) -> None:
        """Offer a long task's state; the driver keeps the newest, one every N seconds at most."""
        ...

    def restore(self, default: T) -> T:
        """Return the newest checkpoint of this task, or `default` at its first start."""
        ...


Task: TypeAlias = Callable[[I, TaskContext], O]
