"""What a terminal and a page show of a run, and of one that has not ended."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat.report import Plot, Section, Table, render
from heliostat_methods.amplitudes.names import RELATIONS
from heliostat_methods.amplitudes.report.page import report
from heliostat_methods.amplitudes.report.terminal import describe
from heliostat_methods.amplitudes.report.wording import (
    chance,
    conclusion,
    legs_text,
    summed,
    verdict,
)
from heliostat_methods.amplitudes.studies.costs import Costed
from heliostat_methods.amplitudes.studies.figures import figures


def row(name: str, n: int = 4, **of: Any) -> dict[str, Any]:
    sides = {"case": [0, 1], "left": ["-52/21"], "right": ["-52/21"]}
    return {
        "relation": name, "n": n, "statement": RELATIONS[name], "instances": 6,
        "points": {"rational": 1, "gf:2147483647": 2}, "compared": 18, "equal": 18,
        "residual": {"rational": 0.0, "gf:2147483647": 0.0}, "redrawn": 0, "failed": [],
        "sample": {"field": "rational", **sides, "point": {}}, **of,
    }  # fmt: skip


@pytest.fixture
def result() -> dict[str, Any]:
    edges = [-16.0, -15.0, -14.0]
    return {
        "relations": [row(name, n) for name in RELATIONS for n in (4, 5)],
        "batch": {"n": 8, "points": 100, "flag_above": 1e-11, "edges": edges, "residuals": [90, 10],
                  "errors": [0, 100], "flagged": 3, "again": [[7, 1e-10, 1e-39, 1e-9]],
                  "median_error": 1e-14, "largest_error": 1e-9},
        "integral": {"value": [-0.1666, 1e-5], "error": 2e-4, "imaginary_error": 1e-4,
                     "known": -1 / 6, "samples": 8192, "rate": -0.5,
                     "steps": [[4096, 3e-4, 1e-4], [8192, 2e-4, 6e-5]]},
        "reconstructed": [{"quantity": "ym", "n": 4, "value": "-481/42", "primes": [7, 5],
                           "skipped": [3], "direct": "-481/42"}],
        "discovered": [{"title": "Poles", "sentence": "Five poles " * 20, "columns": ["pole"],
                        "rows": [["s_{0,1}"]]}],
        "figures": figures(),
    }  # fmt: skip


class View:
    def __init__(self, result: Any) -> None:
        self.result = result

    def so_far(self) -> str:
        return "3 of 9 tasks"

    def found(self, task: str) -> list[Any]:
        assert task == "amplitudes.seconds_of"
        if self.result is None:
            return []
        ways = [("rational", "recursion"), ("gf", "recursion"), ("rational", "without cache")]
        return [(None, Costed(n, field, way), 1e-4 * n) for field, way in ways for n in (4, 5, 6)]


def test_a_terminal_of_80_columns_shows_relations_then_what_was_measured(result: Any) -> None:
    lines = describe(result, "RUN").split("\n")
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    places = [text.index(part) for part in (
        "relation legs compared verdict", "gauge 4, 5 36 equal", "ads_correlator",
        f"{len(RELATIONS)} relations, {36 * len(RELATIONS):,} comparisons: all hold",
        "Floats: 100 points",
        "One-loop all-plus amplitude: -0.16660 ± 0.00020 from 8,192", "ym of 4 legs from 2",
        "Five poles", "heliostat report RUN",
    )]  # fmt: skip
    assert places == sorted(places)


def test_a_page_begins_with_what_may_be_concluded_and_renders(result: Any) -> None:
    sections = report(View(result))  # type: ignore[arg-type]
    assert [section.title for section in sections] == [
        "Relations", "Diagrams, poles, expressions", "Accuracy of floats",
        "One loop, integrated", "Values lifted from residues", "Discovery", "Cost", "Certificates",
    ]  # fmt: skip
    first = sections[0].content
    assert f"{36 * len(RELATIONS):,} comparisons: all hold" in first[0].body
    assert isinstance(first[1], Plot) and isinstance(first[2], Table)
    page = render("t", sections)
    assert page.count("<svg") >= 7 and "heliostat-" not in page[:10]


def test_a_run_that_has_not_ended_says_how_far_it_is() -> None:
    (section,) = report(View(None))  # type: ignore[arg-type]
    assert isinstance(section, Section) and section.content[0].body == "3 of 9 tasks"


def test_failures_are_told_and_never_called_equal() -> None:
    bad = row("kk", equal=16, residual={"rational": 1.0, "gf:2147483647": 1.0})
    (one,) = summed([bad])
    assert verdict(one) == "FAILS 2 times"
    assert conclusion([bad]).startswith("1 relation, 18 comparisons: 2 FAIL")
    soft = row("soft", residual={"rational": 6e-5}, points={"rational": 1})
    assert verdict(summed([soft])[0]) == "holds to 6e-05"
    assert "without any rounding" not in conclusion([soft])


def test_the_chance_is_the_degree_over_the_prime_for_each_point() -> None:
    assert chance(row("kk", points={"rational": 9})) == 1.0
    assert chance(row("kk", points={"gf:2147483647": 1})) == pytest.approx(14 / (2**31 - 1))
    assert chance(row("kk", points={"gf:2147483647": 2})) == pytest.approx((14 / (2**31 - 1)) ** 2)


def test_legs_are_listed_or_a_range() -> None:
    assert [legs_text(x) for x in ([4], [5, 4], [3, 4, 5, 6], [3, 5, 6])] == [
        "4", "4, 5", "3-6", "3, 5, 6",
    ]  # fmt: skip
