"""`heliostat cluster check` tells which nodes hold another token, code or constraint file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from heliostat.ops.cluster.checks import check
from heliostat.ops.cluster.copies import Copy, compare, listed
from heliostat.ops.cluster.file import ClusterFile
from heliostat.ops.cluster.head import Head, answered
from heliostat.ops.cluster.nodes import Node
from heliostat.ops.cluster.step import Step

ROOT = Path(__file__).resolve().parents[3]
HEAD, WORKER = "10.0.0.2", "10.0.0.3"
CODE, TOKEN = "~/heliostat", "~/.ray/auth_token"
ALIKE = (Copy(CODE), Copy(TOKEN))
ALL = Head(True, joined=(HEAD, WORKER))


def failed(found: dict[str, Step]) -> list[str]:
    """Return what is not ready of nodes and head; the machine that tests run on may lack tools."""
    return [name for name, step in found.items() if not step.ok and name.startswith("10.")]


@pytest.fixture
def steps(tmp_path: Path) -> Callable[..., dict[str, Step]]:
    """Return the steps for the example file and nodes that hold these copies."""
    path = tmp_path / "cluster.yaml"
    path.write_text((ROOT / "cluster.yaml").read_text())

    def found(copies: Mapping[str, tuple[Copy, ...]], head: Head | None = ALL) -> dict[str, Step]:
        def ask(file: ClusterFile, address: str) -> Any:
            asked = head if address == HEAD else None
            held = copies.get(address, ALIKE)
            return Node(address, True, python=(3, 11, 7), free_bytes=50 << 30, rsync=True,
                        registers_as=address, copies=held, head=asked)  # fmt: skip

        return {step.name: step for step in check(path, ask)}

    return found


def test_nodes_that_hold_what_is_here_are_ready(steps: Any) -> None:
    found = steps({})
    assert failed(found) == []
    assert {f"{node} {what}" for node in (HEAD, WORKER) for what in ("token", "files")} < set(found)
    assert f"2 of 2 nodes have joined: {HEAD}, {WORKER}" in found[f"{HEAD} ray"].found


def test_another_token_on_a_worker_is_told_and_how_it_is_sent_again(steps: Any) -> None:
    found = steps({WORKER: (Copy(CODE), Copy(TOKEN, differing=("auth_token",)))})
    assert failed(found) == [f"{WORKER} token"]
    step = found[f"{WORKER} token"]
    assert "~/.ray/auth_token differs in auth_token" in step.found
    # by itself the launcher sends nothing: nothing has changed here
    assert "rm -f /tmp/ray/cluster-heliostat.state; ray up -y " in step.mend


def test_other_code_and_constraints_are_told_with_their_names(steps: Any) -> None:
    other = Copy(CODE, ("constraints.txt", "a.py", "b.py", "c.py"), ("d.py",), ("e.py",))
    found = steps({node: (other, Copy(TOKEN)) for node in (HEAD, WORKER)})
    assert failed(found) == [f"{HEAD} files", f"{WORKER} files"]
    step = found[f"{HEAD} files"]
    assert "differs in constraints.txt, a.py, b.py and 1 more" in step.found
    assert "lacks d.py" in step.found
    assert "has beside it e.py" in step.found
    assert "removed there by hand" in step.mend


def test_what_was_never_sent_is_ready_for_ray_up(steps: Any) -> None:
    nothing = (Copy(CODE, absent=True), Copy(TOKEN, absent=True))
    found = steps({HEAD: nothing, WORKER: nothing}, Head(False))
    assert failed(found) == []
    assert found[f"{WORKER} files"].found == "not there yet, ray up sends it: ~/heliostat"
    assert found[f"{HEAD} ray"].found == "does not run; ray up starts it"


def test_a_node_that_could_not_be_compared_is_not_ready(steps: Any) -> None:
    found = steps({WORKER: (Copy(CODE, error="no answer in 120 s"), Copy(TOKEN))})
    assert failed(found) == [f"{WORKER} files"]
    assert "no answer in 120 s" in found[f"{WORKER} files"].found


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (Head(True, joined=(HEAD,)), f"1 of 2 nodes have joined: {HEAD}; not {WORKER}"),
        (Head(True, error="AuthenticationError InvalidAuthToken"), "InvalidAuthToken"),
    ],
)
def test_a_head_that_runs_without_its_workers_or_under_another_token_is_told(
    steps: Any, head: Head, said: str
) -> None:
    found = steps({}, head)
    assert failed(found) == [f"{HEAD} ray"]
    assert said in found[f"{HEAD} ray"].found
    assert found[f"{HEAD} ray"].mend


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("end\n", Head(False)),
        ("bash: no job control\n\njoined 10.0.0.2 10.0.0.3\nend\n", ALL),
        ("\nrefused RuntimeError wrong token\nend\n", Head(True, error="RuntimeError wrong token")),
        ("python: not found\nend\n", Head(True, error="python: not found")),
    ],
)  # fmt: skip
def test_what_the_head_says_is_understood(text: str, head: Head) -> None:
    assert answered(text) == head


@pytest.fixture
def login(tmp_path: Path) -> list[str]:
    """Return a command that logs in to this machine with another home, as ssh would elsewhere."""
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed here")
    there = tmp_path / "there"
    there.mkdir()
    shell = tmp_path / "login"
    shell.write_text(f'#!/bin/sh\nshift 3\nexport HOME={there}\ncd "$HOME" && exec sh -c "$*"\n')
    shell.chmod(0o700)
    return [str(shell), "--", "ubuntu@10.0.0.3"]


@pytest.fixture
def sent(tmp_path: Path) -> ClusterFile:
    """Code and a token here, of which a cluster file sends all but what git leaves out."""
    here = tmp_path / "here"
    (here / "code" / "runs").mkdir(parents=True)
    for name in ("a.py", "constraints.txt", ".gitignore", "runs/run.db", "left.pyc"):
        (here / "code" / name).write_text("*.pyc\n")
    (here / "token").write_text("a token")
    mounts = {"~/code": str(here / "code"), "~/.ray/auth_token": str(here / "token")}
    filters = {"rsync_exclude": ["**/runs"], "rsync_filter": [".gitignore"]}
    return ClusterFile(tmp_path / "cluster.yaml", {"file_mounts": mounts, **filters}, ())


def test_copies_are_compared_by_content_and_only_what_is_sent(
    tmp_path: Path, login: list[str], sent: ClusterFile
) -> None:
    code, token = compare(sent, login)
    assert code.absent
    assert token.absent
    there = tmp_path / "there"
    assert list(there.iterdir()) == []
    shutil.copytree(tmp_path / "here" / "code", there / "code")
    (there / ".ray").mkdir()
    shutil.copy(tmp_path / "here" / "token", there / ".ray" / "auth_token")
    shutil.rmtree(there / "code" / "runs")
    assert all(copy.same for copy in compare(sent, login))
    for name in ("constraints.txt", "more.py", "left.pyc", "log.txt"):  # equal sizes, other bytes
        (there / "code" / name).write_text("*.pyd\n")
    (there / "code" / "a.py").unlink()
    (there / ".ray" / "auth_token").write_text("b token")
    code, token = compare(sent, login)
    assert (code.differing, code.missing) == (("constraints.txt",), ("a.py",))
    assert code.extra == ("more.py",)
    assert token.differing
    assert not token.absent


def test_a_machine_that_does_not_answer_is_an_error_of_the_comparison(
    login: list[str], sent: ClusterFile
) -> None:
    Path(login[0]).write_text("#!/bin/sh\necho no route >&2\nexit 255\n")
    assert all(copy.error for copy in compare(sent, login))


def test_a_folder_of_which_only_one_file_is_missing_is_no_absent_one() -> None:
    assert listed("~/code", ">f+++++++++ a.py\n").missing == ("a.py",)
    assert listed("~/code", "cd+++++++++ ./\n>f+++++++++ a.py\n").absent
    assert listed("~/token", ">f+++++++++ token\n", one_file=True).absent
