"""A training that goes on: longer, or with characters that a designer has drawn again.

What a generator draws badly is redrawn by hand, becomes a pair, and the training goes on from where
it stopped. Beside it, from the same state and for as many steps, one goes on without the drawings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat import ConfigError, Run
from heliostat_methods.strokegan.comparison.concluding import Asked, concluded
from heliostat_methods.strokegan.comparison.judging import ceiling, taught_critic
from heliostat_methods.strokegan.comparison.rates import trainings
from heliostat_methods.strokegan.config import ONWARDS, StrokeGANConfig
from heliostat_methods.strokegan.found.product import KIND, FoundGenerator, save_generators
from heliostat_methods.strokegan.glyph_sets import GlyphSet, refuse_repeated, renderer
from heliostat_methods.strokegan.names import BEFORE, LONGER, REDRAWN
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.tasks import Training

QUESTIONS = (
    Asked(REDRAWN, LONGER, "the drawings add to as many further steps"),
    Asked(REDRAWN, BEFORE, "going on with the drawings adds"),
    Asked(LONGER, BEFORE, "going on adds"),
)
LEAST = 2
"""Held-out characters that are left to judge by."""


def go_on(config: StrokeGANConfig, run: Run) -> dict[str, Any]:
    """Go on from a run's generator, with the drawings of ``redrawn`` if there are some."""
    assert config.begin is not None
    found: FoundGenerator = run.part(KIND, config.begin)
    _refuse_others(config, found)
    refuse_repeated(found.source, (found.target,), config.critics)
    run.phase("drawing glyphs")
    size = int(np.asarray(found.glyphs.source).shape[1])
    sets = {"": found.glyphs}
    if config.redrawn is not None:
        sets[config.redrawn] = _redrawn(config.redrawn, found, size)
    last = list(sets.values())[-1]
    if len(last.test) < LEAST:
        raise ConfigError("redrawn", config.redrawn, f"{LEAST} held-out characters that are left",
                          f"{len(last.test)} are, to judge by")  # fmt: skip
    # all are judged by the same characters
    without = GlyphSet(
        last.characters, last.source, _target(found.glyphs, last), last.codes, found.glyphs.train,
        last.test, found.glyphs.paired, found.glyphs.source_only,
    )  # fmt: skip
    critic = taught_critic(last, found.source, config.critics, (found.target,),
                           config.critic_steps, run)  # fmt: skip
    reader, state = run.share(critic), run.share(found.trainer)
    old, new = run.share(without), run.share(last)
    settings, further = _settings(config, found)

    def training(called: str, glyphs: Any, of: dict[str, Any], seed: int) -> Training:
        keeps = seed == 0 and called == contestants[-1]
        return Training(glyphs, reader, of, found.variant, found.target, seed, keeps, state, called)

    contestants = (BEFORE, LONGER) if config.redrawn is None else (BEFORE, LONGER, REDRAWN)
    items = [
        training(called, glyphs, of, seed)
        for called, glyphs, of in ((BEFORE, old, settings), (LONGER, old, further),
                                   (REDRAWN, new, further))
        for seed in range(config.seeds) if called in contestants
    ]  # fmt: skip
    run.phase("going on")
    made, failures = trainings(config, items, [reader, state, old, new], run)
    save_generators(found.source, (found.target,), {found.target: last}, items, made, run,
                    (*found.drawings, *([config.redrawn] if config.redrawn else [])))  # fmt: skip
    return concluded(
        config, found.source, (found.target,), contestants, QUESTIONS, items, made, failures,
        {found.target: ceiling(last, critic)}, {},
    )  # fmt: skip


def _refuse_others(config: StrokeGANConfig, found: FoundGenerator) -> None:
    """Raise ConfigError for a field that says something else than the run that it begins with."""
    had = {"source": found.source, "targets": (found.target,), "variants": (found.variant,)}
    said = config.training()
    names = {"size": "image_size"}
    for name in sorted(config.model_fields_set - set(ONWARDS)):
        value = getattr(config, name)
        key = names.get(name, name)
        before = had[name] if name in had else found.settings.get(key)
        mine = said.get(key, value)
        if name not in had and key not in found.settings:
            raise ConfigError(name, value, "no such setting together with begin",
                              "it is that of the run that it begins with")  # fmt: skip
        if mine != before:
            raise ConfigError(name, value, f"{before!r}, as the run has that it begins with")


def _redrawn(folder: str, found: FoundGenerator, size: int) -> GlyphSet:
    drawings = renderer("redrawn", folder, size)
    encoder, source = StrokeEncoder(), renderer("begin", found.source, size)
    characters = sorted(drawings.characters)
    for what, lacking in (
        ("the source font has no glyph for", set(characters) - source.characters),
        ("no strokes are known of", {one for one in characters if not encoder.knows(one)}),
    ):
        if lacking:
            raise ConfigError("redrawn", folder, "drawings of characters that can be paired",
                              f"{what} {_listed(sorted(lacking))}")  # fmt: skip
    try:
        target = drawings.render(characters)
    except ValueError as error:
        raise ConfigError("redrawn", folder, "a folder of drawings", str(error)) from None
    return found.glyphs.with_drawings(characters, np.array(source.render(characters)), target)


def _target(old: GlyphSet, new: GlyphSet) -> np.ndarray[Any, Any]:
    """Return target glyphs as they were, with room for characters that are new."""
    white = np.full_like(np.asarray(new.target)[len(old.characters) :], 255)
    return np.concatenate([np.asarray(old.target), white])


def _settings(
    config: StrokeGANConfig, found: FoundGenerator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings as they were, and those with further steps at the rate asked for."""
    own = dict(found.settings) | {"device": config.device}
    taken = int(found.trainer.of["step"])
    further = own | {"steps": taken + config.steps}
    if "learning_rate" in config.model_fields_set:
        further["learning_rate"] = config.learning_rate
    return own | {"steps": taken}, further


def _listed(characters: Sequence[str], most: int = 20) -> str:
    more = len(characters) - most
    return " ".join(characters[:most]) + (f" and {more:,} more" if more > 0 else "")
