import tempfile

import numpy as np
import pytest

from heliostat_methods.parts.parsed_once import parsed_once


@pytest.fixture
def kept(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("HELIOSTAT_CACHE", str(folder))
    return folder / "datasets"


class Reader:
    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"values": np.arange(3) + self.times, "names": np.array(["a", "é"])}


def test_a_file_is_read_once_and_another_content_again(tmp_path, kept):
    file, read = tmp_path / "t.csv", Reader()
    file.write_bytes(b"1")
    first = parsed_once(file, "t-1", read)
    again = parsed_once(file, "t-1", read)
    assert read.times == 1
    assert {name: values.tolist() for name, values in again.items()} == {
        name: values.tolist() for name, values in first.items()
    }
    file.write_bytes(b"2")
    assert parsed_once(file, "t-1", read)["values"].tolist() == [2, 3, 4]
    assert parsed_once(file, "t-2", read)["values"].tolist() == [3, 4, 5]
    assert sorted(path.suffix for path in kept.iterdir()) == [".npz"] * 3


@pytest.mark.parametrize("damage", [b"", b"PK", b"no archive"])
def test_a_damaged_cache_is_read_anew(tmp_path, kept, damage):
    file, read = tmp_path / "t.csv", Reader()
    file.write_bytes(b"1")
    parsed_once(file, "t-1", read)
    (path,) = kept.iterdir()
    path.write_bytes(damage)
    assert parsed_once(file, "t-1", read)["values"].tolist() == [2, 3, 4]
    assert parsed_once(file, "t-1", read)["values"].tolist() == [2, 3, 4]


def test_pickled_arrays_in_the_cache_are_never_loaded(tmp_path, kept):
    file, read = tmp_path / "t.csv", Reader()
    file.write_bytes(b"1")
    parsed_once(file, "t-1", read)
    (path,) = kept.iterdir()
    np.savez(path, values=np.array([{"a": 1}], dtype=object))
    assert parsed_once(file, "t-1", read)["values"].tolist() == [2, 3, 4]


def test_where_no_cache_can_be_the_private_folder_keeps_what_was_parsed(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file, read = tmp_path / "t.csv", Reader()
    file.write_bytes(b"1")
    for _ in (1, 2):
        assert parsed_once(file, "t-1", read)["values"][0] == 1
