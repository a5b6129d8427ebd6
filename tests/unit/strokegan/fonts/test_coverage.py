import pytest
from made_fonts import write_font

from heliostat_methods.strokegan.fonts import font_file
from heliostat_methods.strokegan.fonts.coverage import characters, common_characters, coverage
from heliostat_methods.strokegan.fonts.errors import FontError


def test_characters_are_those_of_the_cmap(tmp_path):
    font = write_font(tmp_path / "one.ttf", {"永": 500, "国": 0, "a": 10})
    assert characters(font) == frozenset("永国a")
    assert coverage(font).level1 == 2


def test_common_characters_keep_the_order_asked_for(tmp_path):
    one = write_font(tmp_path / "one.ttf", {"永": 500, "国": 500, "啊": 1})
    two = write_font(tmp_path / "two.ttf", {"国": 500, "永": 500})
    assert common_characters([(one, 0), (two, 0)]) == ("国", "永")
    assert common_characters([(one, 0), (two, 0)], "永啊国") == ("永", "国")


def test_changed_file_is_read_anew(tmp_path):
    font = write_font(tmp_path / "one.ttf", {"永": 500})
    assert characters(font) == {"永"}
    import os

    write_font(font, {"国": 500})
    os.utime(font, ns=(1, 1))
    assert characters(font) == {"国"}


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FontError, match=r"none.ttf cannot be read: No such file"):
        characters(tmp_path / "none.ttf")


def test_missing_package_is_named():
    with pytest.raises(ImportError, match="need the package nowhere: pip install nowhere"):
        font_file.package("no_such_module", "nowhere")
