"""A run waits for its nodes, says how many are there, and gives up with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import InProcess

from heliostat.errors import ClusterError
from heliostat.executors.ray.joining import there_now, wait_for_nodes


class Growing:
    """A cluster on a clock of its own: one more node every so many seconds."""

    def __init__(self, every: float) -> None:
        self.now, self.every, self.said = 0.0, every, list[str]()

    def alive(self) -> list[str]:
        return [f"10.0.0.{2 + n}" for n in range(1 + int(self.now / self.every))]

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, wanted: int, seconds: float) -> None:
        clock: Any = lambda: self.now  # noqa: E731
        wait_for_nodes(self.alive, wanted, seconds, self.said.append, clock=clock, pause=self.pause)


def test_enough_nodes_are_not_waited_for() -> None:
    cluster = Growing(every=10)
    cluster.wait(1, 0)
    assert (cluster.now, cluster.said) == (0, [])


def test_each_new_node_is_said_once() -> None:
    cluster = Growing(every=10)
    cluster.wait(3, 60)
    assert cluster.now == 20
    assert [line.split(" nodes")[0] for line in cluster.said] == ["1 of 3", "2 of 3", "3 of 3"]
    assert "10.0.0.2, 10.0.0.3" in cluster.said[1]


def test_a_run_says_on_how_many_nodes_it_begins_and_when_that_changes() -> None:
    head, both = ["10.0.0.2"], ["10.0.0.3", "10.0.0.2"]
    said = there_now([], head, 1)
    assert said.startswith("the run begins with 1 node (10.0.0.2), 1 task at a time; ")
    said = there_now(head, both, 4)
    assert said == "the run goes on with 2 nodes (10.0.0.2, 10.0.0.3), 4 tasks at a time; 1 before"


def test_too_few_nodes_are_an_error_that_says_who_is_there_and_where_to_look() -> None:
    cluster = Growing(every=10)
    with pytest.raises(ClusterError) as caught:
        cluster.wait(4, 15)
    assert caught.value.exit_code == 6
    for part in ("--min-nodes 4: 2 joined within 15 s", "10.0.0.3", "auth_token", "ray status"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--min-nodes", "0", "--address", "auto"], "--min-nodes = 0: expected one node or more"),
        (["--min-nodes", "2"], "--min-nodes = 2: expected an --address"),
        (["--wait", "-1"], "--wait = -1.0: expected zero or more seconds"),
        (["--wait", "nan"], "--wait = nan"),
    ],
)
def test_options_that_make_no_sense_exit_2(here: InProcess, options: list[str], said: str) -> None:
    done = here("run", "count", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not here.runs.exists()
