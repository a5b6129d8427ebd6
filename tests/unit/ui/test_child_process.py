"""What answers from a process of its own may hang or die, and costs one answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliostat.ui.child_process import ChildFailed, ChildProcess
from heliostat.ui.cluster_page import Nodes, nodes_page

CHILD = """
import os, sys, time
from heliostat.ui.child_process import answer_lines

def answer(question):
    print("a stranger's line")
    os.write(1, b"past Python's stream\\n")
    if question == "die":
        os._exit(1)
    if question == "hang":
        time.sleep(600)
    return [question, os.getpid()]

answer_lines(answer)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChildProcess]:
    (tmp_path / "child_of_a_test.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(filter(None, sys.path))}")
    made = ChildProcess("child_of_a_test", 60.0)
    yield made
    made.close()


def test_one_process_answers_every_question_whatever_is_printed(child: ChildProcess) -> None:
    first, second = child.ask({"a": [1, "\n"]}), child.ask("x" * 200_000)
    assert first[0] == {"a": [1, "\n"]}
    assert second[0] == "x" * 200_000
    assert first[1] == second[1]


def test_after_a_death_another_one_answers(child: ChildProcess) -> None:
    with pytest.raises(ChildFailed, match="died"):
        child.ask("die")
    assert child.ask("again")[0] == "again"


def test_nobody_waits_for_one_that_hangs(child: ChildProcess) -> None:
    _, process = child.ask("there")
    child._seconds = 0.05
    with pytest.raises(ChildFailed, match="no answer in"):
        child.ask("hang")
    child._seconds = 60.0
    assert child.ask("again")[1] != process


def test_a_module_that_is_not_there_is_an_answer_that_fails() -> None:
    with pytest.raises(ChildFailed):
        ChildProcess("no_such_module_of_ours", 60.0).ask(1)


def test_nodes_are_a_table_and_no_cluster_is_one_sentence() -> None:
    node = {"address": "<b>10.0.0.1", "alive": True, "resources": {"CPU": 4.0, "memory": 2e9}}
    dead = {"address": "10.0.0.2", "alive": False, "resources": {}}
    page = nodes_page("auto", {"nodes": [node, dead]})
    assert "1 of 2 nodes are alive." in page
    assert "&lt;b&gt;10.0.0.1" in page and "2.0 GB" in page and "dead" in page
    why = nodes_page("<auto>", {"why": "No Ray cluster answers at x."})
    assert "<p>No Ray cluster answers at x.</p>" in why
    assert "<auto>" not in why


def test_a_cluster_that_is_not_there_is_said_by_the_process_that_looks() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    nodes = Nodes("127.0.0.1:1")
    try:
        page = nodes.page()
    finally:
        nodes.close()
    assert "No Ray cluster answers at 127.0.0.1:1: [Errno 111]" in page


@pytest.mark.ray
def test_the_nodes_of_a_cluster_are_shown(ray_node: object) -> None:
    nodes = Nodes(ray_node.address)  # type: ignore[attr-defined]
    try:
        page = nodes.page()
    finally:
        nodes.close()
    # a node that another test added and removed is listed too, as dead
    assert re.search(r"\b1 of \d nodes are alive\.", page), page
