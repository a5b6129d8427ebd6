"""Means over fonts: each font counts once, and what failed is counted beside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.report.over_fonts import mean_ceiling, mean_rows

MANY = settings(deadline=None, derandomize=True, max_examples=60)
NUMBERS = st.floats(-1e3, 1e3)
SCORES = st.none() | st.tuples(NUMBERS, NUMBERS)


def row(target, variant, values):
    scores = {} if values is None else {
        name: {"mean": value, "half": 0.0, "values": [value] * 3}
        for name, value in zip(("l1", "ssim"), values, strict=True)
    }  # fmt: skip
    return {"target": target, "variant": variant, "scores": scores, "failed": ""}


@MANY
@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=8))
def test_a_mean_is_over_the_fonts_on_which_a_variant_trained(fonts) -> None:
    rows = [row(f"font{at}", name, values) for at, both in enumerate(fonts)
            for name, values in zip(("plain", "plus"), both, strict=True)]  # fmt: skip
    found = mean_rows({"rows": rows})
    assert [one["variant"] for one in found] == ["plain", "plus"]
    for place, one in enumerate(found):
        there = [both[place] for both in fonts if both[place] is not None]
        assert one["fonts"] == len(there) and one["fonts"] + one["failed"] == len(fonts)
        if there:
            assert one["means"] == pytest.approx(
                dict(zip(("l1", "ssim"), np.mean(there, axis=0), strict=True)), abs=1e-9
            )
        else:
            assert one["means"] == {}


def test_seeds_that_failed_count_no_font_twice() -> None:
    few, many = row("a", "plus", (0.0, 1.0)), row("b", "plus", (1.0, 0.0))
    few["scores"]["l1"]["values"] = [0.0]
    (found,) = mean_rows({"rows": [few, many]})
    assert found["means"] == {"l1": 0.5, "ssim": 0.5} and found["failed"] == 0


@MANY
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_the_ceiling_is_the_mean_of_the_fonts(values) -> None:
    ceilings = {f"font{at}": {"scores": {"l1": one, "ssim": other}}
                for at, (one, other) in enumerate(values)}  # fmt: skip
    one, other = np.mean(values, axis=0)
    found = mean_ceiling({"ceilings": ceilings})
    assert found == pytest.approx({"l1": one, "ssim": other}, abs=1e-9)
