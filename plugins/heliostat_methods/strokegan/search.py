"""The search: glyphs drawn, a critic, every variant for every font and seed, what is compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat import ConfigError, Run, Shared
from heliostat_methods.strokegan.comparison.concluding import concluded
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
from heliostat_methods.strokegan.evaluation.scores import scored
from heliostat_methods.strokegan.found.product import save_generators
from heliostat_methods.strokegan.glyph_sets import (
    GlyphSet,
    glyph_set,
    renderer,
    shared_characters,
)
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.tasks import (
    SHOWN,
    CriticLesson,
    Numbers,
    Trained,
    Training,
    train,
    train_critic,
)
from heliostat_search.devices import device_resources, refuse_missing_gpu


def search(config: StrokeGANConfig, run: Run) -> dict[str, Any]:
    """Train every variant for every target font and seed, and hold all of them to the truth."""
    refuse_missing_gpu(config.device, run)
    run.phase("drawing glyphs")
    sets = _drawn(config, run)
    critic = _critic(config, sets, run)
    shared = run.share(critic)
    handles = {target: run.share(glyphs) for target, glyphs in sets.items()}
    items = _items(config, handles, shared)
    run.phase("training")
    found: list[Trained | None] = []
    failures: list[str] = []
    resources = device_resources(config.device)
    outcomes = run.stream(train, items, shared=[shared, *handles.values()], resources=resources)
    for done, outcome in enumerate(outcomes, 1):
        # one task that fails loses none of the others: it is a gap in the table, with its reason
        found.append(outcome.value if outcome.ok else None)
        failures.append(outcome.failure.kind if outcome.failure is not None else "")
        run.report(done, of=len(items), count=sum(one.steps for one in found if one is not None))
    if not any(found):
        raise ConfigError("variants", list(config.variants), "one that trains", failures[0])
    save_generators(config, sets, items, found, run)
    reader = GlyphClassifier.load(critic.of)
    ceilings = {target: _ceiling(glyphs, reader) for target, glyphs in sets.items()}
    return concluded(config, sets, items, found, failures, ceilings)


def _drawn(config: StrokeGANConfig, run: Run) -> dict[str, GlyphSet]:
    fonts = (config.source, *config.targets, *config.critics)
    for field, names in (("source", (config.source,)), ("targets", config.targets),
                         ("critics", config.critics)):  # fmt: skip
        for name in names:
            renderer(field, name, config.size)
    characters = shared_characters(fonts, config.characters)
    source = np.array(renderer("source", config.source, config.size).render(characters))
    made = {}
    for target in config.targets:
        glyphs = np.array(renderer("targets", target, config.size).render(characters))
        made[target] = glyph_set(characters, source, glyphs, config.train_share, config.pairs,
                                 config.strategy, run.rng)  # fmt: skip
    return made


def _critic(config: StrokeGANConfig, sets: dict[str, GlyphSet], run: Run) -> Numbers:
    run.phase("teaching the critic to read")
    one = next(iter(sets.values()))
    fonts = (config.source, *config.critics)
    drawn = [renderer("critics", name, config.size).render(tuple(one.characters))
             for name in config.critics]  # fmt: skip
    glyphs = np.stack([one.source, *map(np.array, drawn)])
    codes = StrokeEncoder().encode_all(tuple(one.characters))
    lesson = CriticLesson(fonts, one.characters, glyphs, codes, config.critic_steps,
                          config.targets)  # fmt: skip
    taught: Numbers = run.call(train_critic, lesson).unwrap()
    return taught


def _items(
    config: StrokeGANConfig, handles: dict[str, Shared[GlyphSet]], critic: Shared[Numbers]
) -> list[Training]:
    settings = config.training()
    made = []
    for target in config.targets:
        for variant in config.contestants():
            seeds = 1 if variant == "copy_source" else config.seeds
            for seed in range(seeds):
                made.append(Training(handles[target], critic, settings, variant, target, seed,
                                     keeps=seed == 0))  # fmt: skip
    return made


def _ceiling(glyphs: GlyphSet, critic: GlyphClassifier) -> dict[str, Any]:
    """Return the metrics of the true glyphs, and the glyphs that a report shows beside others."""
    test = np.asarray(glyphs.test)
    truth = np.asarray(glyphs.target)[test] / 255.0
    scores = scored(truth, truth, np.asarray(glyphs.codes)[test], test, critic)
    return {
        "scores": scores.plain(),
        "characters": "".join(glyphs.characters[row] for row in test[:SHOWN]),
        "source": np.asarray(glyphs.source)[test[:SHOWN]],
        "truth": np.asarray(glyphs.target)[test[:SHOWN]],
        "counts": [len(glyphs.train), len(glyphs.test), len(glyphs.paired)],
    }
