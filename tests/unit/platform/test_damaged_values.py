"""A stored value whose file was lost, as in a power cut, is evaluated anew when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive

from heliostat import Run
from heliostat.engine.listener import Silent


class Notes(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def on_event(self, kind: str, text: str) -> None:
        self.said.append(f"{kind}: {text}")


def mapped(run: Run) -> list[Any]:
    return [o.unwrap() for o in run.map(tasks.big_text, range(3))]


def called(run: Run) -> list[Any]:
    return [run.call(tasks.big_text, item).unwrap() for item in range(3)]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("search", [mapped, called])
@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_only_the_items_whose_values_are_lost_are_evaluated_again(
    tmp_path: Path, search: Callable[[Run], Any], damage: Callable[[Path], None]
) -> None:
    whole = drive(search, tmp_path)
    files = sorted(p for p in (tmp_path / "artifacts").rglob("*") if p.is_file())
    assert len(files) == 3
    damage(files[1])
    notes = Notes()
    again = drive(search, tmp_path, listener=notes)
    assert (again.result, again.digest) == (whole.result, whole.digest)
    assert (again.evaluated, again.replayed) == (1, 2)
    (said,) = [line for line in notes.said if line.startswith("damaged")]
    assert said.startswith("damaged: the stored value of item")
    assert drive(search, tmp_path).evaluated == 0
