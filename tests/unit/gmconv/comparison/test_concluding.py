"""A table by hand: which lines, widths, fields and verdicts come of it, and which sentence."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.contract import validate
from heliostat.values.canonical import decode, encode
from heliostat_methods.gmconv.comparison.concluding import _thumbnail, concluded
from heliostat_methods.gmconv.comparison.contestants import contestants
from heliostat_methods.gmconv.comparison.networks import Anatomy, Kernel
from heliostat_methods.gmconv.comparison.outcome import Outcome
from heliostat_methods.gmconv.comparison.trained import Posed
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.training.measuring import Measured, ReceptiveField
from heliostat_search.trainings.choosing import Choice, Chosen

SEEDS, STEPS = 8, 100
NOISE = np.array([0.3, -0.2, 0.1, -0.4, 0.25, -0.15, 0.05, 0.05])
USUAL = 0.3 + 0.01 * NOISE
FIELD = ReceptiveField("0", np.full((6, 6), 1 / 36, np.float32), 1.5, 0.5, 0.9)


def measured(settings: Any, end: float, seed: int, **more: Any) -> Measured:
    """From an error of 0.5 in a straight line to the end; a width from 5 to 5 + seed."""
    at = np.array(settings.measured_at) / STEPS
    curve = np.where(at > 0, np.inf, 0.5) if math.isinf(end) else 0.5 + (end - 0.5) * at
    sigmas = (5.0 + seed * at)[:, None]
    made = Measured(curve, np.repeat(curve[:, None], 4, 1), ("0",), sigmas, (FIELD,), {})
    return replace(made, **more)


def outcome(
    made: SimpleNamespace, ends: dict[str, Any], edges: frozenset[str] = frozenset(),
    more: dict[str, Any] | None = None, **values: Any,
) -> Outcome:  # fmt: skip
    """Conclude trainings that end with a test error of ``ends[variant]``, (8,) or scalar."""
    config = validate(
        GMConvConfig,
        {"variants": list(ends), "seeds": SEEDS, "steps": STEPS, "fixed_sigmas": [1.0], **values},
    )
    settings, problem = made.settings(STEPS), made.problem()
    posed = Posed(config, problem, None, settings, None)  # type: ignore[arg-type]
    some = contestants(config)
    choices, found = [], []
    for one in some:
        chosen = Chosen(1.0, one.kind in edges)
        choices.append(Choice(chosen, chosen, None, ()))
        end = np.broadcast_to(np.asarray(ends[one.kind], float), (config.seeds,))
        found.append({1.0: [measured(settings, float(e), seed, **(more or {}))
                            for seed, e in enumerate(end)]})  # fmt: skip
    shapes = [
        Anatomy(104 if one.kind == "static" else 100, 100, ("0",), (("4", "why"),),
                (Kernel("0", 3, 1),))
        for one in some
    ]  # fmt: skip
    return concluded(posed, some, shapes, choices, found, ["a remark"])


def verdict(found: Outcome, kind: str, way: str = "equal_steps") -> Any:
    one = next(c for c in found.variants if c.kind == kind)
    return next(row for row in one.differences if row.way == way)


def test_lines_hold_values_by_seed_and_their_mean(made: SimpleNamespace) -> None:
    found = outcome(made, {"conv": USUAL, "static": USUAL - 0.1})
    line = found.variants[1].lines[0]
    assert line.way == "equal_steps" and line.kept == [STEPS] * SEEDS
    np.testing.assert_allclose(line.values, USUAL - 0.1)
    assert line.mean == pytest.approx(0.2) and line.low < 0.2 < line.high  # type: ignore[operator]
    assert [one.way for one in found.variants[1].lines] == ["equal_steps", "at_best"]
    assert found.variants[0].differences == []
    assert [one.added for one in found.variants] == [0, 4]
    assert found.variants[1].converted == ["0"] and found.variants[1].skipped == [["4", "why"]]
    assert found.remarks == ["a remark"] and found.rows == {"train": 40, "valid": 14, "test": 14}
    curve = found.variants[1].curve
    assert curve["mean"][0] == 0.5 and curve["mean"][-1] == pytest.approx(0.2)
    assert curve["low"][-1] < 0.2 < curve["high"][-1]


@pytest.mark.parametrize(
    ("mine", "kind"),
    [
        (USUAL - 0.1 + 0.001 * NOISE[::-1], "better"),
        (USUAL + 0.1 + 0.001 * NOISE[::-1], "worse"),
        (USUAL + 0.01 * NOISE[::-1], "none"),
        (USUAL, "none"),
    ],
)
def test_differences_are_paired(made: SimpleNamespace, mine: Any, kind: str) -> None:
    found = outcome(made, {"conv": USUAL, "static": mine})
    said = verdict(found, "static")
    assert said.verdict == kind and said.mean == pytest.approx(float(np.mean(mine - USUAL)))
    told = {"better": "static is better than conv", "worse": "static is worse than conv",
            "none": "static is not shown to differ from conv"}[kind]  # fmt: skip
    assert found.sentence == f"Over 8 paired seeds, {told}."
    plain = found.plain()
    assert plain["test_metric"] == pytest.approx(float(np.mean(mine)))
    assert plain["difference"] == pytest.approx(float(np.mean(mine - USUAL)))


def test_a_training_that_explodes_counts(made: SimpleNamespace) -> None:
    broken = np.where(np.arange(SEEDS) == 3, np.inf, USUAL - 0.1)
    found = outcome(made, {"conv": USUAL, "static": broken})
    assert verdict(found, "static").verdict == "explodes"
    assert "static is explodes more often than conv" not in found.sentence
    assert "static explodes more often than conv" in found.sentence
    every = outcome(made, {"conv": USUAL, "static": np.full(SEEDS, np.inf)})
    assert verdict(every, "static").verdict == "worse"
    assert every.variants[1].curve["mean"] == [] and "test_metric" not in every.plain()


@pytest.mark.parametrize("where", ["conv", "static"])
def test_at_an_edge_nothing_is_decided(made: SimpleNamespace, where: str) -> None:
    found = outcome(made, {"conv": USUAL, "static": USUAL - 0.1}, frozenset({where}))
    assert verdict(found, "static").verdict == "edge"
    assert "static is not decided against conv" in found.sentence
    assert "allow more rate_growths" in found.sentence


def test_few_seeds_one_seed_and_one_variant_are_said(made: SimpleNamespace) -> None:
    few = outcome(made, {"conv": USUAL[:3], "static": USUAL[:3]}, seeds=3)
    assert few.sentence.endswith("With so few seeds even that may be luck.")
    one = outcome(made, {"conv": 0.3, "static": 0.2}, seeds=1)
    assert one.sentence == "With one seed nothing can be concluded: take more."
    alone = outcome(made, {"conv": USUAL})
    assert alone.sentence == "Only conv was trained: there is nothing to compare."


def test_widths_are_means_and_ranges_over_seeds(made: SimpleNamespace) -> None:
    (row,) = outcome(made, {"conv": USUAL, "static": USUAL}).variants[1].widths
    assert row.layer == "0" and row.steps[-1] == STEPS
    assert (row.mean[0], row.low[-1], row.high[-1]) == (5.0, 5.0, 12.0)
    assert row.mean[-1] == pytest.approx(8.5)


def test_a_disc_has_no_widths_and_no_prediction(made: SimpleNamespace) -> None:
    nothing = {"sigmas": np.full((len(made.settings(STEPS).measured_at), 1), math.nan)}
    one = outcome(made, {"conv": USUAL, "circle": USUAL}, more=nothing).variants[1]
    assert one.widths == [] and one.fields[0].predicted is None


def test_fields_are_means_with_the_first_map_and_the_prediction_of_their_widths(
    made: SimpleNamespace,
) -> None:
    (field,) = outcome(made, {"conv": USUAL, "static": USUAL}).variants[1].fields
    assert (field.radius, field.deviation, field.area) == (1.5, 0.0, 0.5)
    g = math.exp(-1 / (2 * 8.5**2))
    assert field.predicted == pytest.approx(math.sqrt(2 * 2 * g / (1 + 2 * g)))
    assert np.shape(field.map) == (6, 6) and field.scale == 1 and field.trainings == SEEDS


def test_a_training_that_ran_away_leaves_fields_and_predictions_of_the_others(
    made: SimpleNamespace,
) -> None:
    found = outcome(made, {"conv": USUAL, "static": USUAL}, more={"fields": ()})
    assert [one.fields for one in found.variants] == [[], []]


def test_a_large_map_is_summed_over_squares() -> None:
    seen, scale = _thumbnail(np.arange(130.0 * 70).reshape(130, 70))
    assert (seen.shape, scale) == ((44, 24), 3)
    assert seen.sum() == pytest.approx(np.arange(130.0 * 70).sum())
    assert seen[0, 0] == sum(70 * i + j for i in range(3) for j in range(3))


def test_any_outcome_can_be_stored(made: SimpleNamespace) -> None:
    for ends in (USUAL, np.full(SEEDS, np.inf)):
        plain = outcome(made, {"conv": USUAL, "static": ends}).plain()
        assert decode(encode(plain))["sentence"] == plain["sentence"]
