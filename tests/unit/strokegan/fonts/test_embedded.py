import numpy as np
import pytest

from heliostat_methods.strokegan.fonts.coverage import characters
from heliostat_methods.strokegan.fonts.embedded import default_fonts
from heliostat_methods.strokegan.fonts.font_file import opened
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
from heliostat_methods.strokegan.fonts.subsetting import spread, write_subset
from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder

FONTS = default_fonts()


def test_both_have_the_same_thousand_characters_of_level1():
    chars = FONTS.characters()
    assert len(chars) == 1000
    assert characters(FONTS.source) == characters(FONTS.target) == set(chars)
    assert StrokeEncoder().encode_all(chars).any(axis=0).sum() >= 28


def test_every_character_draws_in_both():
    for file in (FONTS.source, FONTS.target):
        pictures = GlyphRenderer(file, px=16, supersample=2).render(FONTS.characters())
        assert (pictures.min(axis=(1, 2)) < 160).all()


def test_files_are_small_renamed_and_keep_their_licence():
    for file, copyright in ((FONTS.source, "2021-2023 LXGW"), (FONTS.target, "2018 The ZCOOL")):
        assert file.stat().st_size < 600_000
        names = opened(file)["name"]
        shown = [names.getDebugName(number) for number in (1, 4, 6, 16)]
        assert not any("LXGW" in one or "霞鹜" in one for one in shown if one)
        assert copyright in names.getDebugName(0)
        assert "Open Font License" in names.getDebugName(13)
        assert copyright in (file.parent / "OFL.txt").read_text(encoding="utf-8")


def test_spread_takes_the_first_ones_and_an_even_rest():
    chars = gb2312_level1()
    taken = spread(chars, 10)
    assert len(taken) == 10 and set("永国龙一") < set(taken)
    assert list(taken) == sorted(taken, key=chars.index)
    assert spread("永国龙一", 4) == tuple("永国龙一")
    with pytest.raises(ValueError, match="count must be from 4 to 5, got 6"):
        spread("永国龙一啊", 6)


def test_subset_of_a_subset_has_what_was_asked_and_always_the_same_bytes(tmp_path):
    first, second = tmp_path / "first.ttf", tmp_path / "second.ttf"
    size = write_subset(FONTS.source, "永国", "Two Characters", first)
    write_subset(FONTS.source, "永国", "Two Characters", second)
    assert first.read_bytes() == second.read_bytes() and len(first.read_bytes()) == size
    assert characters(first) == set("永国")


def test_subset_draws_as_the_whole_font(tmp_path):
    part = tmp_path / "part.ttf"
    for file in (FONTS.source, FONTS.target):
        write_subset(file, "永国", "Two Characters", part)
        whole = GlyphRenderer(file, px=32).render("永国")
        assert np.array_equal(GlyphRenderer(part, px=32).render("永国", keep=False), whole)
