import pytest
from made_fonts import write_font

from heliostat_methods.strokegan.fonts.catalogue import (
    EMBEDDED,
    KNOWN_FONTS,
    available,
    font_folders,
    font_statuses,
    known_font,
    resolved,
)
from heliostat_methods.strokegan.fonts.coverage import Coverage, coverage
from heliostat_methods.strokegan.fonts.errors import FontError

# The specification's section 4.2.
COVERAGE = {
    "gkai00mp": Coverage(3755, 3008, 3328),
    "gbsn00lp": Coverage(3755, 3008, 3328),
    "bkai00mp": Coverage(2552, 1832, 5401),
    "wqy-zenhei": Coverage(3755, 3008, 5401),
    "noto-sans-sc": Coverage(3755, 3008, 5401),
    "noto-serif-sc": Coverage(3755, 3008, 5401),
    "lxgw-wenkai": Coverage(3755, 3008, 5401),
    "smiley-sans": Coverage(3755, 3008, 3329),
    "ma-shan-zheng": Coverage(3751, 1966, 3215),
}


def test_names_are_distinct_and_every_font_says_how_to_get_it():
    assert len({font.name for font in KNOWN_FONTS}) == len(KNOWN_FONTS) >= 20
    assert known_font("gkai00mp").get == "apt-get install fonts-arphic-gkai00mp"
    assert known_font("long-cang").get.startswith("npm install --prefix FOLDER @fontsource/long-")
    assert all(font.licence and font.style and font.files for font in KNOWN_FONTS)


def test_embedded_fonts_are_always_there():
    there = available(folders=[])
    assert set(there) == {"sample-kai", "sample-kuaile"}
    assert all(file.parent == EMBEDDED for file in there.values())


def test_fonts_are_found_below_named_folders(tmp_path, monkeypatch):
    inside = tmp_path / "node_modules" / "files"
    inside.mkdir(parents=True)
    name = "zcool-kuaile-chinese-simplified-400-normal.woff"
    for ending in ("2", ""):
        write_font(inside / f"{name}{ending}", {"永": 500})
    monkeypatch.setenv("HELIOSTAT_FONTS", str(tmp_path))
    assert font_folders()[0] == tmp_path
    assert resolved("zcool-kuaile") == (inside / name, 0)
    found = {one.font.name: one.file for one in font_statuses([tmp_path])}
    assert found["zcool-kuaile"] == inside / name
    assert found["gkai00mp"] is None


def test_collection_brings_its_face(tmp_path):
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"")
    assert resolved("noto-sans-sc", [tmp_path]) == (tmp_path / "NotoSansCJK-Regular.ttc", 2)


def test_font_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(FontError, match="get it with: apt-get install fonts-arphic-ukai"):
        resolved("ukai", [tmp_path])


def test_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(FontError, match=r"one of sample-kai, .*did you mean 'gkai00mp'\?"):
        resolved("gkai00", [])


@pytest.mark.parametrize("name", COVERAGE)
def test_coverage_is_that_of_the_table(name):
    if name not in available():
        pytest.skip(f"font {name} is not installed; {known_font(name).get}")
    assert coverage(*resolved(name)) == COVERAGE[name]
