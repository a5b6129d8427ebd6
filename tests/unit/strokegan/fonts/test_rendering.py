import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_fonts import write_font

from heliostat_methods.strokegan.fonts.catalogue import available, known_font
from heliostat_methods.strokegan.fonts.embedded import default_fonts
from heliostat_methods.strokegan.fonts.errors import CharactersMissing, FontError
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer

SAMPLE = default_fonts().source
# Ink of 永 国 龙 一 at 64 px: the specification's section 5.3, tolerance 0.004. The embedded fonts
# are parts of two of these fonts.
INK = {
    "gkai00mp": (0.1035, 0.1413, 0.1090, 0.0390),
    "wqy-zenhei": (0.1645, 0.2410, 0.1933, 0.0500),
    "lxgw-wenkai": (0.1461, 0.2001, 0.1536, 0.0427),
    "sample-kai": (0.1461, 0.2001, 0.1536, 0.0427),
    "noto-sans-sc": (0.1868, 0.2764, 0.2039, 0.0563),
    "zcool-kuaile": (0.1798, 0.3332, 0.2039, 0.0547),
    "sample-kuaile": (0.1798, 0.3332, 0.2039, 0.0547),
    "ma-shan-zheng": (0.1617, 0.1926, 0.1559, 0.0665),
}


@pytest.mark.parametrize("name", INK)
def test_ink_of_four_characters(name):
    if name not in available():
        pytest.skip(f"font {name} is not installed; {known_font(name).get}")
    pictures = GlyphRenderer(name, px=64).render("永国龙一").astype(float)
    assert ((255 - pictures).mean(axis=(1, 2)) / 255) == pytest.approx(INK[name], abs=0.004)


def test_pictures_are_black_on_white_and_centred():
    pictures = GlyphRenderer(SAMPLE, px=32).render("永国龙一", keep=False)
    assert (pictures.shape, pictures.dtype) == ((4, 32, 32), np.uint8)
    assert (pictures[:, 0, 0] == 255).all() and (pictures.min(axis=(1, 2)) < 64).all()
    for picture in pictures:
        rows, columns = (np.flatnonzero((picture < 255).any(axis=axis)) for axis in (1, 0))
        assert abs(rows[0] - (31 - rows[-1])) <= 1
        assert abs(columns[0] - (31 - columns[-1])) <= 1


def test_square_has_its_exact_ink(tmp_path):
    font = write_font(tmp_path / "squares.ttf", {"永": 500, "国": 1000})
    pictures = GlyphRenderer(font, px=32, scale=1.0).render("永国", keep=False)
    assert (pictures[0] == 0).sum() == 256 and (pictures[0] == 255).sum() == 768
    assert (pictures[1] == 0).all()


def test_glyph_larger_than_the_picture_is_made_smaller(tmp_path):
    font = write_font(tmp_path / "squares.ttf", {"永": 3000})
    assert (GlyphRenderer(font, px=16).render("永", keep=False) == 0).all()


@settings(deadline=None, max_examples=40)
@given(
    px=st.integers(8, 96),
    scale=st.floats(0.25, 1),
    supersample=st.integers(1, 16),
    char=st.sampled_from("一永国龙啊座"),
)
def test_any_allowed_setting_draws_some_ink(px, scale, supersample, char):
    if char not in GlyphRenderer(SAMPLE).characters:
        char = "一"
    (picture,) = GlyphRenderer(SAMPLE, 0, px, scale, supersample).render(char, keep=False)
    assert picture.shape == (px, px) and 0 < (picture < 255).sum() < px * px


def test_characters_may_repeat_and_may_be_none():
    renderer = GlyphRenderer(SAMPLE, px=16)
    first, second = renderer.render("永永")
    assert np.array_equal(first, second)
    assert renderer.render([]).shape == (0, 16, 16)


def test_characters_without_glyph_are_counted_and_twenty_named(tmp_path):
    font = write_font(tmp_path / "squares.ttf", {"永": 500})
    lacking = [chr(0x4E00 + at) for at in range(25)]
    with pytest.raises(CharactersMissing) as caught:
        GlyphRenderer(font).render(["永", *lacking])
    message = str(caught.value)
    assert message.startswith("squares.ttf has no glyph for 25 of 26 characters: 一 (U+4E00) ")
    assert message.endswith("(U+4E13) and 5 more") and "U+4E14" not in message
    assert caught.value.chars == tuple(lacking)


def test_empty_outlines_are_named(tmp_path):
    font = write_font(tmp_path / "squares.ttf", {"永": 500, "国": 0})
    with pytest.raises(FontError, match=r"an empty outline for 1 of 2 characters: 国 \(U\+56FD\)"):
        GlyphRenderer(font).render("永国国")


def test_missing_file_and_other_files_are_named(tmp_path):
    with pytest.raises(FontError, match=r"font file .*none.ttf cannot be read: No such file"):
        GlyphRenderer(tmp_path / "none.ttf")
    with pytest.raises(FontError, match=r"font file none.ttf cannot be read: no such file"):
        GlyphRenderer("none.ttf")
    (tmp_path / "text.ttf").write_text("no font at all")
    with pytest.raises(FontError, match=r"text.ttf cannot be read as a font"):
        GlyphRenderer(tmp_path / "text.ttf").render("永")
    with pytest.raises(FontError, match=r"cannot be read: Is a directory"):
        GlyphRenderer(tmp_path)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.binary(min_size=1, max_size=40))
def test_damaged_font_is_refused_or_drawn(tmp_path_factory, where, junk):
    whole = write_font(tmp_path_factory.mktemp("whole") / "squares.ttf", {"永": 500}).read_bytes()
    at = int(where * len(whole))
    damaged = tmp_path_factory.mktemp("damaged") / "squares.ttf"
    damaged.write_bytes(whole[:at] + junk + (whole[at + len(junk) :] if len(junk) > 20 else b""))
    try:
        pictures = GlyphRenderer(damaged, px=16).render("永", keep=False)
    except FontError as error:
        assert "squares.ttf" in str(error)
    except ImportError as error:  # it begins as WOFF2 does
        assert "pip install brotli" in str(error)
    else:
        assert pictures.shape == (1, 16, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"px": 7}, "px must be from 8 to 1024, got 7"),
        ({"px": 2048}, "px must be from 8 to 1024, got 2048"),
        ({"scale": 0.0}, "scale must be from 0.25 to 1, got 0.0"),
        ({"scale": float("nan")}, "scale must be from 0.25 to 1, got nan"),
        ({"supersample": 0}, "supersample must be from 1 to 16, got 0"),
        ({"face": 1}, "face must be from 0 to 0 in .*sample-kai.ttf, got 1"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GlyphRenderer(SAMPLE, **arguments)


def test_chars_are_single_characters():
    with pytest.raises(ValueError, match="single characters, got '永国'"):
        GlyphRenderer(SAMPLE).render(["永国"])


def test_every_known_font_that_is_there_draws():
    for name in available():
        pictures = GlyphRenderer(name, px=16, supersample=2).render("一永", keep=False)
        assert (pictures.min(axis=(1, 2)) < 200).all(), name
