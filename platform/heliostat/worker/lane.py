"""How a worker process evaluates a chunk: in a thread of its own, watched by the one that answers.

The watching thread passes checkpoints on while items run, and notices an item that hangs.
"""

from __future__ import annotations

import faulthandler
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heliostat.errors import Key
from heliostat.values.outcome import Failure
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.numerics import set_threads
from heliostat.worker.work import TaskState, Work

HANGING_SECONDS = 3.0
"""How long after its deadline an item that holds Python's lock takes its worker down."""

Item = tuple[Key, str, str | None]
"""Key, canonical text and newest checkpoint of one item of a chunk."""
Answer = tuple[str | None, Failure | None, float]
"""Value or failure of one item, and its seconds."""


@dataclass(frozen=True)
class Overdue:
    """An item is past its deadline: the answers before it, and for how long it has run."""

    worker: str
    answers: list[Answer]
    seconds: float


class Lane:
    """The thread of a worker process in which tasks run, kept so that its thread limits hold."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._loop, name="tasks", daemon=True).start()

    def _loop(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except BaseException:  # the chunk comes back short, which the driver notices
                traceback.print_exc()

    def run(self, job: Callable[[], None]) -> None:
        """Run a job after those before it."""
        self._jobs.put(job)


def evaluate_chunk(
    lane: Lane, side: WorkerSide, common: Work, items: list[Item], worker: str
) -> Iterator[TaskState | Overdue | tuple[str, list[Answer]]]:
    """Yield task checkpoints as they come, then all answers at once.

    Or, when an item is past its deadline, what there is until then: the driver ends this process.
    """
    outbox: queue.SimpleQueue[TaskState | None] = queue.SimpleQueue()
    answers: list[Answer] = []
    deadline = common.resources.deadline
    begun = [(0, time.monotonic())]

    def job() -> None:
        try:
            set_threads(common.resources.threads)
            for number, (key, item, checkpoint) in enumerate(items):
                begun[0] = number, time.monotonic()
                if deadline:  # for code that lets no other thread of this process run
                    faulthandler.dump_traceback_later(deadline + HANGING_SECONDS, exit=True, file=2)
                work = common._replace(key=key, item=item, checkpoint=checkpoint)
                send = lambda state, key=key: outbox.put(TaskState(key, state))  # noqa: E731
                reply = side.evaluate(work, worker, send)
                answers.append((reply.value, reply.failure, reply.seconds))
        finally:
            if deadline:
                faulthandler.cancel_dump_traceback_later()
            outbox.put(None)

    lane.run(job)
    while True:
        left = max(0.0, begun[0][1] + deadline - time.monotonic()) if deadline else None
        try:
            state = outbox.get(timeout=left)
        except queue.Empty:
            number, since = begun[0]
            done = list(answers)
            if len(done) == number:  # else it has ended in this instant
                yield Overdue(worker, done, time.monotonic() - since)
                outbox.get()
            continue
        if state is None:
            break
        yield state
    yield worker, answers
