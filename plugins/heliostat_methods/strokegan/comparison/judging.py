"""What all trainings of a run are held to: a critic of other fonts, and the true glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat import Run
from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
from heliostat_methods.strokegan.evaluation.scores import scored
from heliostat_methods.strokegan.glyph_sets import GlyphSet, renderer
from heliostat_methods.strokegan.tasks import SHOWN, CriticLesson, Numbers, Primer, train_critic


def taught_critic(
    glyphs: GlyphSet, source: str, further: Sequence[str], never: Sequence[str], steps: int,
    run: Run,
) -> Numbers:  # fmt: skip
    """Return a critic that reads a set's characters, from the source and ``further`` fonts.

    Characters that only the source font has are never judged, and not taught.
    """
    run.phase("teaching the critic to read")
    known = len(glyphs.characters) - len(np.asarray(glyphs.source_only))
    characters = glyphs.characters[:known]
    size = int(np.asarray(glyphs.source).shape[1])
    drawn = [np.array(renderer("critics", name, size).render(characters)) for name in further]
    pictures = np.stack([np.asarray(glyphs.source)[:known], *drawn])
    primer = run.share(Primer((source, *further), characters, pictures,
                              np.asarray(glyphs.codes)[:known]))  # fmt: skip
    lesson = CriticLesson(primer, steps, tuple(never))
    taught: Numbers = run.call(train_critic, lesson, shared=[primer]).unwrap()
    return taught


def ceiling(glyphs: GlyphSet, critic: Numbers) -> dict[str, Any]:
    """Return the metrics of the true glyphs, and the glyphs that a report shows beside others."""
    test = np.asarray(glyphs.test)
    truth = np.asarray(glyphs.target)[test] / 255.0
    reader = GlyphClassifier.load(critic.of)
    scores = scored(truth, truth, np.asarray(glyphs.codes)[test], test, reader)
    return {
        "scores": scores.plain(),
        "characters": "".join(glyphs.characters[row] for row in test[:SHOWN]),
        "source": np.asarray(glyphs.source)[test[:SHOWN]],
        "truth": np.asarray(glyphs.target)[test[:SHOWN]],
        "counts": [len(glyphs.train), len(glyphs.test), len(glyphs.paired)],
    }
