"""The files of a run are found by their hash, wherever they lie; a part is read from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from heliostat import PartRef
from heliostat.errors import DataError, IdentityChanged
from heliostat.plugins.building import PartBuilder
from heliostat.plugins.input_files import InputFiles, file_hash
from heliostat.plugins.registry import Registry
from heliostat.plugins.whereabouts import Whereabouts

TABLE = "x,y\n" + "".join(f"{i},{i * i}\n" for i in range(12))


def pictures(place: str) -> Sequence[Path]:
    return sorted(file for file in Path(place).rglob("*") if file.is_file())


def recorded(files: Sequence[Path]) -> dict[str, str]:
    return {f"file {file}": file_hash(file) for file in files}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three files, two of one name."""
    for name in ("cats/1", "dogs/1", "dogs/2"):
        file = tmp_path / "old" / "pets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "old" / "pets"


def finder(folder: Path, hashes: dict[str, str], *given: tuple[str, str]) -> InputFiles:
    return InputFiles(hashes, Whereabouts(folder, here=str(folder), given=given))


def test_a_folder_that_moved_is_found_whole(folder: Path, tmp_path: Path) -> None:
    hashes = recorded(pictures(str(folder)))
    folder.rename(tmp_path / "pets")
    files = InputFiles(hashes, Whereabouts(tmp_path / "old", here=str(tmp_path)))
    assert files.argument("pets", "dataset", pictures, "pets") == str(tmp_path / "pets")
    files.check_rest()


def test_a_folder_with_a_file_more_or_less_is_refused(folder: Path, tmp_path: Path) -> None:
    hashes = recorded(pictures(str(folder)))
    (folder / "dogs" / "3").write_text("new")
    with pytest.raises(DataError, match="dogs/3 is no file that this run began with"):
        finder(tmp_path / "old", hashes).argument("pets", "dataset", pictures, "pets")
    (folder / "dogs" / "3").unlink()
    (folder / "dogs" / "2").unlink()
    files = finder(tmp_path / "old", hashes)
    files.argument("pets", "dataset", pictures, "pets")
    with pytest.raises(DataError, match="dogs/2"):
        files.check_rest()


def test_a_renamed_folder_keeps_the_name_that_data_are_called_by(
    folder: Path, tmp_path: Path
) -> None:
    hashes = recorded(pictures(str(folder)))
    new = folder.rename(tmp_path / "beasts")
    files = finder(tmp_path / "old", hashes, (str(folder), str(new)))
    place = Path(files.argument("pets", "dataset", pictures, "pets"))
    assert place.name == "pets"
    assert place.samefile(new)


def test_a_table_of_another_name_is_the_same_data_set(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    hashes = recorded([table])
    new = table.rename(tmp_path / "other.csv")
    files = finder(tmp_path, hashes, (str(table), str(new)))
    build = PartBuilder(Registry(), str, hashes, tmp_path, files=files)
    assert build("dataset", PartRef("csv:table.csv", {}, "dataset")).name == "csv:table.csv"


def test_what_a_part_keeps_itself_may_lie_in_another_cache(tmp_path: Path) -> None:
    hashes = {}
    for cache in ("old", "new"):
        (tmp_path / cache).mkdir()
        (tmp_path / cache / "a.tgz").write_text("archive")
        hashes = hashes or recorded([tmp_path / cache / "a.tgz"])
    (tmp_path / "old" / "a.tgz").unlink()
    files = finder(tmp_path, hashes)

    def cached(place: str) -> Sequence[Path]:
        assert place == ""
        return [tmp_path / "new" / "a.tgz"]

    assert files.argument("mnist", "dataset", cached, "") == ""
    files.check_rest()
    (tmp_path / "new" / "a.tgz").write_text("another")
    with pytest.raises(IdentityChanged, match=r"file .*/old/a\.tgz"):
        finder(tmp_path, hashes).argument("mnist", "dataset", cached, "")


def test_a_worker_told_where_a_file_lies_still_looks_at_it(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    hashes = recorded([table])
    new = table.rename(tmp_path / "other.csv")
    driver = finder(tmp_path, hashes, (str(table), str(new)))
    driver.argument("csv", "dataset", lambda place: [Path(place)], "table.csv")
    where = driver.for_workers()
    assert where.found == ((str(table), str(new)),)
    worker = InputFiles(hashes, where, here_alone=True)
    new.write_text(TABLE + "1,1\n")
    with pytest.raises(DataError, match="bring the same one to every node"):
        worker.argument("csv", "dataset", lambda place: [Path(place)], "table.csv")


def test_a_fresh_start_hashes_nothing_twice(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    hashes = {f"file {table}": "not looked at"}
    files = InputFiles(hashes, Whereabouts(tmp_path), trusted=True)
    found = files.argument("csv", "dataset", lambda place: [Path(place)], "table.csv")
    assert found == str(table)


def test_a_fifo_at_one_of_the_places_keeps_nobody_waiting(tmp_path: Path) -> None:
    import os

    table = tmp_path / "old" / "table.csv"
    table.parent.mkdir()
    table.write_text(TABLE)
    hashes = recorded([table])
    table.unlink()
    os.mkfifo(tmp_path / "table.csv")
    files = InputFiles(hashes, Whereabouts(tmp_path / "old", here=str(tmp_path)))
    with pytest.raises(DataError, match="FIFO"):
        files.argument("csv", "dataset", lambda place: [Path(place)], "table.csv")
