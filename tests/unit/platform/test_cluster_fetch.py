"""`heliostat cluster fetch`: what arrives is what the head has, or nothing arrives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from heliostat_test_methods import METHODS

from heliostat.driver.start import start
from heliostat.errors import ClusterError, CorruptStore, StoreError
from heliostat.executors.choice import Execution
from heliostat.ops.cluster.fetch import fetch, last_json
from heliostat.plugins.registry import Registry
from heliostat.store.folder import RunFolder
from heliostat.store.marks import Marks, read_marks, write_marks
from heliostat.store.view import RunView

CONFIG = Path("cluster.yaml")


@pytest.fixture
def head(tmp_path: Path) -> RunFolder:
    """A finished run in the runs folder of a head."""
    import heliostat_test_methods

    plugins = Registry()
    plugins.register(heliostat_test_methods, "tests")
    execution = Execution(workers=0, runs=tmp_path / "head", cache_dir=tmp_path / "cache")
    account = start(METHODS["count"], execution=execution, plugins=plugins)
    return RunFolder(Path(account["folder"]))


def launcher(
    head: RunFolder, damage: Callable[[Path], None] = lambda copy: None, **changes: Any
) -> Callable[..., str]:
    """Act as `ray exec` and `ray rsync-down` of a cluster whose head has this run."""

    def ray(verb: str, config: str, first: str, second: str = "") -> str:
        if verb == "exec":
            view = RunView(head)
            row = {**view.row(), **changes}
            view.close()
            return f"Fetched IP: 10.0.0.2\r\n{json.dumps(row)}\r\nShared connection closed.\r\n"
        assert verb == "rsync-down"
        assert first == f"~/runs/{head.id}/"
        shutil.copytree(head.path, second, dirs_exist_ok=True)
        damage(Path(second))
        return ""

    return ray


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_finished_run_arrives_under_its_name_with_its_digest(
    head: RunFolder, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    said = fetch(CONFIG, "last", home, ray=launcher(head))
    assert everything_in(home) == [head.id]
    here, there = RunView(RunFolder(home / head.id)), RunView(head)
    assert here.digest == there.digest == said["digest"]
    assert said["copied"] is True
    assert fetch(CONFIG, head.id, home, ray=launcher(head))["copied"] is False


def test_its_name_and_note_come_along(head: RunFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_marks(head.path, Marks("base", "as published", {"paper": "1"}))
    fetch(CONFIG, "last", home, ray=launcher(head))
    assert read_marks(home / head.id) == Marks("base", "as published", {"paper": "1"})


def test_what_was_written_here_stays_where_the_head_has_nothing(
    head: RunFolder, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    again = launcher(head, state="interrupted", digest=None)
    fetch(CONFIG, "last", home, ray=again)
    write_marks(home / head.id, Marks("mine"))
    fetch(CONFIG, "last", home, replace=True, ray=again)
    assert read_marks(home / head.id) == Marks("mine")
    write_marks(head.path, Marks("theirs"))
    fetch(CONFIG, "last", home, replace=True, ray=again)
    assert read_marks(home / head.id) == Marks("theirs")


def test_a_copy_with_another_digest_does_not_arrive(head: RunFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(CorruptStore, match="0000"):
        fetch(CONFIG, "last", home, ray=launcher(head, digest="0" * 64))
    assert everything_in(home) == []


def test_a_copy_without_its_journal_does_not_arrive(head: RunFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lose = lambda copy: (copy / "run.db").unlink()  # noqa: E731
    with pytest.raises(CorruptStore, match=r"no run\.db"):
        fetch(CONFIG, "last", home, ray=launcher(head, lose))
    assert everything_in(home) == []


def test_a_run_that_is_going_on_is_refused(head: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="still going on"):
        fetch(CONFIG, "last", tmp_path / "home", ray=launcher(head, state="running"))


def test_an_older_copy_is_kept_unless_it_is_to_be_replaced(head: RunFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    fetch(CONFIG, "last", home, ray=launcher(head, state="interrupted", digest=None))
    with pytest.raises(StoreError, match="--replace"):
        fetch(CONFIG, "last", home, ray=launcher(head, state="interrupted", digest=None))
    (home / head.id / "old").touch()
    again = launcher(head, state="interrupted", digest=None)
    assert fetch(CONFIG, "last", home, replace=True, ray=again)["copied"]
    assert everything_in(home) == [head.id]
    assert not (home / head.id / "old").exists()


def test_a_head_that_answers_something_else_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="python: command not found"):
        fetch(CONFIG, "last", tmp_path, ray=lambda *words: "python: command not found")


def test_json_is_found_among_a_launchers_chatter() -> None:
    assert last_json('{broken\n{"run": "a"}\nShared connection closed.\n') == {"run": "a"}
    assert last_json("nothing\n") is None
