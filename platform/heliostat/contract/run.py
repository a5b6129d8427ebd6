"""What a search sees of the platform.

A search is an ordinary function ``search(config, run) -> result``. Everything that is expensive,
parallel or random goes through `run`; every outcome is journaled before the search sees it, and a
second start of the same run replays the journal and goes on where it ended.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from heliostat.contract.part import PartRef
from heliostat.contract.task import Resources, Task
from heliostat.errors import Key
from heliostat.values.canonical import Artifact, Shared
from heliostat.values.outcome import Outcome
from heliostat.values.streams import Name

if TYPE_CHECKING:
    import numpy as np
    import torch

I = TypeVar("I")
O = TypeVar("O")
R = TypeVar("R")
T = TypeVar("T")

SharedData = Shared[Any] | Sequence[Shared[Any]] | None


class Run(Protocol):
    """The interface between a search and the engine; results depend on nothing else.

    `shared` in every call is a handle of `share`, or several. `resources` are needs of each item.
    """

    @property
    def scope(self) -> Key:
        """The key of this (sub-)search; empty for the main one."""
        ...

    def map(
        self,
        fn: Task[I, O],
        items: Sequence[I],
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> list[Outcome[O]]:
        """Evaluate all items and return their outcomes in item order.

        Raises TooManyFailures when there are at least eight items and all of them failed.
        """
        ...

    def stream(
        self,
        fn: Task[I, O],
        items: Iterable[I],
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Iterator[Outcome[O]]:
        """Yield outcomes in item order, reading `items` lazily; may be left early.

        Items read ahead of a search that leaves are neither delivered nor part of the digest.
        """
        ...

    def submit(
        self,
        fn: Task[I, O],
        item: I,
        *,
        cost: float = 1.0,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Key:
        """Ask for one outcome ahead of time and return its key.

        `cost` is its expected duration in any unit.
        """
        ...

    def branch(self, search: Callable[[Run], R], *, cost: float = 1.0) -> Key:
        """Begin a sub-search with keys and streams of its own under the key that is returned.

        `next` delivers its outcome: what it returned, or its error as a failure.
        """
        ...

    def next(self) -> Outcome[Any]:
        """Return the outcome, submitted or of a branch, that is first in virtual finish order.

        The order follows from the declared costs on `lookahead` virtual slots, never from arrival.
        Raises MisuseError when nothing is outstanding.
        """
        ...

    @property
    def outstanding(self) -> int:
        """How many outcomes, submitted or of branches, have not been taken with `next`."""
        ...

    @property
    def lookahead(self) -> int:
        """The number of virtual slots, from the configuration of the run (not its workers)."""
        ...

    def call(
        self,
        fn: Task[I, O],
        item: I,
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Outcome[O]:
        """Run one long task, which may keep checkpoints of its own (`ctx.checkpoint`)."""
        ...

    def observe(
        self,
        fn: Task[I, O],
        item: I,
        *,
        shared: SharedData = None,
        resources: Resources | None = None,
    ) -> Outcome[O]:
        """Measure something (a duration): journaled and replayed, run alone, not in the digest."""
        ...

    def elapsed(self) -> float:
        """Return the seconds that this run has taken until now, earlier starts included.

        An observation that the driver makes itself: it takes a key, is journaled and replayed, and
        is not in the digest. A start that was killed counts until the last time it was asked.
        """
        ...

    def abandon(self) -> None:
        """Give up all that is outstanding: nobody waits for it, and it is no part of the result."""
        ...

    def require(self, resources: Resources) -> None:
        """Raise ResourceError where no worker could give them: a refusal before any work.

        It asks for nothing and takes no key, so no result depends on it.
        """
        ...

    def gather(self, *searches: Callable[[Run], R]) -> list[R]:
        """Run sub-searches side by side, each with its own keys and streams; results in order."""
        ...

    def share(self, value: T) -> Shared[T]:
        """Store large read-only data under the hash of their content; sent once to each worker."""
        ...

    def rng(self, *name: Name) -> np.random.Generator:
        """Return the random stream of that name."""
        ...

    def seed64(self, *name: Name) -> int:
        """Return the 64-bit seed of that name."""
        ...

    def torch_generator(self, *name: Name) -> torch.Generator:
        """Return a CPU torch generator of that name."""
        ...

    def python_random(self, *name: Name) -> AbstractContextManager[random.Random]:
        """Put the stream of that name in place of the global `random` while it is open."""
        ...

    def report(
        self, step: int, *, of: int | None = None, count: float | None = None, **metrics: float
    ) -> None:
        """Record metrics of a step; `of` (last step) and `count` (units done) feed the progress."""
        ...

    def phase(self, name: str) -> None:
        """Say what this (sub-)search does from here on, for those who watch: "digits: training".

        It changes no result. Steps reported after it count from the beginning again.
        """
        ...

    def checkpoint(self, step: int, state: object) -> None:
        """Store the search's state; a resume starts from the newest one instead of replaying."""
        ...

    def restore(
        self, default: tuple[int, T], load: Callable[[Any], T] | None = None
    ) -> tuple[int, T]:
        """Return (step, state) of the newest checkpoint, or `default`; call before other work."""
        ...

    def save(self, name: str, value: object, *, kind: str = "value") -> Artifact:
        """Keep a product: any encodable value, or `bytes` as they are. `kind` names a part kind."""
        ...

    def part(self, kind: str, ref: PartRef) -> Any:
        """Build the part that the configuration names."""
        ...
