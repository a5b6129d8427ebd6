"""What a terminal shows of a book fits it, however long names and numbers are."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat_methods.step_options.report.book_terminal import check_lines, describe_book

ENGINES = ("laplace", "spectral", "occupation", "pde", "mc_bridge", "mc_naive", "metropolis")


def shown(groups: list[list[str]], numbers: list[float], **more: Any) -> list[str]:
    by = ["desk", "who"][: len(groups[0])]
    blank = ["all", ""][: len(by)]
    result = {
        "count": 100_000, "bad": 0, "bad_rows": [], "taken_over": [], "price": 1.0,
        "abs_error": 1e-9, "engines": dict.fromkeys(ENGINES, 12_345), "rows": [],
        "carried": [f"column {i}" for i in range(20)] + [""], "table": "prices.csv",
        "totals": {
            "by": by, "without": {},
            "columns": [*by, "rows", "bad rows", "value", "delta", "gamma", "vega", "theta"],
            "rows": [[*group, 100_000, 0, *numbers] for group in (blank, *groups)],
        },
    }  # fmt: skip
    return describe_book({**result, **more}, "RUN").splitlines()


@pytest.mark.parametrize("number", [-1.23456789e-5, -7.03182e-4, -123456.789, -1.23456789e9])
def test_sums_fit_a_terminal_and_keep_apart(number: float) -> None:
    lines = shown([["rates and equities, a desk in Paris", ""]], [number] * 5)
    assert max(map(len, lines)) <= 80
    (line,) = (line for line in lines if line.startswith("rates"))
    assert line.startswith("rates and equities, a d..")
    value, *sums = map(float, line.split()[-4:])
    assert value == pytest.approx(number, rel=1e-4)
    assert sums == pytest.approx([number] * 3, rel=1e-3)
    short = shown([["Paris", ""]], [number] * 5)
    assert max(map(len, short)) <= 80
    (line,) = (line for line in short if line.startswith("Paris"))
    assert len(line.split()) == len(["Paris,", "(none)", "100,000"]) + 5


def test_a_group_of_rows_without_a_name_and_a_column_without_one_are_said() -> None:
    lines = shown([["", ""]], [1.0] * 5)
    assert any(line.startswith("(none), (none)") for line in lines)
    assert "(no name)" in " ".join(lines)


def test_a_difference_of_an_engine_without_a_bias_is_no_agreement() -> None:
    rows = [{"engine": engine, "other": "mc_bridge", "z": z, "agrees": True}
            for engine, z in (("laplace", 1.0), ("mc_naive", -23.3))]  # fmt: skip
    checked = {"sampled": 2, "of": 2, "able": {"mc_bridge": 2}, "checks": rows}
    text = " ".join(check_lines({"cross_check": checked}))
    assert "all agree; largest z +1" in text
    assert "1 row of mc_naive, which states no bias: largest z -23.3" in " ".join(text.split())


def test_a_check_that_compares_nothing_says_why() -> None:
    checked = {"sampled": 3, "of": 9, "able": {"laplace": 0}, "checks": []}
    text = " ".join(" ".join(check_lines({"cross_check": checked})).split())
    assert text == "cross check by laplace: 0 of 3 sampled rows: it priced them itself or cannot"


def test_rows_left_out_of_a_ladder_are_counted() -> None:
    lines = shown([["Paris", ""]], [1.0] * 5, ladder={"rows": 1, "left_out": [2, 3]})
    assert any(line.startswith("ladder of 1 row, 2 left out: ") for line in lines)
