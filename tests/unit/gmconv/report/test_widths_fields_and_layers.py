"""How widths moved, how far layers see, which layers are under a mask: pictures and words."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from heliostat.report import Folded, HeatMap, Plot, Table, Text
from heliostat_methods.gmconv.report.widths import sentence_of


def words(outcomes: SimpleNamespace, plain: Any, title: str) -> str:
    return " ".join(part.body for part in outcomes.parts(outcomes.sections(plain)[title], Text))


def test_widths_have_a_picture_a_variant_with_a_range_a_layer(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    plots = outcomes.parts(outcomes.sections(digits)["Widths of masks"], Plot)
    assert [plot.title for plot in plots] == [
        "Width of the masks of static", "Width of the masks of dynamic",
    ]  # fmt: skip
    first = plots[0].series[0]
    assert (first.label, first.y[0], first.low[-1], first.high[-1]) == (
        "layer 0", 5.0, pytest.approx(0.9 * 5.3), pytest.approx(1.1 * 5.3)
    )  # fmt: skip
    assert "Widths are predicted" in plots[1].note and "predicted" not in plots[0].note


def test_words_say_which_way_each_layer_moved(outcomes: SimpleNamespace, digits: Any) -> None:
    said = words(outcomes, digits, "Widths of masks")
    assert (
        "static: the mask of layer 0 grew from 5 to 5.3 (4.77 to 5.83 over seeds); the mask of "
        "layer 4 shrank from 5 to 4.6 (4.14 to 5.06 over seeds)." in said
    )
    assert "dynamic: the mask of layer 0 stayed at 5 (4.5 to 5.5 over seeds)" in said
    assert "The wider a mask, the nearer a layer is to an ordinary convolution" in said


def test_one_training_has_no_range(outcomes: SimpleNamespace, one_seed: Any) -> None:
    assert "over seeds" not in words(outcomes, one_seed, "Widths of masks")
    plots = outcomes.parts(outcomes.sections(one_seed)["Widths of masks"], Plot)
    assert all(one.low is None for plot in plots for one in plot.series)


def test_a_width_that_ran_away_is_said(outcomes: SimpleNamespace) -> None:
    one = outcomes.compared("static")
    gone = replace(one.widths[0], mean=[5.0, math.nan])
    plain = outcomes.of(variants=[replace(one, widths=[gone])]).plain()["variants"][0]
    assert sentence_of(plain, 6) == "static: the mask of layer 0 has no finite width at the end."


def test_maps_are_of_the_first_variant_and_the_static_one(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    maps = outcomes.parts(outcomes.sections(digits)["Receptive fields"], HeatMap)
    assert [one.title for one in maps] == [
        "Layer 0, conv", "Layer 0, static", "Layer 4, conv", "Layer 4, static",
    ]  # fmt: skip
    # rows of a heat map stand from below: the top of the image, which sees nothing, is the last
    assert list(maps[0].y) == list(range(7, -1, -1))
    assert max(maps[0].values[-1]) == 0 < max(maps[0].values[0])


def test_the_table_has_the_measured_radius_beside_the_analytic_one(
    outcomes: SimpleNamespace, digits: Any
) -> None:
    section = outcomes.sections(digits)["Receptive fields"]
    (table,) = outcomes.parts(section, Table)
    assert list(table.columns)[2:5] == ["radius", "deviation", "analytic"]
    rows = {(row[0], row[1]): list(row[2:]) for row in table.rows}
    assert rows["conv", "0"] == ["1.2000", "0.0200", "1.1550", "14 %", "0.93", 6]
    assert rows["circle", "0"][2] == "-"
    said = words(outcomes, digits, "Receptive fields")
    assert "In layer 4 the radius is 2.4000 with conv; static 2.2000 (-8.3 %)" in said
    assert "it holds for equal weights without non-linearities" in said


def test_maps_of_a_deep_network_are_folded_and_of_summed_places_say_so(
    outcomes: SimpleNamespace,
) -> None:
    def deep(kind: str) -> Any:
        one = outcomes.compared(kind)
        some = [replace(one.fields[0], layer=str(k), scale=4) for k in range(7)]
        return replace(one, fields=some)

    plain = outcomes.stored(outcomes.of(variants=[deep("conv"), deep("static")]))
    content = outcomes.sections(plain)["Receptive fields"].content
    shown = [part for part in content if isinstance(part, HeatMap)]
    assert [one.title for one in shown[::2]] == [f"Layer {k}, conv" for k in (0, 3, 6)]
    (folded,) = [part for part in content if isinstance(part, Folded)]
    assert len(folded.content) == 8
    assert list(shown[0].x) == [4 * k for k in range(8)]
    assert "Each cell stands for 4 x 4 places." in shown[0].note


def test_parameters_and_layers_are_told_by_variant(outcomes: SimpleNamespace, digits: Any) -> None:
    section = outcomes.sections(digits)["Parameters and layers"]
    table, why = outcomes.parts(section, Table)
    rows = {row[0]: list(row[2:]) for row in table.rows}
    assert rows["conv"] == ["1,922", "0", "0"] and rows["static"] == ["1,924", "2", "2"]
    said = words(outcomes, digits, "Parameters and layers")
    assert "Under a mask with static, dynamic, fixed: layer 0, layer 4." in said
    assert ["static", "layer 2", "its kernel is 1x1, whose mask is the constant 1"] in [
        list(row) for row in why.rows
    ]


def test_without_a_mask_that_is_said(outcomes: SimpleNamespace) -> None:
    plain = outcomes.stored(outcomes.of(variants=[outcomes.compared("conv")]))
    assert "No layer is under a mask." in words(outcomes, plain, "Parameters and layers")
