"""Tasks on Ray: a local session by default, a cluster by address. The only module that imports ray.

Ray moves chunks of items to warm, stateless worker processes. Ray retries nothing: a chunk that is
lost with its worker is split and sent again by the driver, because only the driver can tell which
item kills workers. Each chunk is a streaming task, so that checkpoints of long tasks travel to the
driver while they run, and no shared disk is needed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from heliostat.contract.cache import on_this_node
from heliostat.contract.instructions import PORTABLE, variables_to_set
from heliostat.contract.task import Resources
from heliostat.engine.executor import Executor
from heliostat.errors import (
    ClusterError,
    Interrupted,
    Key,
    NotStarted,
    Paused,
    RayMissing,
    ResourceError,
    told,
)
from heliostat.executors.ray.blame import Blame
from heliostat.executors.ray.chunks import Chunk, ChunkQueue
from heliostat.executors.ray.joining import there_now, wait_for_nodes
from heliostat.executors.ray.nodes import cannot_run, differences, survey
from heliostat.executors.ray.raw_lines import kept, only_fatal, why_refused
from heliostat.executors.ray.reaching import why_unreachable
from heliostat.executors.ray.same_code import OtherCode, code_of, compared, packages_of, refused
from heliostat.executors.ray.shared_memory import too_small
from heliostat.executors.ray.starting import reading_tolerantly
from heliostat.executors.ray.surroundings import left_alone
from heliostat.executors.ray.tokens import differing, put_back_later, token_without_home
from heliostat.plugins.allowed import obey
from heliostat.plugins.building import PartBuilder, products_in
from heliostat.plugins.input_files import InputFiles
from heliostat.plugins.registry import registry
from heliostat.plugins.whereabouts import Whereabouts
from heliostat.process.alone import serve
from heliostat.values.canonical import digest
from heliostat.values.outcome import NODE_LOST, WORKER_LOST, Failure
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.instructions import hold
from heliostat.worker.lane import Answer, Item, Lane, Overdue, evaluate_chunk
from heliostat.worker.limits import overdue
from heliostat.worker.numerics import prepare_environment
from heliostat.worker.work import Reply, TaskState, Work

CHUNKS_AHEAD = 3
"""Chunks in flight for each slot, so that a worker never waits for the driver."""
SHARED_KEPT = 32
"""Shared data that the driver keeps in Ray's object store."""
COUNT_SECONDS = 2.0
"""How often a cluster's cores are counted again."""
RETRY_SECONDS = 0.5
"""How long an item rests after it was lost alone with its worker; twice as long each time."""
LONGEST_REST = 4.0
"""How long it rests at most."""
MISSED_SECONDS = 60.0
"""How long items wait for a node with what they need, after the last such node has gone."""

_NODE_GONE = (
    "the Ray node that this run is driven from is gone; what was done is kept: "
    "start the cluster again and go on with heliostat resume"
)
_PAUSED = (
    "{}; the machine is to blame, or what these tasks have in common, and nothing counts against "
    "an item: look at its memory and at who ends processes there, then resume (with --no-pause if "
    "it is the tasks: each then fails by itself)"
)
_MEND = "install it with: pip install 'ray>=2.60,<2.61'"
_INSTALL = f"Ray is not installed here; {_MEND}"


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker process needs to know of the run."""

    run: str
    root: int
    code: str
    cache_dir: str
    checkpoint_seconds: float
    import_paths: tuple[str, ...] = ()
    """Folders that the driver imports from; for workers on the driver's own machine."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """The variables that say which plugins may be loaded, as they are for the driver."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Hashes of the files and products that parts are built from."""
    where: Whereabouts = field(default_factory=lambda: Whereabouts(Path()))
    """Where files of parts may lie."""
    products: Mapping[str, Any] = field(default_factory=dict)
    """References to the texts of those products, by hash."""
    numerics: str = ""
    """The instruction level of every worker."""
    packages: tuple[str, ...] = ()
    """Packages whose sources every node needs as the driver has them, beside the tasks' own."""


class RayExecutor(Executor):
    """Runs chunks of items as Ray tasks with a bounded window and retries owned by the driver."""

    def __init__(
        self,
        setup: WorkerSetup,
        fetch: Callable[[str], str],
        *,
        workers: int | None = None,
        address: str | None = None,
        retries: int = 3,
        may_pause: bool = True,
        min_nodes: int = 1,
        wait_seconds: float = 0.0,
        on_event: Callable[[str, str], None] = lambda kind, text: None,
        on_gpu: Callable[[], None] = lambda: None,
    ) -> None:
        self._setup = setup
        self._fetch = fetch
        self._workers = workers
        self._address = address
        self._min_nodes = min_nodes
        self._wait_seconds = wait_seconds
        self._on_event = on_event
        self._on_gpu = on_gpu
        self._granted: dict[Resources, Resources] = {}
        self._queue = ChunkQueue()
        self._flights: dict[Any, Chunk] = {}
        self._travelling = 0
        self._dropped: set[Key] = set()
        self._blame = Blame(retries, may_pause)
        self._halted = False
        self._shared_refs: OrderedDict[str, Any] = OrderedDict()
        self._remote: dict[Resources, Any] = {}
        self._states: dict[Key, str] = {}
        self._seen_states: dict[Key, set[str]] = {}
        self._ray: Any = None
        self._put_mode_back: Callable[[], None] = lambda: None
        self._lost = 0
        self._counted = 0.0
        self._nodes = 0
        self._there: list[str] = []
        self._environments: dict[str, dict[str, Any]] = {}
        self._surveys: dict[str, tuple[str, Any]] = {}
        self._missed: dict[Resources, float] = {}
        self.slots = max(1, workers or os.cpu_count() or 1)

    def start(self) -> None:
        """Start a local Ray session, or connect to the cluster at the given address."""
        if self._ray is None:
            with left_alone():
                self._connect()

    def _connect(self) -> None:
        ray = _in_driver()
        logging.getLogger("ray").setLevel(logging.ERROR)
        _take_messages(self._on_event)
        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "namespace": "heliostat",
        }
        raw: list[str] = []
        self._put_mode_back = put_back_later(_read_mode_again)
        try:
            if self._address is None:
                if small := too_small():
                    raise NotStarted(f"{small}; or run in one process with --workers serial")
                with reading_tolerantly(), token_without_home(), kept(raw):
                    ray.init(
                        address="local", num_cpus=self.slots, include_dashboard=False, **options
                    )
            else:
                _knock(self._address, self._wait_seconds)
                # Ray's workers load numpy before any code of ours; those of a local session have
                # the driver's variables
                if self._setup.numerics == PORTABLE:
                    options["runtime_env"] = {"env_vars": variables_to_set()}
                with kept(raw), only_fatal():
                    ray.init(address=self._address, **options)
        except SystemExit:  # Ray's own answer to a signal while it starts
            self._put_mode_back()
            raise Interrupted("the run was asked to stop while Ray was starting") from None
        except (
            ConnectionError,
            RuntimeError,
            ValueError,
            OSError,
            ray.exceptions.AuthenticationError,
        ) as error:
            self._put_mode_back()
            why = why_refused(raw) or str(error) or type(error).__name__
            raise NotStarted(_connection_message(self._address, why)) from error
        finally:
            for line in raw:
                self._on_event("ray", line)
        self._ray = ray
        self._lost_errors = _lost_errors(ray)
        if self._address is not None:
            wait_for_nodes(
                lambda: [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]],
                self._min_nodes,
                self._wait_seconds,
                lambda text: self._on_event("nodes", text),
            )
        products = {sha: ray.put(self._fetch(sha)) for sha in products_in(self._setup.inputs)}
        self._setup_ref = ray.put(replace(self._setup, products=products))
        self._count_nodes(wait=True)

    def _count_nodes(self, *, wait: bool = False) -> None:
        """Look at who is there: how many cores, what new nodes compute with, what has gone."""
        self._counted = time.monotonic()
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        self._nodes = len(nodes)
        self._granted.clear()
        if self._address is None:
            return
        if self._workers is None:
            self.slots = max(1, int(sum(node["Resources"].get("CPU", 0) for node in nodes)))
        there = sorted(node["NodeManagerAddress"] for node in nodes)
        if there != self._there:
            self._on_event("nodes", there_now(self._there, there, self.slots))
            self._there = there
        self._compare_nodes(nodes, wait)
        self._miss_resources(nodes)

    def _compare_nodes(self, nodes: list[dict[str, Any]], wait: bool) -> None:
        """Tell of each node that computes with something else than the first one."""
        ray = self._ray
        remote = ray.remote(num_cpus=0, max_retries=0)(_survey)
        affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        for node in nodes:
            name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
            if name not in self._environments and name not in self._surveys:
                strategy = affinity(node["NodeID"], soft=False)
                ref = remote.options(scheduling_strategy=strategy).remote(self._setup.numerics)
                self._surveys[name] = node["NodeID"], ref
        for name in sorted(self._surveys):
            node_id, ref = self._surveys[name]
            if not wait and not ray.wait([ref], timeout=0)[0]:
                continue
            del self._surveys[name]
            try:
                found = self._environments[name] = ray.get(ref, timeout=60)
            except ray.exceptions.RayError as error:
                if any(node["NodeID"] == node_id and node["Alive"] for node in ray.nodes()):
                    raise ClusterError(cannot_run(name, error)) from error
                continue
            if why := differing(name, found.pop("tokens"), _demands_tokens()):
                raise ClusterError(why)
            first = next(iter(self._environments))
            for difference in differences({first: self._environments[first], name: found}):
                self._on_event("nodes_differ", f"results may differ in the last bits: {difference}")

    def _miss_resources(self, nodes: list[dict[str, Any]]) -> None:
        """Tell when no node is left for items that are asked, and end when none comes back."""
        wanted = dict.fromkeys(chunk.works[0].resources for chunk in self._flights.values())
        now = time.monotonic()
        for resources in wanted | dict.fromkeys(self._queue.needs()):
            if _fits(resources, nodes):
                if self._missed.pop(resources, None) is not None:
                    self._on_event("nodes", f"a node with {resources} is there again")
                continue
            patience = max(MISSED_SECONDS, self._wait_seconds)
            if resources not in self._missed:
                self._missed[resources] = now
                self._on_event(
                    "warning",
                    f"the last node with {resources} has gone; items wait for another one, for "
                    f"{patience:g} s at most",
                )
            elif now - self._missed[resources] > patience:
                raise ResourceError(str(resources), f"no such node any more among {len(nodes)}")

    def check(self, resources: Resources) -> None:
        """Raise ResourceError when no single node has what an item needs."""
        resources = self._grant(resources)
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not _fits(resources, self._ray.nodes()):
            wanted = _amounts(resources)
            largest = {k: max((node.get(k, 0) for node in nodes), default=0) for k in wanted}
            shown = ", ".join(f"{k}={v:g}" for k, v in largest.items() if wanted[k])
            raise ResourceError(str(resources), f"at most {shown} on one of {len(nodes)} nodes")

    def _grant(self, resources: Resources) -> Resources:
        """Return the resources, without GPUs where these are not needed and no node has them."""
        if resources not in self._granted:
            spared = resources.or_cpu and not _fits(resources, self._ray.nodes())
            self._granted[resources] = resources.on_cpu() if spared else resources
        return self._granted[resources]

    def room(self) -> int:
        """Return the items that keep every slot busy for `CHUNKS_AHEAD` chunks."""
        wanted = self.slots * CHUNKS_AHEAD * self._queue.largest_size()
        # others are tried while lost items rest: whether they are done says whose fault it was
        return wanted - (len(self._queue) - self._queue.resting) - self._travelling

    def submit(self, work: Work) -> None:
        """Queue an item; it leaves with the next chunk, at once if its search does not wait."""
        if work.resources.or_cpu:
            work = work._replace(resources=self._grant(work.resources))
        self._queue.add(work)
        if work.prompt:
            self._launch()

    def wait(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        """Send what fits the window, then return what arrived; raises Paused."""
        if self._blame.machine and not self._halted:
            raise Paused(_PAUSED.format(self._blame.machine))
        replies = self._arrived(timeout, on_state)
        if self._address is not None and time.monotonic() - self._counted > COUNT_SECONDS:
            self._count_nodes()
        return [reply for reply in replies if not self._forget(reply.key)]

    def _arrived(self, timeout: float, on_state: Callable[[TaskState], None]) -> list[Reply]:
        self._launch()
        if not self._flights:
            if len(self._queue):  # items that were lost rest before they are tried again
                time.sleep(min(timeout, self._queue.rest()))
            return []
        ready, _ = self._ray.wait(
            list(self._flights), num_returns=1, timeout=timeout, fetch_local=False
        )
        replies: list[Reply] = []
        while ready:
            for flight in ready:
                replies += self._receive(flight, on_state)
            self._launch()
            if not self._flights:
                break
            flights = list(self._flights)
            ready, _ = self._ray.wait(
                flights, num_returns=len(flights), timeout=0, fetch_local=False
            )
        return replies

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget items: queued ones never leave, those under way are ignored when they arrive."""
        gone = set(keys)
        for key in gone:
            self._blame.forget(key)
        self._queue.drop(gone)
        travelling = {w.key for chunk in self._flights.values() for w in chunk.works}
        self._dropped |= gone & travelling

    def halt(self) -> None:
        """Empty the queue; long tasks under way are not waited for, their checkpoints are kept."""
        self._halted = True
        self._queue = ChunkQueue()
        for flight in [f for f, chunk in self._flights.items() if chunk.works[0].long]:
            self._landed(flight)

    def busy(self) -> bool:
        return bool(self._flights)

    def describe(self) -> dict[str, Any]:
        # as counted last: a cluster that is going down would not answer
        return {
            "executor": "ray",
            "slots": self.slots,
            "nodes": self._nodes,
            "address": self._address or "local",
            "lost_chunks": self._lost,
        }

    def close(self, grace: float) -> None:
        """Cancel what is under way and leave Ray; a local session ends with all its processes."""
        if self._ray is None or not self._ray.is_initialized():
            return
        if self._address is not None:
            for flight in self._flights:
                self._ray.cancel(flight, force=False)
        self._flights.clear()
        with left_alone():
            self._ray.shutdown()
        self._put_mode_back()
        self._ray = None

    def _launch(self) -> None:
        while len(self._flights) < self.slots * CHUNKS_AHEAD:
            if any(chunk.works[0].observed for chunk in self._flights.values()):
                return  # a measurement runs alone
            chunk = self._queue.take(self.slots, alone=not self._flights)
            if chunk is None:
                return
            first = chunk.works[0]
            # What all items have in common travels once; plain tuples pickle fastest.
            common = first._replace(key=(), item="", checkpoint=None)
            items = [(w.key, w.item, self._states.get(w.key, w.checkpoint)) for w in chunk.works]
            refs = {sha: [self._shared_ref(sha)] for sha in first.shared}
            remote = self._remote_for(first.resources)
            packages = packages_of(first.module, self._setup.packages)
            code = None if self._address is None else code_of(packages)
            flight = remote.remote(self._setup_ref, common, items, refs, packages, code)
            self._flights[flight] = chunk
            self._travelling += len(items)

    def _remote_for(self, resources: Resources) -> Any:
        if resources not in self._remote:
            options: dict[str, Any] = {
                "num_cpus": resources.cpus,
                "num_gpus": resources.gpus,
                "resources": dict(resources.custom),
                "max_retries": 0,
                "retry_exceptions": False,
                "num_returns": "streaming",
            }
            if resources.memory:
                options["memory"] = resources.memory
            self._remote[resources] = self._ray.remote(**options)(_run_chunk)
        return self._remote[resources]

    def _shared_ref(self, sha256: str) -> Any:
        if sha256 not in self._shared_refs:
            self._shared_refs[sha256] = self._ray.put(self._fetch(sha256))
            while len(self._shared_refs) > SHARED_KEPT:
                self._shared_refs.popitem(last=False)
        self._shared_refs.move_to_end(sha256)
        return self._shared_refs[sha256]

    def _receive(self, flight: Any, on_state: Callable[[TaskState], None]) -> list[Reply]:
        chunk = self._flights[flight]
        try:
            message = self._ray.get(next(flight))
        except self._lost_errors as error:
            if type(error).__name__ == "LocalRayletDiedError":
                # no item's fault: trying again here would only make failures of all of them
                self._ray = None  # leaving it in good order would end this process at once
                raise ClusterError(_NODE_GONE) from error
            self._landed(flight)
            return self._lost_chunk(chunk, type(error).__name__)
        except self._ray.exceptions.RayError as error:
            text = str(error).strip().splitlines()[-1]
            raise ClusterError(f"a worker process cannot run tasks: {text}") from error
        if isinstance(message, TaskState):
            self._states[message.key] = message.state
            seen = self._seen_states.setdefault(message.key, set())
            if digest(message.state) not in seen:  # progress: attempts count anew
                seen.add(digest(message.state))
                self._blame.forget(message.key)
            if message.key not in self._dropped:
                on_state(message)
            return []
        self._landed(flight)
        if isinstance(message, OtherCode):
            first = chunk.works[0]
            packages = packages_of(first.module, self._setup.packages)
            raise refused(message, first.function, packages)
        if isinstance(message, Overdue):
            return self._overdue_chunk(flight, chunk, message)
        worker, answers = message
        if len(answers) != len(chunk.works):
            return self._lost_chunk(chunk, "the worker's tasks ended early")
        self._queue.size_of(chunk.works[0].function).learn(
            len(answers), sum(seconds for _, _, seconds in answers)
        )
        return self._replies(chunk.works, worker, answers)

    def _replies(self, works: list[Work], worker: str, answers: list[Answer]) -> list[Reply]:
        replies = []
        if works[0].resources.gpus:
            self._on_gpu()
        for work, (value, failure, seconds) in zip(works, answers, strict=True):
            attempts = self._blame.losses(work.key) + 1
            if self._states:
                self._states.pop(work.key, None)
                self._seen_states.pop(work.key, None)
            replies.append(Reply(work.key, value, failure, seconds, worker, attempts))
        self._blame.done(work.key for work in works)
        return replies

    def _overdue_chunk(self, flight: Any, chunk: Chunk, message: Overdue) -> list[Reply]:
        """Take what was done, end the worker that hangs, and send what came after elsewhere."""
        self._ray.cancel(flight, force=True)
        done = len(message.answers)
        late = chunk.works[done]
        rest = [work for work in chunk.works[done + 1 :] if not self._forget(work.key)]
        if rest:
            self._queue.put_back([Chunk(rest)])
        self._on_event("deadline", f"item {late.key} was ended {message.seconds:.1f} s after start")
        failed = (None, overdue(late.resources.deadline), message.seconds)
        return self._replies(chunk.works[: done + 1], message.worker, [*message.answers, failed])

    def _landed(self, flight: Any) -> None:
        self._travelling -= len(self._flights.pop(flight).works)

    def _lost_chunk(self, chunk: Chunk, why: str) -> list[Reply]:
        self._lost += 1
        wanted = [w for w in chunk.works if not self._forget(w.key)]
        if not wanted or self._halted:
            return []
        self._blame.lost([work.key for work in wanted])
        if len(wanted) > 1:
            self._queue.put_back(Chunk(wanted).halves())
            self._on_event("worker_lost", f"a worker died with {len(wanted)} items ({why})")
            return []
        work = wanted[0]
        losses = self._blame.losses(work.key)
        self._on_event("worker_lost", f"a worker died with item {work.key} ({why}), time {losses}")
        if not self._blame.is_given_up(work.key):
            # what kills every worker for a while, as too little memory does, is no item's fault
            rest = min(RETRY_SECONDS * 2 ** (losses - 1), LONGEST_REST)
            self._queue.put_back([Chunk(wanted)], after=rest)
            return []
        self._blame.forget(work.key)
        kind = NODE_LOST if why == "NodeDiedError" else WORKER_LOST
        failure = Failure(kind, f"its worker died {losses} times ({why})")
        return [Reply(work.key, None, failure, 0.0, "lost", losses)]

    def _forget(self, key: Key) -> bool:
        if key in self._dropped:
            self._dropped.discard(key)
            return True
        return False


def _survey(numerics: str) -> dict[str, Any]:
    """Return what tasks will compute with on this node, and whether its processes use tokens."""
    return survey(numerics) | {"tokens": _demands_tokens()}


def _read_mode_again() -> None:
    """Have Ray forget in this process which mode it read, and the token with it."""
    raylet = import_ray()._raylet
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _demands_tokens() -> bool:
    raylet = import_ray()._raylet
    return bool(raylet.get_authentication_mode() == raylet.AuthenticationMode.TOKEN)


_lane: Lane | None = None
_sides: dict[str, WorkerSide] = {}
_compared: set[str] = set()


def _run_chunk(
    setup: WorkerSetup,
    common: Work,
    items: list[Item],
    refs: dict[str, list[Any]],
    packages: tuple[str, ...],
    code: str | None,
) -> Iterator[TaskState | OtherCode | Overdue | tuple[str, list[Answer]]]:
    """Run a chunk in a worker process, unless it would compute something else than the driver."""
    global _lane
    ray = import_ray()
    if _lane is None:
        _lane = Lane()
    side = _sides.get(setup.run)
    if side is None:
        serve(Path(setup.run).name)
        _sides.clear()
        _compared.clear()
        cache_dir = on_this_node(setup.cache_dir)
        hold(setup.numerics or None, "the run's numerics")
        prepare_environment(cache_dir, setup.code)
        obey(setup.plugins)
        sys.path += [path for path in setup.import_paths if path not in sys.path]
        build = PartBuilder(
            registry(),
            lambda sha256: str(ray.get(setup.products[sha256])),
            setup.inputs,
            setup.where.directory,
            files=InputFiles(setup.inputs, setup.where, here_alone=True),
        )
        side = _sides[setup.run] = WorkerSide(
            setup.root, cache_dir, setup.checkpoint_seconds, _no_data, build
        )
    side.fetch = lambda sha256: ray.get(refs[sha256][0])
    node = ray.get_runtime_context().get_node_id()[:8]
    worker = f"node {ray.util.get_node_ip_address()} ({node}) pid {os.getpid()}"
    if common.function not in _compared:
        other = compared(common.function, common.module, packages, code, worker)
        if other is not None:
            yield other
            return
        _compared.add(common.function)
    yield from evaluate_chunk(_lane, side, common, items, worker)


def _amounts(resources: Resources) -> dict[str, float]:
    """Return what an item needs under Ray's names."""
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory}
    return wanted | dict(resources.custom)


def _fits(resources: Resources, nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether one of the nodes that are alive has what an item needs."""
    wanted = _amounts(resources)
    there = [node["Resources"] for node in nodes if node["Alive"]]
    return any(all(node.get(k, 0) >= v for k, v in wanted.items() if v) for node in there)


def _no_data(sha256: str) -> str:
    raise ClusterError(f"shared data {sha256} did not come with the item")


def import_ray() -> Any:
    """Return Ray; raises RayMissing where it is not installed or its import fails."""
    try:
        import ray
    except Exception as error:  # a library that it needs may fail in any way
        why = (
            _INSTALL
            if isinstance(error, ModuleNotFoundError) and error.name == "ray"
            else f"Ray cannot be imported here ({told(error)}); {_MEND}"
        )
        raise RayMissing(f"{why}; or run in one process with --workers serial") from error
    return ray


def _in_driver() -> Any:
    """Return Ray for a driver, which says beforehand what Ray is not to do."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    return import_ray()


def _lost_errors(ray: Any) -> tuple[type[BaseException], ...]:
    names = (
        "WorkerCrashedError",
        "NodeDiedError",
        "OutOfMemoryError",
        "ObjectLostError",
        "RaySystemError",
        "LocalRayletDiedError",
        "TaskCancelledError",
        "OwnerDiedError",
    )
    found = [getattr(ray.exceptions, name) for name in names if hasattr(ray.exceptions, name)]
    return (StopIteration, *found)  # a stream that ends before its answers is lost too


def _take_messages(on_event: Callable[[str, str], None]) -> None:
    # Ray prints deaths of workers to the driver's standard output even with log_to_driver=False,
    # which would mix with our data; the run's log is their place.
    from ray._private import worker

    def to_log(data: dict[str, Any], ignore_prefix: bool = False) -> None:
        on_event("ray", "\n".join(str(line) for line in data.get("lines", ())))

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = to_log


def resolved(address: str) -> str:
    """Return the address that Ray would take for `auto`, or the address as it is."""
    if address != "auto":
        return address
    _in_driver()
    from ray._private import services

    find = getattr(services, "get_ray_address_from_environment", None)
    return address if find is None else str(find(address, None))


def refuse_silent(address: str) -> None:
    """Raise NotStarted, within seconds, when nothing takes connections at an address."""
    try:
        with left_alone():
            _knock(address, 0.0)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise NotStarted(_connection_message(address, str(error))) from error


def _knock(address: str, wait_seconds: float) -> None:
    where = resolved(address)
    silent = why_unreachable(where, wait_seconds)
    if silent is not None:
        raise ConnectionError(f"{silent} ({where})")


def _connection_message(address: str | None, why: str) -> str:
    first = next((line for line in why.splitlines() if line.strip()), "no reason was given")
    if address is None:
        return f"a local Ray session could not start: {first}; try --workers serial"
    return (
        f"no Ray cluster answers at --address {address}: {first}; check the address, that the head "
        "node runs, and that ~/.ray/auth_token is the same on both sides"
    )
