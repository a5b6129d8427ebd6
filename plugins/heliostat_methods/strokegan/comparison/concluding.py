"""A run's result as plain values: scores by variant, what strokes and pairs add, the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.glyph_sets import GlyphSet
from heliostat_methods.strokegan.tasks import Trained, Training
from heliostat_search.statistics import holm, mean_interval, paired

COMPARED = ("retrieval", "l1")
"""Metrics that need no critic, on which claims are made."""
QUESTIONS = (
    ("strokegan_plus", "cyclegan_fs3", "the stroke loss adds to pairs"),
    ("strokegan", "cyclegan", "the stroke loss adds without pairs"),
    ("cyclegan_fs3", "cyclegan", "pairs add"),
    ("strokegan_plus", "l1_pairs_only", "the method adds to its pairs alone"),
)
"""What is asked: one variant, the other without the ingredient, and the ingredient in words."""
LEVEL = 0.05


def concluded(
    config: StrokeGANConfig, sets: Mapping[str, GlyphSet], items: Sequence[Training],
    found: Sequence[Trained | None], failures: Sequence[str],
    ceilings: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """Return what a run found, as its journal, terminal and page have it."""
    rows = []
    for target in config.targets:
        for variant in config.contestants():
            mine = [at for at, item in enumerate(items)
                    if (item.target, item.variant) == (target, variant)]  # fmt: skip
            rows.append(_row(target, variant, mine, found, failures))
    questions = _questions(items, found)
    return {
        "source": config.source, "targets": list(config.targets), "size": config.size,
        "steps": config.steps, "seeds": config.seeds, "pairs": config.pairs,
        "strategy": config.strategy, "rows": rows, "questions": questions,
        "ceilings": {target: dict(one) for target, one in ceilings.items()},
        "sentence": _sentence(questions, config.seeds * len(config.targets)),
    }  # fmt: skip


def _row(
    target: str, variant: str, mine: Sequence[int], found: Sequence[Trained | None],
    failures: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    trained = [one for at in mine if (one := found[at]) is not None]
    if not trained:
        return {"target": target, "variant": variant, "failed": failures[mine[0]], "scores": {}}
    first = trained[0]
    scores = {}
    for name in first.scores:
        values = [one.scores[name] for one in trained]
        interval = mean_interval(values) if len(values) > 1 else None
        half = interval.half_width if interval is not None else 0.0
        scores[name] = {"mean": float(np.mean(values)), "half": half, "values": values}
    return {
        "target": target, "variant": variant, "scores": scores, "shown": np.asarray(first.shown),
        "worst": [list(one) for one in first.worst],
        "records": {name: np.asarray(values).tolist() for name, values in first.records.items()},
        "diverged": sum(bool(one.diverged) for one in trained),
        "failed": next((failures[at] for at in mine if found[at] is None), ""),
    }  # fmt: skip


def _questions(items: Sequence[Training], found: Sequence[Trained | None]) -> list[dict[str, Any]]:
    by_name = {(item.variant, item.target, item.seed): one
               for item, one in zip(items, found, strict=True) if one is not None}  # fmt: skip
    asked: list[dict[str, Any]] = []
    for one, other, words in QUESTIONS:
        common = [key[1:] for key in by_name if key[0] == one and (other, *key[1:]) in by_name]
        for metric in COMPARED:
            mine = [by_name[(one, *key)].scores[metric] for key in common]
            theirs = [by_name[(other, *key)].scores[metric] for key in common]
            if mine:
                test = paired(mine, theirs)
                asked.append({
                    "one": one, "other": other, "words": words, "metric": metric, "n": test.n,
                    "difference": test.difference.mean, "half": test.difference.half_width
                    if test.n > 1 else 0.0, "p": test.t_p if test.n > 1 else 1.0,
                })  # fmt: skip
    for question, p in zip(asked, holm([one["p"] for one in asked]), strict=True):
        better = (question["difference"] > 0) == (question["metric"] != "l1")
        shown = p < LEVEL and question["n"] > 1
        question["corrected"] = p
        question["verdict"] = ("better" if better else "worse") if shown else "no difference shown"
    return asked


def _sentence(questions: Sequence[dict[str, Any]], trainings: int) -> str:
    if trainings < 2:
        return "One training each: nothing can be told apart; take more seeds."
    parts = []
    for _, _, words in QUESTIONS:
        mine = [one for one in questions if one["words"] == words]
        if mine:
            told = ", ".join(f"{one['metric']} {one['verdict']}" for one in mine)
            parts.append(f"what {words}: {told}")
    return f"Paired over {trainings} trainings: " + "; ".join(parts) + "." if parts else ""
