"""A table by hand: which lines and verdicts come of it, and which sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliostat.contract import validate
from heliostat.values.canonical import decode, encode
from heliostat_methods.adalfl.comparison.concluding import concluded
from heliostat_methods.adalfl.comparison.contestants import contestants
from heliostat_methods.adalfl.comparison.outcome import Outcome
from heliostat_methods.adalfl.comparison.trained import Posed
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.search import _settings
from heliostat_methods.adalfl.training.measuring import Measured
from heliostat_search.supervised.problem import Problem
from heliostat_search.trainings.choosing import Choice, Chosen

SEEDS, STEPS = 8, 100
NOISE = np.array([0.3, -0.2, 0.1, -0.4, 0.25, -0.15, 0.05, 0.05])


def outcome(
    ends: dict[str, Any],
    *,
    edges: frozenset[str] = frozenset(),
    costs: dict[str, Any] | None = None,
    stack: int = 3,
    **values: Any,
) -> Outcome:
    """Conclude trainings that all end with a test error of ``ends[contestant]``, (8,) or scalar."""
    config = validate(
        AdaLFLConfig,
        {"methods": list(ends), "seeds": SEEDS, "steps": STEPS, "stack": stack, "snapshots": 2,
         "dataset": "diabetes", **values},
    )  # fmt: skip
    some = contestants(config)
    settings = _settings(config, some)
    x, y = np.zeros((6, 2), np.float32), np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    part = (x, y)
    problem = Problem(
        "made", "regression", 1, (2,), config.model, (3,), part, part, part, "mse"
    )  # fmt: skip
    posed = Posed(config, problem, None, settings, None)  # type: ignore[arg-type]
    choices, found, cost_at = [], [], []
    for one in some:
        place = (costs or {}).get(one.name, len(settings.measured_at) - 1)
        chosen = Chosen(1.0, one.name in edges)
        choices.append(Choice(chosen, chosen, None if place is None else chosen, ()))
        cost_at.append(place)
        end = np.broadcast_to(np.asarray(ends[one.name], float), (config.seeds,))
        found.append({1.0: [blocks_of(end[list(b)], settings) for b in posed.paired]})
    # what begins is another test's matter
    plain = [one.__class__(**{**vars(one), "beginning": None}) for one in some]
    return concluded(posed, plain, choices, found, cost_at, ["a remark"])


def blocks_of(ends: Any, settings: Any) -> Measured:
    """From an error of 2 in a straight line to the end."""
    at = np.array(settings.measured_at) / STEPS
    finite = np.isfinite(ends)
    curves = 2 + (np.where(finite, ends, 0.0)[:, None] - 2) * at
    curves = np.where(finite[:, None], curves, np.where(at > 0, np.inf, 2.0))
    runs = len(ends)
    return Measured(
        curves, np.repeat(curves[:, :, None], 3, 2), (0,), np.ones((1, runs, 5)),
        np.empty((0, 0)), np.empty((0, runs)), np.empty((runs, 0)),
        tuple(-1 if np.isfinite(e) else 5 for e in ends), (2,) * runs,
    )  # fmt: skip


def verdict(found: Outcome, label: str, way: str = "equal_steps") -> Any:
    one = next(c for c in found.contestants if c.label == label)
    return next(row for row in one.differences if row.way == way)


USUAL = 1.0 + 0.01 * NOISE


def test_lines_hold_values_by_seed_and_their_mean() -> None:
    found = outcome({"task_loss": USUAL, "adalfl": USUAL - 0.1})
    line = found.contestants[1].lines[0]
    assert line.way == "equal_steps" and line.kept == [STEPS] * SEEDS
    np.testing.assert_allclose(line.values, USUAL - 0.1)
    assert line.mean == pytest.approx(0.9) and line.low < 0.9 < line.high  # type: ignore[operator]
    assert line.exploded == 0 and set(line.others) == {"rmse", "mae"}
    area = next(one for one in found.contestants[1].lines if one.way == "area")
    np.testing.assert_allclose(area.values, (2 + USUAL - 0.1) / 2)
    assert found.contestants[0].differences == []
    assert found.contestants[0].reverts == 2 * SEEDS and found.contestants[0].stopped == 0
    assert found.trivial == 1.0 and found.remarks == ["a remark"]


@pytest.mark.parametrize(
    ("mine", "kind"),
    [
        (USUAL - 0.1 + 0.001 * NOISE[::-1], "better"),
        (USUAL + 0.1 + 0.001 * NOISE[::-1], "worse"),
        (USUAL + 0.01 * NOISE[::-1], "none"),
        (USUAL, "none"),
    ],
)
def test_differences_are_paired(mine: Any, kind: str) -> None:
    found = outcome({"task_loss": USUAL, "adalfl": mine})
    said = verdict(found, "adalfl")
    assert said.verdict == kind
    assert said.mean == pytest.approx(float(np.mean(mine - USUAL)))


def test_a_training_that_explodes_counts_and_one_that_ends_infinite_too() -> None:
    mine = USUAL - 0.1
    for bad in (101.0, np.inf):
        broken = np.where(np.arange(SEEDS) == 3, bad, mine)
        found = outcome({"task_loss": USUAL, "adalfl": broken})
        assert verdict(found, "adalfl").verdict == "explodes"
        assert found.contestants[1].lines[0].exploded == 1
        assert "adalfl explodes more often than task_loss" in found.sentence
    assert found.contestants[1].stopped == 1
    every = outcome({"task_loss": USUAL, "adalfl": np.full(SEEDS, np.inf)})
    assert verdict(every, "adalfl").verdict == "worse"
    assert (every.contestants[1].lines[0].mean, verdict(every, "adalfl").mean) == (None, None)
    assert every.contestants[1].course.mean == []


@pytest.mark.parametrize("where", ["task_loss", "adalfl"])
def test_at_an_edge_nothing_is_decided(where: str) -> None:
    found = outcome({"task_loss": USUAL, "adalfl": USUAL - 0.1}, edges=frozenset({where}))
    assert verdict(found, "adalfl").verdict == "edge"
    assert "not decided against task_loss" in found.sentence
    assert "allow more rate_growths" in found.sentence


def test_p_values_are_holms_over_the_contestants_of_a_way() -> None:
    shift = 0.008 + 0.01 * NOISE[::-1]
    alone = verdict(outcome({"task_loss": USUAL, "adalfl": USUAL + shift}), "adalfl")
    many = outcome(
        {"task_loss": USUAL, "adalfl": USUAL + shift, "ml3": USUAL + 0.01 * NOISE[::-1],
         "offline": USUAL - 0.01 * NOISE[::-1]}
    )  # fmt: skip
    assert alone.p < 0.05
    assert verdict(many, "adalfl").p == pytest.approx(3 * alone.p)
    assert verdict(many, "adalfl").p_rank == alone.p_rank


def test_without_equal_cost_the_sentence_names_whose_beginning_is_too_costly() -> None:
    for name, costs in (("adalfl", {"adalfl": None}), ("task_loss", {"task_loss": None})):
        found = outcome({"task_loss": USUAL, "adalfl": USUAL - 0.1}, costs=costs)
        one = found.contestants[1]
        assert "equal_cost" not in [row.way for row in one.differences]
        assert (
            f"(the beginning and one step of {name} cost more gradient evaluations than the whole "
            "budget)" in found.sentence
        )
    assert "alone costs" not in outcome({"task_loss": USUAL, "adalfl": USUAL}).sentence


def test_equal_cost_is_read_at_its_step() -> None:
    found = outcome({"task_loss": USUAL, "adalfl": USUAL - 0.1}, costs={"adalfl": 3})
    line = next(row for row in found.contestants[1].lines if row.way == "equal_cost")
    assert len(set(line.kept)) == 1 and 0 < line.kept[0] < STEPS
    np.testing.assert_allclose(line.values, 2 + (USUAL - 0.1 - 2) * line.kept[0] / STEPS)


def test_sentences_say_what_may_be_concluded() -> None:
    better = USUAL - 0.1 + 0.001 * NOISE[::-1]
    found = outcome({"task_loss": USUAL, "adalfl": USUAL, "ml3": better})
    assert found.sentence.startswith("Over 8 paired seeds, adalfl is not shown to differ from")
    assert "Of the others, better after as many steps: ml3." in found.sentence
    assert outcome({"task_loss": USUAL}).sentence == (
        "Only task_loss was trained: there is nothing to compare."
    )
    few = outcome({"task_loss": USUAL[:3], "adalfl": better[:3]}, seeds=3)
    assert few.sentence.endswith("With so few seeds even that may be luck.")
    one = outcome({"task_loss": USUAL[:1], "adalfl": better[:1]}, seeds=1)
    assert one.sentence == "With one seed nothing can be concluded: take more."
    assert one.contestants[1].lines[0].mean is None


def test_an_outcome_of_any_table_can_be_stored() -> None:
    for ends in (USUAL, np.full(SEEDS, np.inf)):
        plain = outcome({"task_loss": USUAL, "adalfl": ends}).plain()
        assert decode(encode(plain))["sentence"] == plain["sentence"]
        assert ("test_metric" in plain) == bool(np.isfinite(ends).all())
