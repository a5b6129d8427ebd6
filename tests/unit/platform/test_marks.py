"""What people write about a run: kept beside the journal, and harmless whoever wrote it."""

from pathlib import Path

import pytest

from heliostat.errors import ConfigError
from heliostat.store.marks import FILE, Marks, read_marks, tags_in, write_marks


def test_marks_read_back_as_they_were_written(tmp_path: Path) -> None:
    marks = Marks("first-try", "why not\nthis", {"paper": "2209.08907", "kept": ""})
    write_marks(tmp_path, marks)
    assert read_marks(tmp_path) == marks


def test_changes_leave_the_rest_alone() -> None:
    marks = Marks("a", "b", {"x": "1", "y": "2"})
    assert marks.changed(note="c", tags={"x": None, "z": "3"}) == Marks(
        "a", "c", {"y": "2", "z": "3"}
    )
    assert marks.changed(name="").name == ""


@pytest.mark.parametrize(
    "marks, field",
    [
        (Marks(name="../up"), "--name"),
        (Marks(name="last"), "--name"),
        (Marks(name="a" * 81), "--name"),
        (Marks(note="a" * 10_001), "--note"),
        (Marks(tags={"a b": "c"}), "--tag"),
        (Marks(tags={"a": "c" * 201}), "--tag a"),
    ],
)
def test_marks_that_nobody_could_use_are_refused(tmp_path: Path, marks: Marks, field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        write_marks(tmp_path, marks)
    assert refused.value.field == field
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"name": 1, "note": "", "tags": {}}', '{"name": "/", "note": "", "tags": {}}',
     '{"name": "", "note": "", "tags": []}', "[" * 100_000, '"\\ud800"'],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_counts_as_no_marks(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_marks(tmp_path) == Marks()


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    write_marks(tmp_path, Marks("secret"))
    other = tmp_path / "other"
    other.mkdir()
    (other / FILE).symlink_to(tmp_path / FILE)
    assert read_marks(other) == Marks()


def test_tags_are_read_from_options() -> None:
    assert tags_in(("paper=1=2", "kept")) == {"paper": "1=2", "kept": ""}
    with pytest.raises(ConfigError):
        tags_in(("=x",))
