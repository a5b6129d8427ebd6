"""How much of a front each search reached, and what may be said of the differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliostat_methods.pnag.comparison.outcome import Contestant
from heliostat_methods.pnag.comparison.shares import (
    BETTER,
    NONE,
    POINTS,
    SHOWN,
    WORSE,
    contestants,
    sentence,
)
from heliostat_methods.pnag.fronts.regret import TrueFront
from heliostat_methods.pnag.searchers.names import NAMES
from heliostat_methods.pnag.tasks.searching import Searched
from heliostat_search.statistics import holm, paired

FRONT = TrueFront(np.array([10.0, 100]), np.array([0.5, 0.9]))
"""In (log10 cost, error): (1, .5) and (2, .1); reference (2.1, .54)."""
VOLUME = 0.1 * 0.44 + 1.0 * 0.04
"""What (2, .1) dominates, and what (1, .5) adds between 1 and 2."""


def searched(accuracy: list[float], cost: list[float], filled: int = 0) -> Searched:
    rows = np.arange(len(cost), dtype=np.int16)[:, None]
    return Searched(rows, np.array(accuracy), np.array(cost), filled)


def reaching(share: float) -> Searched:
    """A search of two networks, the front's cheapest and one as dear as its other end.

    An error of e there gives 0.1 (.5 - e) beside the 1.1 x 0.04 of the first.
    """
    return searched([0.5, 0.9 - (1 - share) * VOLUME / 0.1], [10.0, 100])


def made(**shares: list[float]) -> dict[str, Contestant]:
    found = {name: [reaching(one) for one in row] for name, row in shares.items()}
    return {one.name: one for one in contestants(FRONT, found, "ensemble")}


def test_a_share_is_of_the_hypervolume_and_grows_with_evaluations() -> None:
    assert FRONT.volume == pytest.approx(VOLUME)
    whole = searched([0.2, 0.5, 0.9], [10.0, 10, 100], filled=2)
    (one,) = contestants(FRONT, {"ensemble": [whole]}, "ensemble")
    # error .8 is beyond the reference; then (1, .5) alone: from 1 to 2.1, .04 high
    assert one.counts == [1, 2, 3]
    assert one.curve == pytest.approx([0, 1.1 * 0.04 / VOLUME, 1])
    assert one.shares == pytest.approx([1])
    assert (one.filled, one.beside, one.sentence) == ([2], None, NAMES["ensemble"])


def test_one_seed_has_no_interval_and_no_nan() -> None:
    one = made(ensemble=[0.9], random=[0.6])
    for contestant in one.values():
        assert contestant.low == contestant.curve == contestant.high
    beside = one["random"].beside
    assert beside is not None
    assert (beside["low"], beside["high"], beside["verdict"]) == (None, None, NONE)
    assert beside["mean"] == one["ensemble"].shares[0] - one["random"].shares[0]


def test_curves_end_where_the_shortest_search_does() -> None:
    rng = np.random.default_rng(0)
    long, short = (
        searched(rng.uniform(0.1, 0.9, n).tolist(), rng.uniform(10, 100, n).tolist())
        for n in (600, 50)
    )
    (one,) = contestants(FRONT, {"ensemble": [long, short]}, "ensemble")
    assert one.counts[-1] == 50 and len(one.counts) == POINTS
    assert np.all(np.diff(one.curve) >= 0)
    assert all(low <= mean <= high for low, mean, high in zip(one.low, one.curve, one.high,
                                                             strict=True))  # fmt: skip
    assert len(one.seen_costs) == len(one.seen_accuracies) == SHOWN


def test_differences_are_paired_and_corrected_for_their_number() -> None:
    own = [0.90, 0.92, 0.94, 0.91, 0.93]
    beside = {
        "random": [0.6, 0.63, 0.65, 0.6, 0.64],  # far below
        "gp": [0.91, 0.91, 0.95, 0.90, 0.935],  # about equal
        "joint": [0.99, 0.995, 1.0, 0.99, 0.999],  # above
        "nsga2": list(own),  # the same
    }
    found = made(ensemble=own, **beside)
    assert found["ensemble"].beside is None
    told: dict[str, Any] = {name: found[name].beside for name in beside}
    assert {name: one["verdict"] for name, one in told.items()} == {
        "random": BETTER, "gp": NONE, "joint": WORSE, "nsga2": NONE,
    }  # fmt: skip
    raw = [paired(found["ensemble"].shares, found[name].shares).t_p for name in beside]
    assert [told[name]["p"] for name in beside] == pytest.approx(holm(raw))
    assert told["random"]["p"] > raw[0]
    assert told["nsga2"]["mean"] == 0 and told["nsga2"]["p"] == 1


def test_evidence_for_one_difference_may_not_do_for_many() -> None:
    own = [0.90, 0.92, 0.94, 0.91, 0.93]
    near = [0.905, 0.935, 0.945, 0.915, 0.945]
    alone = made(ensemble=own, gp=near)
    assert alone["gp"].beside is not None and alone["gp"].beside["verdict"] == WORSE
    equal = {name: list(own) for name in ("random", "joint", "nsga2", "nsganet", "tunas")}
    among = made(ensemble=own, gp=near, **equal)
    assert among["gp"].beside is not None and among["gp"].beside["verdict"] == NONE


def contestant(name: str, verdict: str | None) -> Contestant:
    beside = None if verdict is None else {"verdict": verdict}
    return Contestant(name, "", [], [], [], [], [], [], beside)


FOUR = [
    contestant("ensemble", None), contestant("random", BETTER), contestant("tunas", BETTER),
    contestant("joint", WORSE), contestant("gp", NONE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "seeds", "text"),
    [
        (FOUR[:1], 5, "ensemble was compared with nothing."),
        (FOUR, 1, "With one seed nothing can be concluded: take more."),
        (
            FOUR,
            5,
            "At 100 evaluations over 5 seeds, paired, ensemble is better than random, tunas; worse "
            "than joint; not shown to differ from gp, by the share of the front's hypervolume.",
        ),
        (
            FOUR[:2],
            4,
            "At 100 evaluations over 4 seeds, paired, ensemble is better than random, by the share "
            "of the front's hypervolume. With so few seeds even that may be luck.",
        ),
    ],
)
def test_the_conclusion_says_no_more_than_the_seeds_allow(
    found: list[Contestant], seeds: int, text: str
) -> None:
    assert sentence("ensemble", found, 100, seeds) == text
