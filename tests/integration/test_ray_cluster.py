"""Nodes come and go in the middle of a run: no result notices, the work does."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import Done, drive

from heliostat import Resources
from heliostat.errors import ClusterError, ResourceError
from heliostat.executors.ray.chunks import Chunk
from heliostat.executors.ray.executor import RayExecutor, WorkerSetup
from heliostat.store.artifacts import ArtifactStore
from heliostat.worker.work import Work

pytestmark = pytest.mark.ray

ITEMS = 24
PATIENCE = 240.0
"""Seconds after which an event will not come any more, on the slowest machine."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster whose head has one core; tests add and remove other nodes."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    made = cluster_utils.Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": False,
            # a dead node is noticed after a second, not ten
            "_system_config": {"health_check_period_ms": 300, "health_check_failure_threshold": 3},
        },
    )
    yield made
    made.shutdown()


@pytest.fixture
def on_cluster(cluster: Any, tmp_path: Path) -> Callable[..., Done]:
    def run(
        search: Callable[[Any], Any],
        said: list[str],
        plugins: Mapping[str, str] = MappingProxyType({}),
        **options: Any,
    ) -> Done:
        artifacts = ArtifactStore(tmp_path / "ray" / "artifacts")
        executor = RayExecutor(
            WorkerSetup(
                run=str(tmp_path / "ray"),
                root=0,
                code="the tests",
                cache_dir=str(tmp_path / "cache"),
                checkpoint_seconds=0.0,
                plugins=dict(plugins),
            ),
            lambda sha256: artifacts.get(sha256).decode(),
            address=cluster.address,
            on_event=lambda kind, text: said.append(f"{kind}: {text}"),
            **options,
        )
        try:
            return drive(search, tmp_path / "ray", executor=executor)
        finally:
            executor.close(1.0)

    return run


def nodes_of(done: Done) -> list[str]:
    """Return the nodes in the order in which they first appear among the items."""
    return list(dict.fromkeys(row.worker.split(" pid ")[0] for row in done.rows))


def test_a_node_that_dies_in_the_middle_changes_no_result(
    cluster: Any, on_cluster: Any, tmp_path: Path
) -> None:
    node = cluster.add_node(num_cpus=2, env_vars={tasks.NODE: "doomed"})
    said: list[str] = []

    def search(run: Any) -> list[int]:
        items = [(str(tmp_path), number) for number in range(6)]
        return [outcome.unwrap() for outcome in run.map(tasks.outlives_its_node, items)]

    def remove_once_it_works() -> None:
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "held").exists() and time.monotonic() < until:
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)

    remover = threading.Thread(target=remove_once_it_works)
    remover.start()
    try:
        done = on_cluster(search, said, min_nodes=2)
    finally:
        remover.join()
    assert any(line.startswith("worker_lost") for line in said)
    serial = drive(search, tmp_path / "serial")
    assert (done.result, done.digest) == (serial.result, serial.digest)


def test_a_node_that_joins_in_the_middle_is_used_and_changes_no_result(
    cluster: Any, on_cluster: Any, tmp_path: Path
) -> None:
    joined: list[Any] = []
    until = time.monotonic() + PATIENCE

    def search(run: Any, count: int | None = None) -> list[int]:
        """Go on until the node that joined has done its share, or for `count` items."""
        values: list[int] = []
        for outcome in run.stream(
            tasks.tells_its_node, ((str(tmp_path), number) for number in itertools.count())
        ):
            values.append(outcome.unwrap())
            if count is None and len(values) == ITEMS:
                joined.append(cluster.add_node(num_cpus=2, env_vars={tasks.NODE: "late"}))
            if len(values) == count or (count is None and shared(len(values))):
                return values
        raise AssertionError("the stream has no end")

    def shared(seen: int) -> bool:
        numbers = [int(path.name.partition("-")[2]) for path in tmp_path.glob("late-*")]
        return sum(n < seen for n in numbers) >= ITEMS or time.monotonic() > until

    said: list[str] = []
    done = on_cluster(search, said)
    counts = [line.partition(" (")[0] for line in said if line.startswith("nodes: ")]
    assert counts[0].startswith("nodes: the run begins with ")
    assert any(count.startswith("nodes: the run goes on with ") for count in counts[1:])
    first, second = nodes_of(done)
    late = [row.key[-1] for row in done.rows if row.worker.startswith(second)]
    assert len(late) >= ITEMS
    assert joined[0].node_id[:8] in second
    assert joined[0].node_id[:8] not in first
    serial = drive(lambda run: search(run, len(done.result)), tmp_path / "serial")
    assert (done.result, done.digest) == (serial.result, serial.digest)
    cluster.remove_node(joined[0], allow_graceful=False)


def test_a_node_that_joins_with_other_settings_is_told_of(cluster: Any, on_cluster: Any) -> None:
    joined: list[Any] = []
    said: list[str] = []
    until = time.monotonic() + PATIENCE

    def told() -> bool:
        return any("nodes_differ" in line and "SSE41" in line for line in said)

    def search(run: Any) -> None:
        for outcome in run.stream(tasks.slow_square, itertools.count()):
            if outcome.key[-1] == 10:
                others = {"ONEDNN_MAX_CPU_ISA": "SSE41"}
                joined.append(cluster.add_node(num_cpus=2, env_vars=others))
            if told() or time.monotonic() > until:
                return

    on_cluster(search, said)
    assert told()
    cluster.remove_node(joined[0], allow_graceful=False)


def test_a_node_without_the_task_ends_the_run_and_is_named(
    cluster: Any, on_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def f(item, ctx):\n    return item\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from only_here import f  # type: ignore[import-not-found]

    with pytest.raises(ClusterError, match=r"node .* cannot run only_here:f.*No module named"):
        on_cluster(lambda run: run.map(f, range(8)), [])


def test_a_node_with_an_older_copy_of_the_task_ends_the_run_and_the_file_is_named(
    cluster: Any, on_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, factor in (("here", 1), ("there", 2)):
        (tmp_path / folder).mkdir()
        code = f"def f(item, ctx):\n    return {factor} * item\n"
        (tmp_path / folder / "two_versions.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path / "here"))
    from two_versions import f  # type: ignore[import-not-found]

    path = os.pathsep.join([str(tmp_path / "there"), *filter(None, sys.path)])
    node = cluster.add_node(num_cpus=1, resources={"stale": 1}, env_vars={"PYTHONPATH": path})
    stale = Resources(custom=(("stale", 1.0),))
    with pytest.raises(ClusterError, match=r"differs from this driver's, first in two_versions"):
        on_cluster(lambda run: run.map(f, range(8), resources=stale), [], min_nodes=2)
    cluster.remove_node(node, allow_graceful=False)


def test_a_resource_that_is_gone_for_good_ends_the_run(
    cluster: Any, on_cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliostat.executors.ray.executor.MISSED_SECONDS", 3.0)
    node = cluster.add_node(num_cpus=1, resources={"rare": 1})
    said: list[str] = []

    def search(run: Any) -> None:
        rare = Resources(custom=(("rare", 1.0),))
        for outcome in run.stream(tasks.nap, [0.5] * 20, resources=rare):
            if outcome.key[-1] == 1:
                cluster.remove_node(node, allow_graceful=False)

    with pytest.raises(ResourceError, match="rare"):
        on_cluster(search, said, min_nodes=2)
    assert any("the last node with" in line for line in said)


def test_plugins_that_are_blocked_here_are_blocked_on_the_nodes(on_cluster: Any) -> None:
    def search(run: Any) -> Any:
        return run.call(tasks.variable, "HELIOSTAT_BLOCK").unwrap()

    here = {"HELIOSTAT_BLOCK": "as-the-driver-says"}
    assert os.environ.get("HELIOSTAT_BLOCK") not in here.values()
    assert on_cluster(search, [], plugins=here).result == "as-the-driver-says"


def test_too_few_nodes_end_the_run_with_who_is_there(cluster: Any, on_cluster: Any) -> None:
    with pytest.raises(ClusterError, match=r"--min-nodes 9: \d joined within 0 s"):
        on_cluster(lambda run: run.map(tasks.square, range(9)), [], min_nodes=9)


def test_a_driver_whose_own_node_is_gone_stops_and_blames_no_item(tmp_path: Path) -> None:
    errors = pytest.importorskip("ray").exceptions

    class GoneNode:
        """Ray as it answers when the node that it was started on has died."""

        exceptions = errors

        def wait(self, flights: Any, **options: Any) -> Any:
            return flights, []

        def get(self, ref: Any) -> Any:
            raise errors.LocalRayletDiedError

    setup = WorkerSetup(str(tmp_path), 0, "the tests", str(tmp_path), 0.0)
    executor = RayExecutor(setup, lambda sha256: "", workers=1, address="auto")
    executor._ray, executor._lost_errors = GoneNode(), (errors.LocalRayletDiedError,)
    work = Work((1, 0), (), "heliostat_test_tasks:square", "1")
    executor._flights = {iter(["a reference"]): Chunk([work])}
    with pytest.raises(ClusterError, match="go on with heliostat resume"):
        executor.wait(0.1, lambda state: None)
    executor.close(0.0)
