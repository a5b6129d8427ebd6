"""Licences: read from a font, put into another, never lost on the way."""

from __future__ import annotations

import pytest
from fontTools.ttLib import TTFont

from heliostat_methods.strokegan.font_file.licence import (
    FontLicence,
    checked_licences,
    joint_embedding,
    read_licence,
)


def test_a_font_says_what_it_was_given(exported):
    found = read_licence(exported.path, "source")
    assert (found.role, found.family, found.embedding) == ("source", "Letters 字", 0)
    assert "Licence of Kai" in found.text
    assert found.url == "https://example.org/hand"
    assert found.copyright == "(c) Kai\n(c) H"


@pytest.mark.parametrize(
    ("kept", "text"), [((0,), "(c) Kai\n(c) H"), ((14,), "https://example.org/hand"), ((), None)]
)
def test_what_is_there_stands_for_the_licence(exported, kept, text):
    font = TTFont(exported.path)
    names = font["name"]
    names.names = [one for one in names.names if one.nameID in (1, *kept)]
    bare = exported.path.with_name("bare.ttf")
    font.save(bare)
    if text is None:
        with pytest.raises(ValueError, match=r"bare.ttf names no licence; say it as FontLicence"):
            read_licence(bare, "target")
    else:
        assert read_licence(bare, "target").text == text


def test_what_is_no_font_is_refused(tmp_path):
    file = tmp_path / "page.ttf"
    file.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"path: .*page.ttf cannot be read as a font"):
        read_licence(file, "source")


def test_texts_too_long_for_the_name_table_are_refused():
    long = FontLicence("source", "Kai", "x" * 40_000)
    with pytest.raises(ValueError, match=r"licenseDescription has 40,\d+ characters together"):
        checked_licences([long], "New", False)


@pytest.mark.parametrize(
    ("types", "joint"),
    [((0, 0), 0), ((4, 8), 4), ((2, 8), 2), ((0x108, 0), 0x108), ((8, 0x200), 0x208)],
)
def test_a_font_made_from_others_allows_what_all_of_them_do(types, joint):
    licences = [FontLicence("source", "F", "L", embedding=one) for one in types]
    assert joint_embedding(licences) == joint
