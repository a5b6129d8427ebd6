"""Where caches lie: what the user names, what the system says, or a private temporary folder."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from heliostat.contract import cache

NOWHERE = "/dev/null/home"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test, and no cache folder in the environment."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name in (cache.CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    cache._of_this_process.cache_clear()
    return folder


def test_a_folder_that_the_user_names_is_taken_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "mine" / "deep"))
    assert cache.default_cache_dir() == tmp_path / "mine" / "deep"
    assert not (tmp_path / "mine").exists()
    assert cache.told_of_another(tmp_path / "mine" / "deep") == ""
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("variable", ["HOME", cache.CACHE_VARIABLE])
def test_one_that_cannot_be_written_gives_way_to_a_private_one(
    variable: str, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv(variable, NOWHERE)
    found = cache.default_cache_dir()
    assert found.parent == temporary
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert cache.default_cache_dir() == found  # the next process finds the same kernels
    told = cache.told_of_another(found)
    assert NOWHERE in told and str(found) in told and cache.CACHE_VARIABLE in told


def test_a_user_without_a_home_has_caches(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    def unknown(path: str) -> str:
        return path  # what expanduser gives a user whom the system does not know

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", unknown)
    found = cache.default_cache_dir()
    assert found.parent == temporary
    assert cache.for_other_nodes(found) == str(found)


@pytest.mark.parametrize("taken", ["a file", "a link", "open to others"])
def test_a_name_that_somebody_else_has_taken_is_not_used(
    taken: str, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv("HOME", NOWHERE)
    name = temporary / cache._private_name()
    if taken == "a file":
        name.write_text("")
    elif taken == "a link":
        (temporary / "theirs").mkdir(mode=0o700)
        name.symlink_to(temporary / "theirs")
    else:
        name.mkdir()
        name.chmod(0o777)
    found = cache.default_cache_dir()
    assert found.parent == temporary and found != name and not found.is_symlink()
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_another_node_has_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    (tmp_path / "here").mkdir()
    text = cache.for_other_nodes(cache.default_cache_dir())
    assert text == "~/.cache/heliostat"
    monkeypatch.setenv("HOME", str(tmp_path / "there"))
    assert cache.on_this_node(text) == tmp_path / "there" / ".cache" / "heliostat"
    monkeypatch.setenv("HOME", NOWHERE)  # a node whose user has no home
    assert cache.on_this_node(text).parent == temporary


def test_libraries_are_told_only_where_they_would_find_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MPLCONFIGDIR", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    cache.prepare_caches(tmp_path)
    assert "MPLCONFIGDIR" not in cache.os.environ
    private = cache.private_folder()
    cache.prepare_caches(private)
    assert cache.os.environ["MPLCONFIGDIR"] == str(private / "matplotlib")
    assert cache.os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(private / "torch")
