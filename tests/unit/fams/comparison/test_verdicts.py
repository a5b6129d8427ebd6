"""What may be said of a difference: planted ones are found, noise is not, one seed says nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.comparison.verdicts import BETTER, NONE, TESTED, WORSE, beside, sentence
from heliostat_search.statistics import holm, paired

NOISE = np.random.default_rng(4).normal(0, 0.01, 10)


def column(shift: float, values: Any = NOISE) -> dict[str, list[float]]:
    return {metric: (0.5 + shift + np.asarray(values)).tolist() for metric in TESTED}


def jittered(shift: float) -> dict[str, list[float]]:
    return column(shift, NOISE + 1e-3 * np.sin(np.arange(10)))


def test_a_planted_difference_is_better_or_worse_as_the_metric_has_it() -> None:
    found = beside({"erm": column(0), "up": jittered(0.1), "down": jittered(-0.1)}, "erm")
    assert found["up"]["accuracy"]["verdict"] == found["down"]["nll"]["verdict"] == BETTER
    assert found["up"]["gap_squared"]["verdict"] == found["down"]["worst_group"]["verdict"] == WORSE
    assert set(found) == {"up", "down"}
    assert all(list(one) == list(TESTED) for one in found.values())


def test_noise_is_no_difference_and_neither_are_equal_columns() -> None:
    other = column(0, np.random.default_rng(5).normal(0, 0.01, 10))
    found = beside({"erm": column(0), "noise": other, "same": column(0)}, "erm")
    assert {said["verdict"] for one in found.values() for said in one.values()} == {NONE}
    assert found["same"]["gap"]["mean"] == 0


def test_differences_are_paired_by_seed() -> None:
    wide = np.linspace(-1, 1, 10)  # seeds differ far more than estimators do
    found = beside({"erm": column(0, wide), "up": column(0.01, wide + 1e-3 * NOISE)}, "erm")
    assert found["up"]["accuracy"]["verdict"] == BETTER


def test_p_values_are_corrected_over_the_estimators_of_a_metric() -> None:
    rng = np.random.default_rng(6)
    columns = {"erm": column(0)} | {
        f"e{at}": column(0.004 * at, rng.normal(0, 0.01, 10)) for at in range(5)
    }
    found = beside(columns, "erm")
    for metric in TESTED:
        raw = [paired(columns[f"e{at}"][metric], columns["erm"][metric]).t_p for at in range(5)]
        assert [found[f"e{at}"][metric]["p"] for at in range(5)] == pytest.approx(holm(raw))
    few = beside({name: columns[name] for name in ("erm", "e4")}, "erm")
    assert few["e4"]["gap"]["p"] <= found["e4"]["gap"]["p"]


def test_one_seed_has_no_interval_and_no_verdict() -> None:
    found = beside({"erm": column(0, [0.0]), "up": column(0.3, [0.0])}, "erm")
    for said in found["up"].values():
        assert (said["low"], said["high"], said["p"], said["verdict"]) == (None, None, 1, NONE)
    text = "With one seed nothing can be concluded: take more."
    assert sentence(found, "erm", 1) == text


def test_the_sentence_is_on_the_method_and_cautious_with_few_seeds() -> None:
    found = beside({"erm": column(0), "fams": jittered(0.1), "snn": jittered(0.2)}, "erm")
    text = sentence(found, "erm", 10)
    own = (
        "Over 10 seeds, paired, fams against erm is better in accuracy, worst group; worse in gap, "
        "gap squared, nll."
    )
    assert text == (
        f"{own} Of the others, snn is better in accuracy; snn is better in worst group; snn is "
        "worse in gap; snn is worse in gap squared; snn is worse in nll."
    )
    few = sentence(found, "erm", 4)
    assert few == f"{text.replace('10', '4')} With so few seeds even that may be luck."
    same = beside({"erm": column(0), "fams": column(0)}, "erm")
    assert sentence(same, "erm", 10) == (
        "Over 10 seeds, paired, fams against erm is not shown to differ in accuracy, worst group, "
        "gap, gap squared, nll."
    )


def test_without_the_method_all_are_told() -> None:
    found = beside({"fams": column(0), "erm": jittered(0.1)}, "fams")
    text = sentence(found, "fams", 10)
    assert text.startswith("Against fams, over 10 seeds, paired: erm is better in accuracy; erm")
    same = beside({"fams": column(0), "erm": column(0)}, "fams")
    assert sentence(same, "fams", 10).endswith("no difference was shown.")
    assert "luck" in sentence(same, "fams", 2)


def test_where_nothing_could_be_compared_nothing_is_claimed() -> None:
    assert beside({"erm": column(0)}, "erm") == {}
    for seeds in (1, 2, 9):
        assert sentence({}, "erm", seeds) == "Nothing could be compared with erm."


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.data())
def test_any_columns_give_numbers_and_a_sentence(others: int, seeds: int, data: Any) -> None:
    values = st.lists(
        st.floats(-1, 1) | st.sampled_from([0.0, 1e-300, 1e6]), min_size=seeds, max_size=seeds
    )
    columns = {
        name: {metric: data.draw(values) for metric in TESTED}
        for name in ("erm", *["fams", "snn", "eiil", "fscs"][:others])
    }
    found = beside(columns, "erm")
    for one in found.values():
        for said in one.values():
            assert 0 <= said["p"] <= 1
            assert math.isfinite(said["mean"])
            assert (said["low"] is None) == (seeds == 1)
            assert seeds == 1 or said["low"] <= said["mean"] <= said["high"]
            assert said["verdict"] != NONE or said["p"] >= 0.05 or said["mean"] == 0
    assert sentence(found, "erm", seeds).endswith(".")
