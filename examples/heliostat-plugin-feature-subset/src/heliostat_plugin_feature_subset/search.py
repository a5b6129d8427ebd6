"""A genetic search over subsets, beside a random one with the same budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from heliostat import ConfigError, Run, Shared

from heliostat_plugin_feature_subset.classifier import Mask, f_scores
from heliostat_plugin_feature_subset.config import FeatureSubsetConfig
from heliostat_plugin_feature_subset.tasks import retrain, score

FOUND, RANDOM, RANKED, ALL = "genetic search", "random search", "best by F test", "all features"


def search(config: FeatureSubsetConfig, run: Run) -> dict[str, Any]:
    """Search on one part of the rows, then compare on the other with what needs no search."""
    data = run.part("dataset", config.dataset)
    if data.task != "classification":
        raise ConfigError("dataset", config.dataset.name, "a data set for classification")
    x = np.asarray(data.inputs, dtype=np.float64).reshape(len(data.inputs), -1)
    order = run.rng("split").permutation(len(x))
    test, train = np.split(order, [round(config.test * len(x))])
    labels = np.asarray(data.targets)
    common = {"x": x[train], "labels": labels[train], "classes": data.classes}
    shared = run.share({**common, "ridge": config.ridge})
    arms = [_arm(config, shared, x.shape[1], renew) for renew in (bred, drawn)]
    found, random = run.gather(*arms)
    ranked = np.zeros(x.shape[1], dtype=bool)
    scores = f_scores(x[train], labels[train], data.classes)
    ranked[np.argsort(-scores, kind="stable")[: int(found.sum())]] = True
    rivals = {FOUND: found, RANDOM: random, RANKED: ranked, ALL: np.ones_like(found)}
    held_out = {"test_x": x[test], "test_labels": labels[test], "ridge": config.ridge}
    whole = run.share({**common, **held_out})
    items = [(n, mask) for mask in rivals.values() for n in range(config.retrainings)]
    outcomes = iter(run.map(retrain, items, shared=whole))
    errors = {
        name: np.array([next(outcomes).unwrap() for _ in range(config.retrainings)])
        for name in rivals
    }
    run.save(
        "selected",
        {
            "name": f"{data.name}_selected",
            "inputs": x[:, found].astype(np.float32),
            "targets": labels,
            "classes": data.classes,
        },
        kind="dataset",
    )
    names = list(map(str, getattr(data, "columns", ()) or range(len(found))))
    return {
        "error": float(errors[FOUND].mean()),
        "features": [name for name, used in zip(names, found, strict=True) if used],
        "sizes": {name: int(mask.sum()) for name, mask in rivals.items()},
        "errors": errors,
    }


Renew = Callable[[list[Mask], np.random.Generator, int, int], list[Mask]]
"""(kept subsets, random stream, number of new ones, columns) -> new subsets."""


def bred(kept: list[Mask], rng: np.random.Generator, count: int, columns: int) -> list[Mask]:
    """Return children of two kept subsets each, one column in expectation flipped."""
    children = []
    for _ in range(count):
        mother, father = rng.integers(0, len(kept), 2)
        child = np.where(rng.random(columns) < 0.5, kept[mother], kept[father])
        children.append(_not_empty(child ^ (rng.random(columns) < 1 / columns), rng))
    return children


def drawn(kept: list[Mask], rng: np.random.Generator, count: int, columns: int) -> list[Mask]:
    """Return subsets of random size, whatever was kept."""
    shares = rng.random(count)
    return [_not_empty(rng.random(columns) < share, rng) for share in shares]


def _not_empty(mask: Mask, rng: np.random.Generator) -> Mask:
    spare = rng.integers(0, len(mask))
    return mask if mask.any() else np.arange(len(mask)) == spare


def _arm(
    config: FeatureSubsetConfig, shared: Shared[Any], columns: int, renew: Renew
) -> Callable[[Run], Mask]:
    """Return a search that scores a population, keeps its better half and renews the rest."""

    def arm(run: Run) -> Mask:
        start = drawn([], run.rng("start"), config.population, columns)
        step, (masks, best) = run.restore((0, (start, start[0])))
        for t in range(step, config.generations):
            blocks = [masks[i : i + config.block] for i in range(0, len(masks), config.block)]
            items = [(t, config.folds, np.array(block)) for block in blocks]
            outcomes = run.map(score, items, shared=shared)
            errors = np.concatenate([outcome.unwrap() for outcome in outcomes])
            costs = errors + config.price * np.array([mask.mean() for mask in masks])
            kept = [masks[i] for i in np.argsort(costs, kind="stable")[: len(masks) // 2]]
            best = kept[0]
            rng = run.rng("renewal", t)
            masks = [*kept, *renew(kept, rng, len(masks) - len(kept), columns)]
            done = (t + 1) * config.population
            run.report(t + 1, of=config.generations, count=done, cost=float(costs.min()))
            run.checkpoint(t + 1, (masks, best))
        return np.asarray(best)

    return arm
