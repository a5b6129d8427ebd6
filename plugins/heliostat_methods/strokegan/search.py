"""The search: glyphs drawn, a critic, every variant for every font and seed, what is compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.strokegan.comparison.concluding import Asked, concluded
from heliostat_methods.strokegan.comparison.judging import ceiling, taught_critic
from heliostat_methods.strokegan.comparison.modes import in_fastest_mode
from heliostat_methods.strokegan.comparison.rates import at_rate, chosen_rates, trainings
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.found.product import save_generators
from heliostat_methods.strokegan.glyph_sets import (
    GlyphSet,
    further_characters,
    glyph_set,
    refuse_repeated,
    renderer,
    shared_characters,
)
from heliostat_methods.strokegan.going_on import go_on
from heliostat_methods.strokegan.tasks import Numbers, Training
from heliostat_search.devices import refuse_missing_gpu
from heliostat_search.trainings.choosing import Choice

QUESTIONS = (
    Asked("strokegan_plus", "cyclegan_fs3", "the stroke loss adds to pairs"),
    Asked("strokegan", "cyclegan", "the stroke loss adds without pairs"),
    Asked("cyclegan_fs3", "cyclegan", "pairs add"),
    Asked("strokegan_plus", "l1_pairs_only", "the method adds to its pairs alone"),
)


def search(config: StrokeGANConfig, run: Run) -> dict[str, Any]:
    """Train every variant for every target font and seed, and hold all of them to the truth."""
    refuse_missing_gpu(config.device, run)
    if config.begin is not None:
        return go_on(config, run)
    run.phase("drawing glyphs")
    sets = _drawn(config, run)
    critic = taught_critic(next(iter(sets.values())), config.source, config.critics,
                           config.targets, config.critic_steps, run)  # fmt: skip
    shared = run.share(critic)
    handles = {target: run.share(glyphs) for target, glyphs in sets.items()}
    given = config
    config = in_fastest_mode(config, next(iter(handles.values())), run)
    choices = chosen_rates(config, sets, shared, run)
    items = _items(config, handles, shared, choices)
    run.phase("training")
    found, failures = trainings(config, items, [shared, *handles.values()], run)
    save_generators(config.source, config.targets, sets, items, found, run)
    ceilings = {target: ceiling(glyphs, critic) for target, glyphs in sets.items()}
    measured = "auto" in (given.precision, given.memory_format)
    return concluded(config, config.source, config.targets, config.contestants(), QUESTIONS, items,
                     found, failures, ceilings, choices) | {"mode_measured": measured}  # fmt: skip


def _drawn(config: StrokeGANConfig, run: Run) -> dict[str, GlyphSet]:
    source = renderer("source", config.source, config.size)
    targets = {name: renderer("targets", name, config.size) for name in config.targets}
    critics = [renderer("critics", name, config.size) for name in config.critics]
    refuse_repeated(config.source, config.targets, config.critics)
    known = shared_characters([source, *targets.values(), *critics], config.characters)
    every = (*known, *further_characters(source, known, config.unpaired))
    pictures = np.array(source.render(every))
    return {
        target: glyph_set(every, pictures, np.array(one.render(known)), config.train_share,
                          config.pairs, config.strategy, run.rng)
        for target, one in targets.items()
    }  # fmt: skip


def _items(
    config: StrokeGANConfig, handles: dict[str, Shared[GlyphSet]], critic: Shared[Numbers],
    choices: dict[str, Choice],
) -> list[Training]:  # fmt: skip
    made = []
    for target in config.targets:
        for variant in config.contestants():
            # what copies has neither a seed nor a rate
            copies = variant == "copy_source"
            seeds = 1 if copies else config.seeds
            settings = at_rate(config, 1.0 if copies else choices[variant].at_end.factor)
            for seed in range(seeds):
                made.append(Training(handles[target], critic, settings, variant, target, seed,
                                     keeps=seed == 0))  # fmt: skip
    return made
