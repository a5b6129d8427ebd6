"""A run's result as plain values: scores by variant, what strokes and pairs add, the worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import ConfigError
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.tasks import Trained, Training
from heliostat_search.statistics import holm, mean_interval, paired
from heliostat_search.trainings.choosing import Choice

COMPARED = ("retrieval", "distinct_nearest", "l1")
"""Metrics that need no critic, on which claims are made."""
LEVEL = 0.05


@dataclass(frozen=True)
class Asked:
    """One row of a table, the other without an ingredient, and the ingredient in words."""

    one: str
    other: str
    words: str


def concluded(
    config: StrokeGANConfig, source: str, targets: Sequence[str], contestants: Sequence[str],
    questions: Sequence[Asked], items: Sequence[Training], found: Sequence[Trained | None],
    failures: Sequence[str], ceilings: Mapping[str, Mapping[str, Any]],
    choices: Mapping[str, Choice],
) -> dict[str, Any]:  # fmt: skip
    """Return what a run found, as its journal, terminal and page have it.

    Raises ConfigError where nothing could be trained.
    """
    trains = [at for at, item in enumerate(items) if item.name != "copy_source"]
    if not any(found[at] for at in trains):
        raise ConfigError("variants", list(contestants), "one that trains",
                          f"all failed: {failures[trains[0]]}")  # fmt: skip
    rows = []
    for target in targets:
        for variant in contestants:
            mine = [at for at, item in enumerate(items)
                    if (item.target, item.name) == (target, variant)]  # fmt: skip
            row = _row(target, variant, mine, found, failures)
            if variant == contestants[-1] and row["scores"]:
                row["worst_shown"] = next(np.asarray(one.worst_shown) for at in mine
                                          if (one := found[at]) is not None)  # fmt: skip
            rows.append(row)
    answers = _questions(questions, items, found, len(targets))
    settings = next(item.settings for item in reversed(items))
    last = [row["scores"] for row in rows if row["variant"] == contestants[-1] and row["scores"]]
    return {
        **{name: float(np.mean([scores[name]["mean"] for scores in last])) if last else math.nan
           for name in ("retrieval", "l1")},
        "mode": [settings["precision"], settings["memory_format"]],
        "source": source, "targets": list(targets), "size": settings["image_size"],
        "steps": config.steps, "seeds": config.seeds,
        "characters": 0 if config.begin else config.characters, "rows": rows, "questions": answers,
        "ceilings": {target: dict(one) for target, one in ceilings.items()},
        "rates": [_rate(config, variant, choice) for variant, choice in choices.items()],
        "sentence": _sentence(answers, len(targets), config.seeds),
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
        "worst": [[one.character, one.l1, " ".join(one.missing), " ".join(one.extra)]
                  for one in first.worst],
        "records": {name: np.asarray(values).tolist() for name, values in first.records.items()},
        "trainings": len(mine), "failures": len(mine) - len(trained),
        "diverged": sum(bool(one.diverged) for one in trained),
        "failed": next((failures[at] for at in mine if found[at] is None), ""),
    }  # fmt: skip


def _questions(
    questions: Sequence[Asked],
    items: Sequence[Training],
    found: Sequence[Trained | None],
    fonts: int,
) -> list[dict[str, Any]]:
    by_name = {(item.name, item.target, item.seed): one
               for item, one in zip(items, found, strict=True) if one is not None}  # fmt: skip
    asked: list[dict[str, Any]] = []
    for ask in questions:
        one, other = ask.one, ask.other
        common = [key[1:] for key in by_name if key[0] == one and (other, *key[1:]) in by_name]
        for metric in COMPARED:
            mine, theirs = (
                _by_font(common, [by_name[name, *key].scores[metric] for key in common], fonts)
                for name in (one, other)
            )
            if mine:
                test = paired(mine, theirs)
                asked.append({
                    "one": one, "other": other, "words": ask.words, "metric": metric, "n": test.n,
                    "difference": test.difference.mean, "half": test.difference.half_width
                    if test.n > 1 else 0.0, "p": test.t_p if test.n > 1 else 1.0,
                })  # fmt: skip
    for question, p in zip(asked, holm([one["p"] for one in asked]), strict=True):
        better = (question["difference"] > 0) == (question["metric"] != "l1")
        # two that agree to the last digit are a coincidence of few glyphs, and no certainty
        shown = p < LEVEL and question["n"] > 2 and question["half"] > 0
        question["corrected"] = p
        question["verdict"] = ("better" if better else "worse") if shown else "no difference shown"
    return asked


def _by_font(keys: Sequence[tuple[str, int]], values: Sequence[float], fonts: int) -> list[float]:
    """Return the mean of each font's seeds, or where a run has one font the values themselves.

    Seeds of one font say little of another, so with several each font counts once.
    """
    if fonts == 1:
        return list(values)
    by_font: dict[str, list[float]] = {target: [] for target, _ in keys}
    for (target, _), value in zip(keys, values, strict=True):
        by_font[target].append(value)
    return [float(np.mean(some)) for some in by_font.values()]


def _rate(config: StrokeGANConfig, variant: str, choice: Choice) -> dict[str, Any]:
    chosen = choice.at_end
    tried = [[config.learning_rate * one.factor, one.at_end] for one in choice.tried]
    return {"variant": variant, "rate": config.learning_rate * chosen.factor, "edge": chosen.edge,
            "tried": tried}  # fmt: skip


def _sentence(questions: Sequence[dict[str, Any]], fonts: int, seeds: int) -> str:
    if not questions:
        return ""
    if fonts * seeds < 2:
        return "One training each: nothing can be told apart; take more seeds."
    parts = []
    for words in dict.fromkeys(one["words"] for one in questions):
        mine = [one for one in questions if one["words"] == words]
        if mine:
            told = ", ".join(
                f"{one['metric']} {one['difference']:+.3f}"
                + (f" ± {one['half']:.3f}" if one["n"] > 1 else "")
                + f" ({one['verdict']})"
                for one in mine
            )
            parts.append(f"what {words}: {told}")
    each = f"{seeds} seed{'' if seeds == 1 else 's'}"
    over = each if fonts == 1 else f"{max(one['n'] for one in questions)} fonts, {each} of each"
    return f"Paired over {over}: " + "; ".join(parts) + "."
