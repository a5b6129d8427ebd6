import pytest

from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.kanjivg import (
    APPROXIMATE,
    KanjiVGStrokes,
    kanjivg_strokes,
    strokes_of_svg,
)
from heliostat_methods.strokegan.strokes.vocabulary import StrokeVocabulary


def svg(*strokes):
    paths = (f'<path id="x" kvg:type="{kind}" d="{line}"/>' for kind, line in strokes)
    return f"<svg><g>{''.join(paths)}</g></svg>"


LINE = "M10,10c5,0.5,10-2,60,1.25"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package like the real one: a folder of files, and metadata that names it."""
    (tmp_path / "kanji").mkdir()
    drawn = svg(("㇐", LINE), ("㇟a", LINE), ("㇔/㇏", LINE))
    (tmp_path / "kanji" / f"{ord('龜'):05x}.svg").write_text(drawn, encoding="utf-8")
    (tmp_path / "kanji" / f"{ord('鼴'):05x}.svg").write_text("<svg/>", encoding="utf-8")
    info = tmp_path / "kanjivg-20260714.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kanjivg\nVersion: 20260714\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_character_comes_from_the_installed_package(installed):
    strokes = kanjivg_strokes()
    assert strokes["龜"] == ("heng", "shuwan", "dian")
    assert list(strokes) == ["鼴", "龜"] or list(strokes) == ["龜", "鼴"]
    assert "馬" not in strokes and "鼴" not in strokes and "ab" not in strokes
    assert len(strokes) == 2


def test_encoder_falls_back_to_it(installed):
    encoder = StrokeEncoder()
    assert encoder.encode("龜", missing="fallback").sum() == 3
    with pytest.raises(KeyError, match="no stroke data for '馬'"):
        encoder.encode("馬", missing="fallback")


def test_absent_package_is_named_with_its_licence(monkeypatch):
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ImportError, match=r"CC BY-SA 3.0.*pip install kanjivg"):
        kanjivg_strokes()


def test_short_vertical_on_top_is_a_dot():
    assert strokes_of_svg(svg(("㇑a", "M52,14c0.5,1,1,3,1,12"))) == ("dian",)
    assert strokes_of_svg(svg(("㇑a", "M52,14c0.5,1,1,3,1,72"))) == ("shu",)
    assert strokes_of_svg(svg(("㇑a", "M52,14C0.5,1,1,3,1,26"))) == ("dian",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<svg/>", "no strokes"),
        (svg(("?", LINE)), "stroke type '\\?' is not known"),
        ('<path kvg:type="㇐"/>', "no type or no line"),
        (svg(("㇑a", "M1,2a3")), "not understood"),
    ],
)
def test_other_files_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        strokes_of_svg(text)


def test_approximate_strokes_are_of_the_vocabulary():
    assert set(StrokeVocabulary().ids) > APPROXIMATE


def test_real_package_agrees_as_far_as_its_docstring_says():
    try:
        strokes = kanjivg_strokes()
    except ImportError:
        pytest.skip("the package kanjivg is not installed")
    encoder = StrokeEncoder()
    chars = [char for char in encoder.strokes if char in strokes]
    ours = encoder.encode_all(chars)
    theirs = StrokeEncoder(strokes=strokes).encode_all(chars)
    assert len(chars) > 3000
    assert (ours == theirs).all(axis=1).mean() > 0.69
    assert (ours != theirs).mean() < 0.018
    assert isinstance(strokes, KanjiVGStrokes)
