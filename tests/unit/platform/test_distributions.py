"""Malformed distributions: libraries read past them, and each malformed file is named."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from heliostat.distributions import EntryPointFile, malformed
from heliostat.executors.ray.starting import reading_tolerantly
from heliostat.ops.doctor import distributions
from heliostat.plugins.allowed import malformed_rows


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, points: bytes | None, about: bytes | None = None) -> Path:
    folder = site / f"{name}-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_bytes(about or f"Name: {name}\nVersion: 1.2\n".encode())
    file = folder / "entry_points.txt"
    if points is not None:
        file.write_bytes(points)
    return file


def problems(site: Path) -> list[str]:
    return [file.problem for file in malformed() if file.path.startswith(str(site))]


MALFORMED = {
    b"[strange.group]\na line of words\n": "line 2: 'a line of words'; expected [group] or name =",
    b"[strange.group\nx = y\n": "line 1: '[strange.group'; expected [group]",
    b"x = y\n[strange.group]\n": "line 1: 'x = y' stands before any [group]",
    b"[]\nx = y\n": "above line 2: no group is called ''",
    b"[strange.group ]\nx = y\n": "no group is called 'strange.group '",
    b"\xef\xbb\xbf[strange.group]\nx = y\n": "it begins with a byte-order mark",
    "[strange.group]\nx = y\n".encode("utf-16"): "it is not UTF-8",
    b"[strange.group]\nx = y !\n": "'x = y !'; expected name = module:object",
}


@pytest.mark.parametrize(("content", "problem"), MALFORMED.items())
def test_a_malformed_file_is_named_and_hides_no_other(
    site: Path, content: bytes, problem: str
) -> None:
    install(site, "bad", content)
    install(site, "good", b"[strange.group]\ngood = os:path\n")
    (found,) = problems(site)
    assert problem in found
    every = metadata.entry_points()
    assert [point.load() for point in every.select(group="strange.group")][-1] is os.path
    (row,) = [row for row in malformed_rows() if row.name == "bad"]
    assert (row.version, row.state) == ("1.2", "malformed")
    assert row.reason == f"{site}/bad-1.2.dist-info/entry_points.txt: {found}"


def test_what_can_be_read_of_a_malformed_file_is_read(site: Path) -> None:
    install(site, "half", b"[strange.group]\nwords\ngood = os\n# no = comment\nbad = os !\n")
    points = metadata.entry_points(group="strange.group")
    assert [(point.name, point.value) for point in points] == [("good", "os")]


def test_what_stands_in_the_place_of_a_file_is_named_and_not_waited_for(site: Path) -> None:
    install(site, "folder", None).mkdir()
    install(site, "link", None).symlink_to(site / "nothing")
    os.mkfifo(install(site, "pipe", None))
    install(site, "none", None)
    assert not metadata.entry_points(group="strange.group")
    assert problems(site) == [
        "a folder stands in its place",
        "it is a link that leads nowhere",
        "it is no regular file",
    ]


def test_damaged_metadata_leave_the_folder_s_name_and_version(site: Path) -> None:
    install(site, "odd", b"", b"\xff\xfe")
    os.mkfifo(site / "odd_pipe-3.dist-info")
    (site / ".dist-info").mkdir()
    assert metadata.version("odd") == "1.2"
    assert {d.metadata["Name"] for d in metadata.distributions()} >= {"odd", "odd_pipe"}
    assert metadata.packages_distributions()


def test_an_archive_on_the_path_is_read_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        for name, points in (
            ("bad", "[strange.group]\nwords\n"),
            ("good", "[strange.group]\nx=os"),
        ):
            archive.writestr(f"{name}-1.dist-info/METADATA", f"Name: {name}\nVersion: 1\n")
            archive.writestr(f"{name}-1.dist-info/entry_points.txt", points)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site.zip")])
    assert [p.name for p in metadata.entry_points(group="strange.group")] == ["x"]
    assert [f.problem for f in malformed() if "site.zip" in f.path] == [
        "line 2: 'words'; expected [group] or name = module:object"
    ]


def test_doctor_names_each_malformed_file() -> None:
    assert distributions([]).state == "ok"
    finding = distributions([EntryPointFile("/a", "", "it is not UTF-8"), EntryPointFile("/b", "")])
    assert finding.state == "warning"
    assert finding.found.startswith("/a: it is not UTF-8; /b")
    assert "install these distributions again, or remove them" in finding.mend


def test_processes_that_ray_starts_read_past_them_and_run_their_own_start(
    site: Path, python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    install(site, "bad", b"[strange.group]\nwords\n")
    (site / "sitecustomize.py").write_text("print('their own start')\n")
    before = os.environ.get("PYTHONPATH", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), before]))
        with reading_tolerantly():
            environment = {"PYTHONPATH": os.environ["PYTHONPATH"]}
        assert os.environ["PYTHONPATH"] == os.pathsep.join([str(site), before])
    program = "import sys; from importlib import metadata; print(len(metadata.entry_points()) > 0)"
    done = python("-c", f"{program}; print(sys.path[1])", **environment)
    assert done.stdout.splitlines() == ["their own start", "True", str(site)], done.stderr
