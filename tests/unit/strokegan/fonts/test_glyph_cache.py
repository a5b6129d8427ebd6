import numpy as np
import pytest
from made_fonts import write_font

from heliostat.contract.cache import default_cache_dir
from heliostat_methods.strokegan.fonts.embedded import default_fonts
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer

FONTS = default_fonts()


def kept():
    return sorted((default_cache_dir() / "glyphs").glob("*"))


def test_second_time_is_the_same_file_mapped():
    renderer = GlyphRenderer(FONTS.source, px=16)
    first = renderer.render("永国")
    (file,) = kept()
    written = file.stat().st_mtime_ns
    second = GlyphRenderer(FONTS.source, px=16).render("永国")
    assert isinstance(second, np.memmap) and not second.flags.writeable
    assert np.array_equal(first, second)
    assert np.array_equal(second, renderer.render("永国", keep=False))
    assert [file] == kept() and file.stat().st_mtime_ns == written


def test_key_depends_on_all_that_decides_a_pixel(tmp_path):
    usual = GlyphRenderer(FONTS.source, px=16)
    keys = {
        usual.key("永国"),
        usual.key("国永"),
        usual.key("永"),
        GlyphRenderer(FONTS.target, px=16).key("永国"),
        GlyphRenderer(FONTS.source, px=17).key("永国"),
        GlyphRenderer(FONTS.source, px=16, scale=0.9).key("永国"),
        GlyphRenderer(FONTS.source, px=16, supersample=3).key("永国"),
    }
    assert len(keys) == 7
    copy = tmp_path / "copy.ttf"
    copy.write_bytes(FONTS.source.read_bytes())
    assert GlyphRenderer(copy, px=16).key("永国") == usual.key("永国")


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: b"x"])
def test_damaged_file_is_drawn_anew(damage):
    renderer = GlyphRenderer(FONTS.source, px=16)
    right = np.array(renderer.render("永国"))
    (file,) = kept()
    file.write_bytes(damage(file.read_bytes()))
    assert np.array_equal(renderer.render("永国"), right)


def test_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path))
    (tmp_path / "glyphs").write_text("a file where the folder should be")
    pictures = GlyphRenderer(FONTS.source, px=16).render("永国")
    assert pictures.shape == (2, 16, 16) and not pictures.flags.writeable


def test_refused_characters_leave_nothing_behind(tmp_path):
    font = write_font(tmp_path / "squares.ttf", {"永": 500, "国": 0})
    with pytest.raises(ValueError, match="empty outline"):
        GlyphRenderer(font, px=16).render("永国")
    assert kept() == []
