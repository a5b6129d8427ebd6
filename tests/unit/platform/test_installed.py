"""Entry points of installed distributions: one malformed file hides no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliostat.names import FAMILY, GROUP
from heliostat.plugins.installed import Declared, declared


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, points: bytes, about: bytes | None = None) -> None:
    folder = site / f"{name}-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_bytes(about or f"Name: {name}\nVersion: 1\n".encode())
    (folder / "entry_points.txt").write_bytes(points)


def found(*names: str) -> list[Declared]:
    return [one for one in declared(FAMILY) if one.distribution in names]


def test_a_line_becomes_a_name_a_value_and_where_it_comes_from(site: Path) -> None:
    install(site, "good", f"[{GROUP}]\ngood = os : path\n[console_scripts]\nx = y\n".encode())
    (one,) = found("good")
    assert one == Declared("good", "os : path", GROUP, "good", "1")
    assert one.load() is __import__("os").path


@pytest.mark.parametrize(
    "text", [f"[{GROUP}]\na line of words\n", f"x\n[{GROUP}]\ny = z\nx\n", f"[{GROUP}]\n[open\n"]
)
def test_a_file_of_no_entry_points_is_a_row_and_hides_no_other(site: Path, text: str) -> None:
    install(site, "bad", text.encode())
    install(site, "good", f"[{GROUP}]\ngood = os\n".encode())
    bad, good = found("bad", "good")
    assert (bad.name, bad.group, good.problem) == ("bad", "", "")
    assert f"{site}/bad-1.dist-info/entry_points.txt is malformed: line " in bad.problem


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("good = os !", "'os !' is no entry point; expected module or module:object"),
        ("../../up = os", "'../../up' is no plugin name"),
        ("= os", "'' is no plugin name"),
    ],
)
def test_a_malformed_line_is_a_row_beside_the_others_of_its_file(
    site: Path, line: str, problem: str
) -> None:
    install(site, "mixed", f"[{GROUP}]\nother = os\n{line}\n".encode())
    problems = {one.name: one.problem for one in found("mixed")}
    assert problems.pop("other") == ""
    (said,) = problems.values()
    assert problem in said


def test_a_malformed_file_is_a_lost_plugin_where_it_names_their_group(site: Path) -> None:
    install(site, "stranger", b"[console_scripts]\nno entry point\n")
    install(site, "binary", f"[{GROUP}]\nx = os\n".encode() + b"\xff\xfe")
    install(site, "marked", f"\ufeff[{GROUP}]\nx = os\n".encode())
    assert found("stranger") == []
    assert [one.name for one in found("binary", "marked")] == ["binary", "marked"]
    assert found("binary")[0].problem.endswith("entry_points.txt is malformed: it is not UTF-8")


def test_damaged_metadata_leave_name_and_version_of_the_folder(site: Path) -> None:
    install(site, "odd", f"[{GROUP}]\nodd = os\n".encode(), b"\xff\xfe")
    (one,) = [one for one in declared(FAMILY) if one.name == "odd"]
    assert (one.distribution, one.version) == ("odd", "1")
