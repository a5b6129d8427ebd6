"""What networks cost, how long they took, how temperatures moved: pictures, tables and words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.report import Folded, Plot, Table, Text
from heliostat_methods.lutnn.report.wording import size_text, times


def words(outcomes: SimpleNamespace, section: Any) -> str:
    return " ".join(part.body for part in outcomes.parts(section, Text))


def test_sizes_stand_against_the_metric(outcomes: SimpleNamespace, digits: Any) -> None:
    section = outcomes.sections(digits)["Size and cost"]
    (plot,) = outcomes.parts(section, Plot)
    by_label = {one.label: one for one in plot.series}
    assert list(by_label["dense"].x) == [214_000 / 1024] and plot.log_x
    said = digits["variants"][0]["lines"][0]
    assert by_label["dense"].y[0] == pytest.approx(said["mean"])
    assert by_label["dense"].low[0] == pytest.approx(said["low"])


def test_every_variant_has_its_cost(outcomes: SimpleNamespace, digits: Any) -> None:
    table, layers, _ = outcomes.parts(outcomes.sections(digits)["Size and cost"], Table)
    rows = {row[0]: list(row[1:]) for row in table.rows}
    assert rows["dense"] == ["the dense network as it was trained", "345,000", "214,000", "1.00"]
    assert rows["lutnn"][1:] == ["210,000", "180,000", "1.19"]
    assert [list(row) for row in layers.rows] == [
        ["4", "144 to 32", "9", "1.6", "1.1", "0.27", "0.210"],
        ["9", "512 to 64", "8", "2.7", "1.3", "0.34", "0.350"],
    ]  # fmt: skip
    assert layers.caption.startswith("Layers of lutnn that look up")


def test_the_fine_tuned_variant_is_shown_or_else_the_first(outcomes: SimpleNamespace) -> None:
    plain = outcomes.of(variants=[outcomes.compared(kind) for kind in ("dense", "pq", "maddness")])
    _, layers, _ = outcomes.parts(outcomes.sections(plain.plain())["Size and cost"], Table)
    assert layers.caption.startswith("Layers of pq that look up")


def test_words_say_how_much_less_in_numbers_of_the_layers(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    assert size_text(digits) == (
        "lutnn: 2 of its layers look up, 1.6 times fewer multiply-adds and 1.2 times smaller as a "
        f"whole; those layers alone are {149_504 / 115_720:.1f} times smaller than with float32 "
        f"weights and {115_720 / 37_760:.1f} times larger than with int8 ones."
    )
    assert times(2.0, "smaller", "larger") == "2.0 times smaller"
    assert times(0.5, "smaller", "larger") == "2.0 times larger"


def test_layers_that_stay_are_folded_away_with_their_reasons(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    section = outcomes.sections(digits)["Size and cost"]
    (folded,) = [part for part in section.content if isinstance(part, Folded)]
    assert folded.title == "Layers that stay dense (4)"
    (table,) = folded.content
    assert isinstance(table, Table)
    assert list(table.rows[0]) == ["pq", "0", "it is the first convolution (keep_first)"]


def test_a_network_that_is_one_layer_has_a_name(outcomes: SimpleNamespace) -> None:
    one = outcomes.compared("lutnn")
    bare = outcomes.compared(
        "lutnn", layers=[type(one.layers[0])(**{**vars(one.layers[0]), "name": ""})], skipped=[]
    )
    plain = outcomes.stored(outcomes.of(variants=[outcomes.compared("dense"), bare]))
    _, layers = outcomes.parts(outcomes.sections(plain)["Size and cost"], Table)
    assert layers.rows[0][0] == "the network"


def test_times_are_in_a_table_and_the_whole_in_words(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    section = outcomes.sections(digits, outcomes.times)["Time on this machine"]
    (table,) = outcomes.parts(section, Table)
    assert list(table.rows[1]) == ["4", "1", "20", "-", "80", "-", "0.25"]
    assert list(table.rows[3]) == ["9", "64", "90", "30", "30", "25", "3.01"]
    assert "AVX2, four rows at a time" in table.caption
    said = words(outcomes, section)
    assert (
        "The whole network by table lookup was 4.0 times slower than dense for a batch of 1 and "
        "3.0 times faster than dense for a batch of 64." in said
    )
    assert "no part of the digest" in said


def test_without_a_measurement_no_time_is_told(outcomes: SimpleNamespace, digits: Any) -> None:
    assert "Time on this machine" not in outcomes.sections(digits)


def test_temperatures_have_a_picture_a_variant_with_a_range_a_layer(
    outcomes: SimpleNamespace, digits: Any, one_seed: Any
) -> None:
    plots = outcomes.parts(outcomes.sections(digits)["Temperatures"], Plot)
    assert [plot.title for plot in plots] == ["Temperature of lutnn", "Temperature of annealed"]
    first = plots[0].series[0]
    assert (first.label, first.y[0], first.y[-1]) == ("layer 4", 0.065, 0.05)
    assert first.low[-1] == pytest.approx(0.9 * 0.05)
    plots = outcomes.parts(outcomes.sections(one_seed)["Temperatures"], Plot)
    assert all(one.low is None for plot in plots for one in plot.series)


def test_temperatures_that_stay_are_not_drawn(outcomes: SimpleNamespace) -> None:
    one = outcomes.compared("constant")
    still = [type(row)(row.layer, row.steps, *[[0.065] * 5] * 3) for row in one.temperatures]
    plain = outcomes.of(variants=[outcomes.compared("constant", temperatures=still)]).plain()
    assert "Temperatures" not in outcomes.sections(plain)
