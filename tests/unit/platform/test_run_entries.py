"""The files of a run folder: regular ones are read and written, others are left alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliostat.errors import StoreError
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.entries import check_entries, read_regular, write_fresh
from heliostat.store.lock import RunLock, held, holder
from heliostat.store.log import RunLog


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """A file of the user's that must stay as it is."""
    path = tmp_path / "precious"
    path.write_text("precious")
    (tmp_path / "run").mkdir()
    yield path
    assert path.read_text() == "precious"


def test_a_file_is_put_in_place_of_a_link_not_behind_it(precious: Path) -> None:
    place = precious.parent / "run" / "report.html"
    place.symlink_to(precious)
    write_fresh(place, b"new")
    assert not place.is_symlink()
    assert place.read_bytes() == b"new"
    assert os.listdir(place.parent) == ["report.html"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_fresh(tmp_path / "report.html", b"new")
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_new_file_has_the_rights_that_the_user_gives_to_files(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_fresh(tmp_path / "fresh", b"")
    assert (tmp_path / "fresh").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_links_in_place_of_lock_log_and_artifact_are_not_followed(precious: Path) -> None:
    run = precious.parent / "run"
    for name in ("lock", "log.jsonl"):
        (run / name).symlink_to(precious)
    with pytest.raises(StoreError, match="lock is a link"):
        RunLock(run / "lock").acquire()
    with pytest.raises(StoreError, match="lock is a link"):
        held(run / "lock")
    assert holder(run / "lock") == ("unknown", "an unknown host")
    RunLog(run / "log.jsonl").add("note", "text")
    store = ArtifactStore(run / "artifacts")
    sha256 = store.put(b"content")
    store.path(sha256).unlink()
    store.path(sha256).symlink_to(precious)
    with pytest.raises(StoreError, match="is a link"):
        store.get(sha256)
    store.put(b"content")
    assert store.get(sha256) == b"content"


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, kind in (("fifo", "a FIFO"), ("/dev/zero", "a device")):
        with pytest.raises(StoreError, match=kind):
            read_regular(tmp_path / name)
    with pytest.raises(StoreError, match="a FIFO"):
        RunLock(tmp_path / "fifo").acquire()


@pytest.mark.parametrize("below", ["", "artifacts"])
def test_a_folder_with_anything_but_files_and_folders_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    inside = tmp_path / below
    inside.mkdir(exist_ok=True)
    (inside / "file").write_text("")
    (inside / "folder").mkdir()
    check_entries(tmp_path)
    monkeypatch.chdir(inside)  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    with pytest.raises(StoreError, match="socket is a socket"):
        check_entries(tmp_path)
    Path("socket").unlink()
    Path("link").symlink_to("file")
    with pytest.raises(StoreError, match="link is a link"):
        check_entries(tmp_path)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "shortcut").symlink_to(tmp_path / "run")
    check_entries(tmp_path / "shortcut")
