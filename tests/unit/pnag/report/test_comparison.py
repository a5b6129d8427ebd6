"""The report: pictures first, a sentence under each, and of a run that goes on what there is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from pnag_outcomes import TEXTS, View, outcome

from heliostat.report import Picture, Plot, Section, Table, Text, render
from heliostat_methods.pnag.comparison.outcome import FrontNetwork
from heliostat_methods.pnag.report.blocks import blocks_of
from heliostat_methods.pnag.report.comparison import report
from heliostat_methods.pnag.report.drawing import WIDTH, drawn

HOSTILE = "</text><script>alert(1)</script>\n\x1b[31m\ud800 & \uffff"
SVG = "{http://www.w3.org/2000/svg}"


def sections(**more: Any) -> dict[str, Section]:
    found = report(View(outcome(**more).plain()))  # type: ignore[arg-type]
    return {one.title: one for one in found}


def parts(section: Section, kind: Any) -> list[Any]:
    return [part for part in section.content if isinstance(part, kind)]


def said(section: Section) -> str:
    notes = [part.note for part in parts(section, (Plot, Picture))]
    return " ".join([*notes, *(part.body for part in parts(section, Text))])


def test_pictures_come_first_in_every_section() -> None:
    found = sections()
    assert list(found) == ["The front", "Searchers", "Any budget", "Shared weights", "Settings"]
    for title in list(found)[:-1]:
        assert isinstance(found[title].content[0], Plot)
        assert said(found[title])
    assert render("mine", list(found.values()))


def test_the_front_is_a_step_beside_what_searchers_evaluated() -> None:
    made = outcome()
    seen = [replace(one, seen_costs=[3e5, 9e5], seen_accuracies=[0.7, 0.8])
            for one in made.contestants]  # fmt: skip
    (plot,) = parts(sections(contestants=seen)["The front"], Plot)
    assert [(one.label, one.style) for one in plot.series] == [
        ("front of all evaluated", "step"), ("ensemble", "points"), ("random", "points"),
        ("the front on test images", "points"),
    ]  # fmt: skip
    assert plot.log_x and plot.x_label == "MAdds"
    assert plot.series[0].x == [250e3, 500e3, 1e6, 2e6]
    assert "evaluated in its first search" in plot.note
    (bare,) = parts(sections()["The front"], Plot)
    assert "first search" not in bare.note


def test_the_true_front_stands_beside_what_was_found() -> None:
    (plot,) = parts(sections(known=True, truth=[(1e5, 0.7), (1e6, 0.95)])["The front"], Plot)
    assert plot.series[1].label == "front of the whole space"
    (plot,) = parts(sections(known=True, evaluated=400)["The front"], Plot)
    assert plot.series[0].label == "front of the whole space"


def test_networks_stand_in_a_table_with_all_costs() -> None:
    (table,) = parts(sections()["The front"], Table)
    assert table.columns == ["architecture", "MAdds", "parameters", "validation", "test"]
    assert table.rows[1] == [TEXTS[1], 500_000, 3001, 0.84, pytest.approx(0.83)]


def test_shares_grow_inside_bands_and_paired_tests_are_a_table() -> None:
    section = sections()["Searchers"]
    (plot,) = parts(section, Plot)
    assert [one.label for one in plot.series] == ["ensemble", "random"]
    assert all(one.low is not None and one.high is not None for one in plot.series)
    (table,) = parts(section, Table)
    assert table.rows[0][3:6] == ["-", "-", "-"]
    assert table.rows[1][4:6] == ["0.010", "no difference shown"]
    assert "Seeds are few" in said(section)


def test_one_seed_has_no_bands_and_concludes_nothing() -> None:
    section = sections(seeds=1)["Searchers"]
    (plot,) = parts(section, Plot)
    assert all(one.low is None for one in plot.series)
    assert "nothing may be concluded" in plot.note


def test_answers_over_budget_are_points_of_their_own() -> None:
    section = sections()["Any budget"]
    (plot,) = parts(section, Plot)
    assert {one.label: len(one.x) for one in plot.series} == {
        "best known": 3, "the generator": 2, "the generator, over budget": 1,
    }  # fmt: skip
    assert "1 of 3 answers cost more than their budget." in said(section)
    assert "which may not be the best there is" in said(section)
    assert "Below 0" not in said(section)


def test_an_answer_beyond_all_that_was_evaluated_is_said() -> None:
    better = [replace(one, best=0.5) for one in outcome().answers]
    assert "found what no search had evaluated" in said(sections(answers=better)["Any budget"])
    assert said(sections(answers=[])["Any budget"]) == "The generator was asked for no budget."


def test_a_known_space_has_no_shared_weights() -> None:
    found = sections(dataset="", images=[], retrained=[], losses=[], rank_correlation=None)
    assert "Shared weights" not in found
    assert "Validation images" not in said(found["The front"])


def test_latency_is_shown_where_it_was_timed() -> None:
    front = [FrontNetwork(text, 0.8, None, {"latency": 1e-4 * (at + 1)}, 1.1e-4 * (at + 1))
             for at, text in enumerate(TEXTS)]  # fmt: skip
    section = sections(front=front, quantity="latency", latency_error=0.018)["Latency"]
    (plot,) = parts(section, Plot)
    assert plot.series[0].x == pytest.approx([100, 200, 300, 400])
    assert plot.series[0].y == pytest.approx([110, 220, 330, 440])
    assert "off by 1.8 % on average" in said(section)
    assert "Latency" in sections(latency_error=0.5)


def test_settings_are_listed_by_their_path() -> None:
    (table,) = parts(sections()["Settings"], Table)
    assert table.rows == [["space.name", "elastic_conv"], ["seeds", "5"], ["compare", "random"],
                          ["on", "-"]]  # fmt: skip


def test_a_run_that_goes_on_shows_its_metrics() -> None:
    def evaluations(task: str) -> list[Any]:
        if task != "pnag.evaluate":
            return []
        parts = [("valid", [0.6, 0.5]), ("test", [0.99]), ("valid", [0.7])]
        return [(None, SimpleNamespace(part=part), np.array(values)) for part, values in parts]

    told = {(1,): {"loss": [(1, 2.0), (2, 1.5)]}, (2, 0): {"accuracy": [(20, 0.7), (40, 0.8)]}}
    view = View(None, scopes=lambda: sorted(told), metrics=told.__getitem__, count=lambda: 1234,
                found=evaluations)  # fmt: skip
    (section,) = report(view)  # type: ignore[arg-type]
    assert [plot.title for plot in parts(section, Plot)] == [
        "Loss of the supernet", "Most accurate network of each search",
        "Networks evaluated so far",
    ]  # fmt: skip
    networks, best = parts(section, Plot)[2].series
    assert list(networks.y) == [0.6, 0.5, 0.7]
    assert list(best.y) == [0.6, 0.6, 0.7]
    assert parts(section, Plot)[1].series[0].label == "2.0"
    assert "1,234 tasks are done" in said(section)
    nothing = View(None, scopes=list, count=lambda: 0, found=lambda task: [])
    (section,) = report(nothing)  # type: ignore[arg-type]
    assert parts(section, Plot) == []


# Architectures drawn


def test_texts_become_blocks_by_unit() -> None:
    assert blocks_of("1,2:3,0,mbconv,5:2,0,4,2") == [[("3", 2)], [("mbconv", 4), ("5", 2)]]


@pytest.mark.parametrize(
    "text",
    ["87072", "", ":::", "1:3", "2:3:4", "3:3,3:2,2", "1:3,0:0,0", "x:3:2", "1,1:3,3,3:2,2,2",
     "-1:3:2", "1:3:-2", "1:3,3:2"],
)  # fmt: skip
def test_other_texts_are_not_drawn(text: str) -> None:
    assert blocks_of(text) is None


def test_a_network_is_a_row_of_blocks_inside_the_picture() -> None:
    units = blocks_of("4,4,4,4,4:" + ",".join(["7"] * 20) + ":" + ",".join(["6"] * 20))
    small = blocks_of("2,2:3,5,3,3:3,3,3,6")
    assert units is not None and small is not None
    root = ElementTree.fromstring(drawn([("large", units), ("small", small)]))
    rects = root.findall(f"{SVG}rect")[1:]
    assert len(rects) == 20 + 4 + 3
    right = max(float(one.get("x", "")) + float(one.get("width", "")) for one in rects)
    bottom = max(float(one.get("y", "")) + float(one.get("height", "")) for one in rects)
    assert right <= WIDTH and bottom <= float(root.get("height", ""))
    wide, tall = (
        [float(one.get(name, "")) for one in rects[20:24]] for name in ("width", "height")
    )
    assert wide[3] == pytest.approx(2 * wide[0], abs=0.11)
    assert tall[1] > tall[0]
    assert len({one.get("fill") for one in rects}) == 3
    assert [text.text for text in root.findall(f"{SVG}text")] == [
        "large", "small", "kernel 3", "kernel 5", "kernel 7",
    ]  # fmt: skip


def test_hostile_text_is_shown_and_never_obeyed() -> None:
    blocks = [[(HOSTILE, 2)]]
    assert ElementTree.fromstring(drawn([(HOSTILE, blocks)])).findall(f".//{SVG}script") == []
    page = render("mine", list(sections(dataset=HOSTILE, remarks=[HOSTILE]).values()))
    assert "<script" not in page


def test_a_long_front_is_drawn_in_part_and_says_so() -> None:
    front = [FrontNetwork(TEXTS[at % 4], 0.5, None, {"madds": 1e3 * (at + 1)}) for at in range(50)]
    (picture,) = parts(sections(front=front)["The front"], Picture)
    assert "10 of 50 networks, evenly." in picture.note
    assert parts(sections(front=[replace(front[0], text="87072")])["The front"], Picture) == []
