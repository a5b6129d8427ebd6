"""Where and how a run executes, and the executor that follows from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heliostat.contract.cache import default_cache_dir, for_other_nodes
from heliostat.engine.executor import Executor
from heliostat.plugins.allowed import selection
from heliostat.plugins.building import PartBuilder
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder, runs_root
from heliostat.store.view import RunView
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.instructions import hold


@dataclass(frozen=True)
class Execution:
    """Where and how a run executes; none of it changes a result.

    `workers`: 0 runs in this process, None takes all cores (or the whole cluster). With an
    `address`, `min_nodes` nodes have to join within `wait_seconds`.
    """

    workers: int | None = None
    address: str | None = None
    runs: Path = field(default_factory=runs_root)
    cache_dir: Path = field(default_factory=default_cache_dir)
    checkpoint_seconds: float = 2.0
    retries: int = 3
    may_pause: bool = True
    """Whether the machine may be blamed for lost workers, which pauses the run."""
    may_exit: bool = True
    """Whether a run that was asked to stop, and does not, may end its process."""
    min_nodes: int = 1
    wait_seconds: float = 0.0

    @property
    def processes(self) -> int | None:
        """Workers that are asked for: 0 is this process, None all that the cluster has."""
        if self.workers is None and self.address is None:
            cores = os.cpu_count() or 1
            return 0 if cores == 1 else cores
        return self.workers

    @property
    def where(self) -> str:
        """Where items are evaluated, as a start says it before anything is begun."""
        count = self.processes
        if count == 0:
            return "in this process"
        workers = "" if count is None else f" with {count} worker{'s' if count > 1 else ''}"
        if self.address:
            return f"joining Ray at {self.address}{workers}"
        return f"starting Ray{workers}"


@dataclass(frozen=True)
class Inputs:
    """What a run brings in for its parts: files and products by hash, and who offers parts."""

    plugins: Registry
    hashes: Mapping[str, str]
    files: InputFiles

    def builder(
        self, fetch: Callable[[str], str], tell: Callable[[str], None] = lambda text: None
    ) -> PartBuilder:
        """Return what builds the run's parts in this process."""
        directory = self.files.where.directory
        return PartBuilder(self.plugins, fetch, self.hashes, directory, files=self.files, tell=tell)


def make_executor(
    folder: RunFolder,
    seed: int,
    execution: Execution,
    code: str,
    packages: Sequence[str],
    brought: Inputs,
    on_event: Callable[[str, str], None],
    on_gpu: Callable[[], None] = lambda: None,
) -> Executor:
    """Return the executor that these settings ask for; Ray is imported only when it is used.

    `on_gpu` is called when a reply comes from an item that was granted a GPU.
    """
    workers = execution.workers
    if execution.processes == 0:
        workers = 0
    artifacts = folder.artifacts

    def fetch(sha256: str) -> str:
        return artifacts.get(sha256).decode()

    def in_this_process() -> Executor:
        from heliostat.executors.serial import SerialExecutor

        return SerialExecutor(
            WorkerSide(
                seed,
                execution.cache_dir,
                execution.checkpoint_seconds,
                fetch,
                brought.builder(fetch),
            ),
            on_gpu=on_gpu,
        )

    if workers == 0:
        return in_this_process()
    from heliostat.executors.ray.executor import RayExecutor, WorkerSetup

    setup = WorkerSetup(
        run=str(folder.path.resolve()),
        root=seed,
        code=code,
        cache_dir=for_other_nodes(execution.cache_dir),
        checkpoint_seconds=execution.checkpoint_seconds,
        import_paths=tuple(filter(None, sys.path)) if execution.address is None else (),
        plugins=selection(),
        inputs=brought.hashes,
        where=brought.files.for_workers(),
        numerics=hold(),
        packages=tuple(name for name in packages if name != "__main__"),  # a worker has its own
    )
    on_ray = RayExecutor(
        setup,
        fetch,
        workers=workers,
        address=execution.address,
        retries=execution.retries,
        may_pause=execution.may_pause,
        min_nodes=execution.min_nodes,
        wait_seconds=execution.wait_seconds,
        on_event=on_event,
        on_gpu=on_gpu,
    )
    if workers is not None or execution.address is not None:
        return on_ray
    from heliostat.executors.default import DefaultExecutor

    return DefaultExecutor(on_ray, in_this_process, on_event)


def refuse_dead(execution: Execution) -> None:
    """Raise NotStarted when nothing answers at the address of a cluster that is not waited for."""
    if execution.address is not None and not execution.wait_seconds:
        from heliostat.executors.ray.executor import refuse_silent

        refuse_silent(execution.address)


def worker_of(
    view: RunView, plugins: Registry, cache_dir: Path, files: InputFiles | None = None
) -> WorkerSide:
    """Return what evaluates a stored run's items again in this process, its parts included."""
    artifacts = view.folder.artifacts

    def fetch(sha256: str) -> str:
        return artifacts.get(sha256).decode()

    files = files or InputFiles.of_run(view.about, view.folder, here_alone=True)
    build = Inputs(plugins, view.inputs, files).builder(fetch)
    return WorkerSide(view.seed, cache_dir, 0.0, fetch, build)
