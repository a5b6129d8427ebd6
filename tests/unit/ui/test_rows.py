"""The list of runs: read once, read again where something changed, hostile folders included."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from going_runs import GoingRun

from heliostat.store.folder import RunFolder
from heliostat.store.marks import Marks, write_marks
from heliostat.ui import rows as rows_module
from heliostat.ui.remembered import Remembered
from heliostat.ui.rows import DAMAGED, READING, Listing, Row, key_of

LONG = 1e6
A, B, C = (f"2020010{n}-000000-group_means-000{n}" for n in (1, 2, 3))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read, in order."""
    read, found = rows_module.read, []

    def noting(folder: RunFolder) -> Row:
        found.append(folder.id)
        return read(folder)

    monkeypatch.setattr(rows_module, "read", noting)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Two runs: one goes on, one is finished."""
    root = tmp_path / "runs"
    going = GoingRun(root, A)
    going.step(1, 4, loss=0.5)
    GoingRun(root, B).end("finished", digest="d" * 64)
    yield root
    going.end()


def by_name(listing: Listing, seconds: float = LONG) -> dict[str, Row]:
    return {row.run: row for row in listing.rows(seconds)}


def test_rows_say_what_runs_do(root: Path) -> None:
    found = by_name(Listing(root))
    assert (found[A].state, found[A].step, found[A].of) == ("running", 1, 4)
    assert (found[B].state, found[B].digest) == ("finished", "d" * 64)


def test_a_row_is_read_again_only_where_its_files_changed(root: Path, reads: list[str]) -> None:
    listing = Listing(root)
    listing.rows(LONG)
    listing.rows(LONG)
    assert sorted(reads) == [A, B]
    write_marks(root / B, Marks("named"))
    assert by_name(listing)[B].name == "named"
    assert sorted(reads) == [A, B, B]


def test_a_run_whose_driver_is_gone_says_so_though_no_file_changed(
    tmp_path: Path, reads: list[str]
) -> None:
    going = GoingRun(tmp_path, C)
    listing = Listing(tmp_path)
    assert by_name(listing)[C].state == "running"
    going._lock.release()
    assert by_name(listing)[C].state == "stopped"
    going.journal.close()


def test_without_time_to_read_a_row_is_what_its_name_says(root: Path) -> None:
    listing = Listing(root)
    found = by_name(listing, 0.0)
    assert (found[B].state, found[B].method, listing.unread) == (READING, "group_means", 2)
    assert found[B].created > found[A].created > 0
    listing.rows(LONG)
    assert listing.unread == 0


def test_a_removed_run_is_gone_and_cannot_be_opened(root: Path) -> None:
    listing = Listing(root)
    listing.rows(LONG)
    assert listing.folder(key_of(B)) is not None
    shutil.rmtree(root / B)
    assert B not in by_name(listing)
    assert listing.folder(key_of(B)) is None


def test_no_name_leads_out_of_the_folder(root: Path) -> None:
    (root.parent / "secret").mkdir()
    shutil.copytree(root / B, root.parent / "outside")
    listing = Listing(root)
    for name in ("..", "../outside", str(root.parent / "outside"), "outside", "", ".", "~"):
        assert listing.folder(name) is None


@pytest.mark.parametrize(
    "name", ["<b>x", "a b", "..x", "ü", "a/../b".replace("/", "\\"), "x" * 250]
)
def test_a_run_of_any_name_is_found_by_a_plain_word(root: Path, name: str) -> None:
    shutil.copytree(root / B, root / name)
    key = key_of(name)
    assert key.removeprefix("~").isalnum()
    found = Listing(root)
    if name.startswith("."):
        assert found.folder(key) is None  # hidden, as it is for `ls`
    else:
        assert found.folder(key) == RunFolder(root / name)


def test_a_name_that_is_no_text_is_found_as_well(root: Path, tmp_path: Path) -> None:
    raw = os.fsdecode(b"run-\xff\xfe")
    shutil.copytree(root / B, root / raw)
    kept = tmp_path / "kept.json"
    listing = Listing(root, Remembered(kept))
    assert raw in by_name(listing)
    assert listing.folder(key_of(raw)) == RunFolder(root / raw)
    assert B in json.loads(kept.read_text())["rows"]  # one odd name costs the others nothing


@pytest.mark.parametrize("harm", ["text", "empty", "cut", "link", "fifo"])
def test_a_damaged_run_is_a_row_that_says_so_and_hides_no_other(root: Path, harm: str) -> None:
    shutil.copytree(root / B, root / C)
    database = root / C / "run.db"
    content = database.read_bytes()
    if harm == "text":
        database.write_text("nothing of the kind")
    elif harm == "empty":
        database.write_bytes(b"")
    elif harm == "cut":
        database.write_bytes(content[: len(content) // 3])
    elif harm == "link":
        (root / C / "marks.json").symlink_to("/etc/passwd")
    else:
        os.mkfifo(root / C / "log.jsonl")
    found = by_name(Listing(root))
    assert found[C].state == DAMAGED and found[C].error
    assert found[B].state == "finished"


def test_a_folder_without_its_journal_is_a_row_as_well(root: Path) -> None:
    shutil.copytree(root / B, root / C)
    (root / C / "config.toml").write_text("")
    (root / C / "run.db").unlink()
    assert by_name(Listing(root))[C].state == DAMAGED


def test_the_next_start_reads_nothing_that_stayed_the_same(
    root: Path, tmp_path: Path, reads: list[str]
) -> None:
    kept = tmp_path / "kept.json"
    first = by_name(Listing(root, Remembered(kept)))
    reads.clear()
    again = Listing(root, Remembered(kept))
    assert by_name(again, 0.0)[B] == first[B]
    assert again.unread == 1  # the one that goes on may do something else by now


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"form": 1}', '{"form": 1, "rows": {"x": [[1], {"run": 3}]}}',
     '{"form": 99, "rows": {}}', "[" * 100_000, '{"form": 1, "rows": {"x": 1}}', "\x00"],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_is_as_good_as_none(
    root: Path, tmp_path: Path, text: str
) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(text)
    assert by_name(Listing(root, Remembered(kept)))[B].state == "finished"


def test_a_kept_row_cannot_speak_for_another_run(root: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    by_name(Listing(root, Remembered(kept)))
    stored = json.loads(kept.read_text())
    stored["rows"][B][1]["run"] = "<another>"
    stored["rows"][A][1]["key"] = "../other"
    kept.write_text(json.dumps(stored))
    found = by_name(Listing(root, Remembered(kept)))
    assert set(found) == {A, B}
    assert found[A].key == A


def test_a_cache_that_cannot_be_written_costs_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    listing = Listing(root, Remembered(tmp_path / "file" / "kept.json"))
    assert by_name(listing)[B].state == "finished"


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert list(Listing(tmp_path / "nowhere").rows(LONG)) == []
