"""The report page: one self-contained, harmless, well-formed file."""

from __future__ import annotations

import base64
import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import PluginError
from heliostat.report import Frames, Picture, Plot, Section, Series, Table, Text, render

HOSTILE = ["<script>alert(1)</script>", "\"'><b onclick=x>", "\0", "]]>", "</title>", "&lt;", "-->"]
SVG = "{http://www.w3.org/2000/svg}"


def page(*sections: Section, title: str = "evomal", subtitle: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(render(title, sections, subtitle))


def table(*rows: list[object], columns: tuple[str, ...] = ("a", "b")) -> ElementTree.Element:
    content = Table(columns, rows)  # type: ignore[arg-type]
    found = page(Section("s", [content])).find(".//table")
    assert found is not None
    return found


def full(text: str) -> list[Section]:
    plot = Plot(text, text, text, [Series(text, [1, 2], [3, 4])], note=text)
    content: list[Text | Table | Plot] = [
        Text(text),
        Text(text, code=True),
        Text(text, strong=True),
        Table([text], [[text]], text),
        plot,
    ]
    return [Section(text, content), Section(text, [])]


def test_the_policy_forbids_scripts_and_network() -> None:
    metas = {m.get("http-equiv"): m.get("content") for m in page().iter("meta")}
    assert metas["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    root = page(*full(text), title=text, subtitle=text)
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert not tags & {"script", "b", "img", "iframe", "link", "object", "base"}
    shown = text.replace("\0", "\ufffd")
    assert root.findtext(".//h1") == shown
    assert root.findtext(".//code") == shown
    assert root.findtext(".//td") == shown
    assert root.findtext(".//figcaption") == shown
    assert root.findtext(".//caption/span") == shown


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_gives_a_well_formed_file_that_fetches_nothing(title: str, text: str) -> None:
    html = render(title, full(text), text)
    assert html == render(title, full(text), text)
    html.encode("utf-8")
    for node in ElementTree.fromstring(html).iter():
        for name, value in node.attrib.items():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "action", "data", "background", "style"}
            if name.endswith("href"):
                assert re.fullmatch(r"#s\d+", value)
    styles = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert "url(" not in styles and "@import" not in styles


def test_nothing_but_the_svg_namespace_is_an_address() -> None:
    html = render("t", full("x"), "y")
    assert set(re.findall(r"https?://[^\"' ]+", html)) == {"http://www.w3.org/2000/svg"}


def test_contents_lead_to_every_section() -> None:
    root = page(Section("Same", []), Section("Same", []), Section("Other", []))
    targets = [link.attrib["href"][1:] for link in root.iter("a")]
    assert targets == [section.attrib["id"] for section in root.iter("section")]
    assert len(set(targets)) == 3
    assert page(Section("Alone", [])).find(".//nav") is None


def test_numbers_stand_on_the_right_under_their_heads() -> None:
    found = table(["evolution", 0.5], ["random", None], ["grid", math.nan])
    assert [head.get("class") for head in found.iter("th")] == [None, "n"]
    cells = [(cell.text, cell.get("class")) for cell in found.iter("td")][1::2]
    assert cells == [("0.5", "n"), ("–", "n none"), ("not a number", "n")]


def test_a_rounded_number_keeps_its_digits_as_a_tooltip() -> None:
    cells = list(table([0.421234567, 0.5]).iter("td"))
    assert [cell.get("title") for cell in cells] == ["0.421234567", None]


def test_rows_of_any_length_make_a_rectangular_table() -> None:
    found = table([1], [1, 2, 3], [])
    assert [len(list(row)) for row in found.iter("tr")] == [3, 3, 3, 3]


@given(
    st.lists(st.lists(st.none() | st.integers() | st.floats() | st.text(max_size=9), max_size=4))
)
@settings(deadline=None)
def test_any_cells_can_be_shown(rows: list[list[object]]) -> None:
    assert len(list(table(*rows).iter("tr"))) == len(rows) + 1


def test_blank_lines_part_paragraphs_and_code_is_verbatim() -> None:
    code = "heliostat run evomal \\\n\n    --seed 1"
    root = page(Section("s", [Text("one\ntwo\n\nthree"), Text(code, code=True)]))
    assert [p.text for p in root.findall(".//section/p")] == ["one\ntwo", "three"]
    assert root.findtext(".//pre/code") == code


def test_an_empty_report_is_a_page() -> None:
    assert page(title="nothing").findtext(".//h1") == "nothing"


def test_light_dark_and_print_are_cared_for() -> None:
    html = render("t", [])
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html


FOREIGN = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
    '<script>alert(1)</script><rect width="10" height="10"/></svg>'
)


def test_a_picture_of_another_library_is_shown_as_an_image_and_never_run() -> None:
    root = page(Section("s", [Picture("a <square>", FOREIGN, note="It is <black>.")]))
    (image,) = root.iter("img")
    assert image.get("alt") == "a <square>"
    kind, _, data = str(image.get("src")).partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert base64.b64decode(data).decode() == FOREIGN
    assert not list(root.iter("script"))
    assert not list(root.iter(f"{SVG}script"))
    assert root.findtext(".//figcaption") == "It is <black>."


@pytest.mark.parametrize(
    "text", ["", "<p>", "a file.svg", 3, None, "<svg", "<svg width='1'/>", "<html><svg/></html>"]
)
def test_what_is_no_svg_is_refused_when_it_is_handed_in(text: object) -> None:
    with pytest.raises(PluginError, match=r"Picture\.svg = .*: expected the text of an SVG file"):
        Picture("a", text)  # type: ignore[arg-type]


def test_what_must_not_be_missed_is_bold() -> None:
    found = page(Section("s", [Text("two\n\nparts", strong=True), Text("plain")]))
    assert [one.text for one in found.findall(".//p/strong")] == ["two", "parts"]
    assert [one.text for one in found.findall(".//p") if one.text] == ["plain"]


def frames(*names: str) -> Frames:
    plots = [Plot(name, "x", "y", [Series("curve", [0, 1], [0, 10 * at])]) for at, name in
             enumerate(names)]  # fmt: skip
    return Frames("a <moment>", names, plots, note="It <grows>.")


def test_moments_have_a_button_each_and_the_last_is_chosen() -> None:
    root = page(Section("s", [frames("<b>0</b>", "5", "9")]))
    labels = list(root.iter("label"))
    assert ["".join(label.itertext()).strip() for label in labels] == ["<b>0</b>", "5", "9"]
    buttons = [label.find("input") for label in labels]
    assert [one.get("checked") for one in buttons if one is not None] == [None, None, "checked"]
    assert root.findtext(".//legend") == "a <moment>"
    assert root.findtext(".//figcaption") == "It <grows>."


def test_each_button_stands_before_its_plot_which_the_style_shows() -> None:
    root = page(Section("s", [frames("0", "5", "9")]))
    found = root.find(".//fieldset")
    assert found is not None
    kinds = [one.tag for one in found]
    assert kinds == ["legend", *("label", "figure") * 3, "figcaption"]
    assert ".frames label:has(input:not(:checked))+figure{display:none}" in render("t", [])


def test_on_paper_the_first_and_the_last_moment_are_left() -> None:
    root = page(Section("s", [frames("0", "3", "5", "9")]))
    assert [one.get("class") for one in root.iter("figure")] == [None, "between", "between", None]
    assert "@media print{" in render("t", []) and ".frames .between{display:none}" in render(
        "t", []
    )


def test_buttons_of_two_blocks_are_two_groups_that_send_nothing() -> None:
    root = page(Section("s", [frames("0", "5"), frames("0", "5")]))
    forms = list(root.iter("form"))
    assert [form.get("method") for form in forms] == ["dialog", "dialog"]
    assert all(form.get("action") is None for form in forms)
    assert [len(list(form.iter("input"))) for form in forms] == [2, 2]


def test_moments_share_their_axes() -> None:
    root = page(Section("s", [frames("0", "5", "9")]))
    figures = [one for one in root.iter("figure")]
    ticks = [
        [text.text for text in figure.iter(f"{SVG}text") if text.get("class") == "hp-soft"]
        for figure in figures
    ]
    assert ticks[0] == ticks[1] == ticks[2]
    assert "20" in ticks[0]


@pytest.mark.parametrize(
    "names, count", [((), 0), (("a",), 2), ("ab", 2)], ids=["none", "too few", "a text"]
)
def test_moments_without_a_name_each_are_refused(names: tuple[str, ...], count: int) -> None:
    plots = [Plot("t", "x", "y", [])] * count
    with pytest.raises(PluginError, match=r"Frames 'moment': \d names = .* for \d plots, expected"):
        Frames("moment", names, plots)
