"""Outcomes made by hand, as a run stores them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from heliostat_methods.pnag.comparison.outcome import (
    Answer,
    Contestant,
    FrontNetwork,
    Outcome,
    Retrained,
)
from heliostat_search.statistics import mean_interval, paired

TEXTS = (
    "1,1:3,0,3,0:2,0,2,0", "1,2:3,0,3,5:2,0,4,2", "2,2:5,3,3,5:4,2,4,4", "2,2:5,5,5,5:4,4,4,4",
)  # fmt: skip
SENTENCE = "At 100 evaluations over 5 seeds, paired, ensemble is better than random."


def contestant(name: str, level: float, seeds: int, own: list[float] | None) -> Contestant:
    shares = (level + np.random.default_rng(len(name)).normal(0, 0.01, seeds)).tolist()
    mean = mean_interval(shares)
    low, high = (mean.low, mean.high) if seeds > 1 else (mean.mean, mean.mean)
    beside = None
    if own is not None:
        test = paired(own, shares)
        ends = (test.difference.low, test.difference.high) if seeds > 1 else (None, None)
        beside = {"mean": test.difference.mean, "low": ends[0], "high": ends[1], "p": 0.01,
                  "verdict": "no difference shown"}  # fmt: skip
    return Contestant(
        name, f"what {name} is", shares, [0] * seeds, [50, 100], [level - 0.1, mean.mean],
        [level - 0.2, low], [level, high], beside,
    )  # fmt: skip


def answer(budget: float, cost: float, accuracy: float, best: float | None) -> Answer:
    return Answer(budget, TEXTS[0], cost, cost <= budget, accuracy, best)


def outcome(seeds: int = 5, **more: Any) -> Outcome:
    own = contestant("ensemble", 0.95, seeds, None)
    beside = contestant("random", 0.8, seeds, own.shares)
    made = Outcome(
        space="elastic_conv(2 units)", size="400", dataset="digits", images=[1077, 360, 360],
        remarks=[], quantity="madds", evaluations=100, seeds=seeds, searcher="ensemble",
        known=False, evaluated=321,
        front=[
            FrontNetwork(text, round(0.8 + 0.04 * at, 2), round(0.79 + 0.04 * at, 2),
                         {"madds": 250e3 * 2**at, "params": 3000.0 + at})
            for at, text in enumerate(TEXTS)
        ],
        contestants=[own, beside],
        answers=[answer(300e3, 250e3, 0.79, 0.8), answer(600e3, 650e3, 0.86, 0.84),
                 answer(1e6, 900e3, 0.88, 0.88)],
        retrained=[Retrained(text, 0.8 + 0.04 * at, 0.85 + 0.03 * at, 250e3 * 2**at)
                   for at, text in enumerate(TEXTS)],
        rank_correlation=0.64, losses=[1.9, 1.2, 0.9], latency_error=None, sentence=SENTENCE,
    )  # fmt: skip
    return replace(made, **more)


class View(SimpleNamespace):
    """What reports and budgets need of a run."""

    def __init__(self, result: Any, **more: Any) -> None:
        config = {"space": {"name": "elastic_conv"}, "seeds": 5, "compare": ["random"], "on": None}
        super().__init__(**{"result": result, "config": config, "id": "RUN",
                            "state": "finished", **more})  # fmt: skip
