"""What runs on a worker: a critic that learns to read, and a variant trained and held to truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
from heliostat_methods.strokegan.critics.training import CriticSettings, CriticTraining
from heliostat_methods.strokegan.evaluation.scores import read_codes, scored, worst_glyphs
from heliostat_methods.strokegan.glyph_sets import GlyphSet
from heliostat_methods.strokegan.strokes.vocabulary import StrokeVocabulary
from heliostat_methods.strokegan.training.auto_tune import measured_modes
from heliostat_methods.strokegan.training.diverged import GlyphTrainingDiverged
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer
from heliostat_methods.strokegan.training.variants import variant_settings
from heliostat_search.supervised.streams import under

Array = npt.NDArray[Any]
_CHECK_EVERY = 10
"""Steps between offers of a checkpoint; the platform keeps one every so many seconds."""
SHOWN = 24
"""Held-out glyphs that a report shows."""


@stored("strokegan.primer")
@dataclass(frozen=True)
class Primer:
    """What a critic learns to read: fonts (F, N, px, px) uint8 by name, codes (N, 32)."""

    fonts: tuple[str, ...]
    characters: str
    glyphs: Array
    codes: Array


@stored("strokegan.critic_lesson")
@dataclass(frozen=True)
class CriticLesson:
    """A critic's training; ``never``: target fonts, which it must not see."""

    primer: Shared[Primer]
    steps: int
    never: tuple[str, ...]


@stored("strokegan.numbers")
@dataclass(frozen=True)
class Numbers:
    """A module's numbers by name."""

    of: Mapping[str, Any]


@stored("strokegan.training")
@dataclass(frozen=True)
class Training:
    """A variant trained for one target font under one seed; ``begin``: from a trainer's state.

    ``called``: its name in tables, if it is not the variant's.
    """

    glyphs: Shared[GlyphSet]
    critic: Shared[Numbers]
    settings: Mapping[str, Any]
    variant: str
    target: str
    seed: int
    keeps: bool
    begin: Shared[Numbers] | None = None
    called: str = ""

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self.called or self.variant


@stored("strokegan.bad_glyph")
@dataclass(frozen=True)
class BadGlyph:
    """A held-out glyph far from the true one, and the strokes that a critic reads otherwise."""

    character: str
    l1: float
    missing: tuple[str, ...]
    extra: tuple[str, ...]


@stored("strokegan.trained")
@dataclass(frozen=True)
class Trained:
    """What a training came to. ``scores``: metrics; ``records``: loss terms by step.

    ``shown``: (SHOWN, px, px) uint8 of the first held-out characters; ``worst``: the glyphs that
    are farthest from the truth, and ``worst_shown`` (n, 3, px, px) uint8: source, drawn, true, of
    those where the training is kept; ``held_out``: how many glyphs were measured; ``trainer``:
    its state, from which a training goes on.
    """

    scores: Mapping[str, float]
    records: Mapping[str, Any]
    shown: Array
    worst: tuple[BadGlyph, ...]
    worst_shown: Array
    steps: int
    held_out: int
    trainer: Numbers | None
    diverged: str = ""


@task("strokegan.train_critic")
def train_critic(item: CriticLesson, ctx: TaskContext) -> Numbers:
    """Return a classifier of characters and strokes that never saw a target font."""
    primer = ctx.shared(item.primer)
    fonts = dict(zip(primer.fonts, np.array(primer.glyphs), strict=True))
    training = CriticTraining(
        fonts, tuple(primer.characters), np.asarray(primer.codes), item.never[0],
        under(ctx.rng, "critic"), CriticSettings(steps=item.steps),
    )  # fmt: skip
    for target in item.never:
        training.classifier.refuse(target)
    kept: Numbers | None = ctx.restore(None)
    if kept is not None:
        training.load(kept.of)
    while not training.finished:
        training.step()
        if training.taken % _CHECK_EVERY == 0:
            ctx.checkpoint(Numbers(training.state()))
    return Numbers(training.classifier.state())


@stored("strokegan.mode_trial")
@dataclass(frozen=True)
class ModeTrial:
    """Settings whose arithmetic is to be chosen: each of ``precisions`` in each of ``formats``."""

    glyphs: Shared[GlyphSet]
    settings: Mapping[str, Any]
    variant: str
    precisions: tuple[str, ...]
    formats: tuple[str, ...]


@task("strokegan.fastest_mode")
def fastest_mode(item: ModeTrial, ctx: TaskContext) -> tuple[str, str]:
    """Return the precision and memory format in which steps took the least time here."""
    modes: Any = tuple((one, other) for one in item.precisions for other in item.formats)
    first = {"precision": modes[0][0], "memory_format": modes[0][1]}
    settings = variant_settings(item.variant, TrainingSettings(**{**item.settings, **first}))
    return measured_modes(ctx.shared(item.glyphs).data(), settings, modes).fastest


@task("strokegan.train")
def train(item: Training, ctx: TaskContext) -> Trained:
    """Train a variant, draw the held-out characters, and hold them against the true ones."""
    glyphs = ctx.shared(item.glyphs)
    data = glyphs.data()
    critic = GlyphClassifier.load(ctx.shared(item.critic).of)
    settings = variant_settings(item.variant, TrainingSettings(**item.settings))
    guide = critic.stroke_reader() if settings.critic_weight else None
    trainer = StrokeGANTrainer(data, settings, under(ctx.rng, "seed", item.seed, item.target),
                               critic=guide)  # fmt: skip
    kept: Numbers | None = ctx.restore(ctx.shared(item.begin) if item.begin else None)
    if kept is not None:
        trainer.load(kept.of)
    diverged = ""
    try:
        while not trainer.finished:
            trainer.step()
            if trainer.taken % _CHECK_EVERY == 0:
                ctx.checkpoint(Numbers(trainer.state()))
    except GlyphTrainingDiverged as error:
        diverged = str(error)
    return measured(trainer, glyphs, critic, item.keeps, diverged)


def measured(
    trainer: StrokeGANTrainer, glyphs: GlyphSet, critic: GlyphClassifier, keeps: bool,
    diverged: str = "",
) -> Trained:  # fmt: skip
    """Return what a trainer's generator makes of the held-out characters, and how good it is."""
    data = trainer.data
    test = data.test
    outputs = np.clip(trainer.generate(data.source[test]).astype(np.float64), 0, 1)
    truth = data.target[test] / 255.0
    classes = critic.classes([data.characters[row] for row in test])
    scores = scored(outputs, truth, np.asarray(glyphs.codes)[test], classes, critic)
    read, code = read_codes(critic, outputs), np.asarray(glyphs.codes)[test]
    apart = np.abs(outputs - truth).mean(axis=(1, 2))
    rows = worst_glyphs(outputs, truth)
    ids = StrokeVocabulary().ids
    worst = tuple(
        BadGlyph(
            data.characters[test[row]], float(apart[row]),
            tuple(ids[k] for k in np.flatnonzero(code[row] > read[row])),
            tuple(ids[k] for k in np.flatnonzero(code[row] < read[row])),
        )
        for row in rows
    )  # fmt: skip
    drawn = np.rint(255 * outputs[rows]).astype(np.uint8)
    beside = np.stack([data.source[test[rows]], drawn, data.target[test[rows]]], axis=1)
    shown = np.rint(255 * outputs[:SHOWN]).astype(np.uint8)
    state = Numbers(trainer.state()) if keeps and trainer.networks else None
    return Trained(scores.plain(), trainer.records, shown, worst, beside if keeps else beside[:0],
                   trainer.taken, len(test), state, diverged)  # fmt: skip
