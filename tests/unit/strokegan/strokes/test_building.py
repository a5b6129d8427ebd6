import io
import json
import tarfile

import pytest

from heliostat_methods.strokegan.strokes import building, table

SCRIPT = (
    """!function(){var a=JSON.parse('{"又":"el","子":"egj","一":"j"}'),b=JSON.parse('{"j":1}')}"""
)
LONG, SHORT = [[0, 500], [400, 520], [100, 100]], [[0, 500], [400, 520], [380, 450]]


def package(path, members):
    with tarfile.open(path, "w:gz") as file:
        for name, text in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def cnchar(tmp_path):
    return package(tmp_path / "c.tgz", {"cnchar.order.min.js": SCRIPT, "LICENSE": "MIT"})


@pytest.fixture
def hanzi(tmp_path):
    flat = [[0, 0], [9, 0]]
    members = {
        "又.json": json.dumps({"medians": [LONG, flat]}),
        "子.json": json.dumps({"medians": [SHORT, flat, flat]}),
        "ARPHICPL.TXT": "ARPHIC PUBLIC LICENSE",
    }
    return package(tmp_path / "h.tgz", members)


def test_two_packages_become_a_table_with_their_licences(cnchar, hanzi, tmp_path):
    made = tmp_path / "made"
    assert building.build(cnchar, hanzi, made) == 3
    strokes = table.read((made / table.FILE).read_text(encoding="utf-8"))
    assert strokes == {
        "又": ("hengpie", "na"),
        "子": ("henggou", "shugou", "heng"),
        "一": ("heng",),
    }
    assert (made / building.CNCHAR_LICENCE).read_text() == "MIT"
    assert (made / building.MEDIANS_LICENCE).read_text() == "ARPHIC PUBLIC LICENSE"


def test_other_packages_are_refused(hanzi, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"h.tgz must hold package/cnchar.order.min.js, does not"):
        building.letters_of(hanzi)
    other = package(tmp_path / "o.tgz", {"cnchar.order.min.js": "JSON.parse('{\"a\":1}')"})
    with pytest.raises(ValueError, match="holds no characters with their letters"):
        building.letters_of(other)
    (tmp_path / "text").write_text("no archive")
    assert building.main([str(tmp_path / "text"), str(hanzi)]) == 1
    assert "must be an npm package" in capsys.readouterr().out
    assert building.main([]) == 2


def test_committed_table_is_small_and_says_what_it_is():
    file = table.DATA / table.FILE
    assert file.stat().st_size < 400_000
    text = file.read_text(encoding="utf-8")
    assert text == table.written(table.stroke_table())
    assert "MIT" in table.HEADER and "Arphic" in table.HEADER
    assert "MIT License" in (table.DATA / building.CNCHAR_LICENCE).read_text()
    assert "ARPHIC PUBLIC LICENSE" in (table.DATA / building.MEDIANS_LICENCE).read_text()
