"""The rate of each variant, chosen alike on training characters that are held back for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.glyph_sets import GlyphSet
from heliostat_methods.strokegan.tasks import Numbers, Trained, Training, train
from heliostat_search.devices import device_resources
from heliostat_search.supervised.streams import under
from heliostat_search.trainings.choosing import Choice, choose


def chosen_rates(
    config: StrokeGANConfig, sets: Mapping[str, GlyphSet], critic: Shared[Numbers], run: Run
) -> dict[str, Choice]:
    """Return what is chosen for each variant that trains, of ``rate_factors`` and what is beyond.

    Judged by the share of held-back glyphs that are not found again, with their L1 to break ties,
    over ``rate_seeds`` trainings for each of the first ``rate_targets`` fonts.
    """
    some = [variant for variant in config.contestants() if variant != "copy_source"]
    held: dict[str, Shared[GlyphSet]] = {}
    if len(config.rate_factors) > 1:
        run.phase("choosing rates")
        for target in config.targets[: config.rate_targets]:
            held[target] = run.share(sets[target].validating(under(run.rng, "rates")))

    def valid(asked: Sequence[tuple[int, float]]) -> list[Any]:
        # seeds beyond those that are compared
        seeds = range(config.seeds, config.seeds + config.rate_seeds)
        items = [
            Training(
                glyphs, critic, at_rate(config, factor), some[place], target, seed, keeps=False
            )
            for place, factor in asked
            for target, glyphs in held.items()
            for seed in seeds
        ]
        found, _ = trainings(config, items, [critic, *held.values()], run)
        return list(np.array([_missed(one) for one in found]).reshape(len(asked), -1, 1))

    choices = choose(len(some), [config.steps], config.rate_factors, config.rate_growths, valid)
    return dict(zip(some, choices, strict=True))


def at_rate(config: StrokeGANConfig, factor: float) -> dict[str, Any]:
    """Return the settings that variants share, at a multiple of the rate."""
    settings = config.training()
    return settings | {"learning_rate": settings["learning_rate"] * factor}


def trainings(
    config: StrokeGANConfig, items: Sequence[Training], shared: Sequence[Shared[Any]], run: Run
) -> tuple[list[Trained | None], list[str]]:
    """Return what each training came to, or None and why it failed: none loses the others."""
    found: list[Trained | None] = []
    failures: list[str] = []
    resources = device_resources(config.device)
    for done, outcome in enumerate(
        run.stream(train, items, shared=list(shared), resources=resources), 1
    ):
        found.append(outcome.value if outcome.ok else None)
        failures.append(outcome.failure.kind if outcome.failure is not None else "")
        run.report(done, of=len(items), count=sum(one.steps for one in found if one is not None))
    return found, failures


def _missed(one: Trained | None) -> float:
    if one is None or one.diverged:
        return float("inf")
    return 1.0 - one.scores["retrieval"] + one.scores["l1"] / one.held_out
