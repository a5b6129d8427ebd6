"""What all trainings of a run are held to: a critic of other fonts, and the true glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat import ConfigError, Run
from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
from heliostat_methods.strokegan.evaluation.scores import scored
from heliostat_methods.strokegan.glyph_sets import GlyphSet, renderer
from heliostat_methods.strokegan.tasks import SHOWN, CriticLesson, Numbers, Primer, train_critic


def taught_critic(
    glyphs: GlyphSet, source: str, further: Sequence[str], never: Sequence[str], steps: int,
    run: Run,
) -> Numbers:  # fmt: skip
    """Return a critic that reads a set's characters, from the source and ``further`` fonts.

    Those that are judged, and of those that train what all these fonts have. Raises ConfigError
    where one lacks a character that is judged.
    """
    run.phase("teaching the critic to read")
    size = int(np.asarray(glyphs.source).shape[1])
    fonts = {name: renderer("critics", name, size) for name in further}
    for name, font in fonts.items():
        lacking = [glyphs.characters[row] for row in np.asarray(glyphs.test)
                   if glyphs.characters[row] not in font.characters]  # fmt: skip
        if lacking:
            raise ConfigError("critics", name, "a font of all characters that are judged",
                              f"it lacks {' '.join(lacking[:20])}")  # fmt: skip
    common = frozenset(glyphs.characters).intersection(*(one.characters for one in fonts.values()))
    rows = [
        row for row in np.union1d(glyphs.train, glyphs.test).tolist()
        if glyphs.characters[row] in common
    ]  # fmt: skip
    characters = "".join(glyphs.characters[row] for row in rows)
    drawn = [np.array(font.render(characters)) for font in fonts.values()]
    pictures = np.stack([np.asarray(glyphs.source)[rows], *drawn])
    primer = run.share(Primer((source, *further), characters, pictures,
                              np.asarray(glyphs.codes)[rows]))  # fmt: skip
    lesson = CriticLesson(primer, steps, tuple(never))
    taught: Numbers = run.call(train_critic, lesson, shared=[primer]).unwrap()
    return taught


def ceiling(glyphs: GlyphSet, critic: Numbers) -> dict[str, Any]:
    """Return the metrics of the true glyphs, and the glyphs that a report shows beside others."""
    test = np.asarray(glyphs.test)
    truth = np.asarray(glyphs.target)[test] / 255.0
    reader = GlyphClassifier.load(critic.of)
    classes = reader.classes([glyphs.characters[row] for row in test])
    codes = np.asarray(glyphs.codes)[test]
    scores = scored(truth, truth, codes, classes, reader)
    return {
        "scores": scores.plain(),
        "characters": "".join(glyphs.characters[row] for row in test[:SHOWN]),
        "source": np.asarray(glyphs.source)[test[:SHOWN]],
        "truth": np.asarray(glyphs.target)[test[:SHOWN]],
        "counts": [len(glyphs.train), len(glyphs.test), len(glyphs.paired)],
        "unpaired": len(glyphs.source_only),
        "majority": float(np.minimum(codes.mean(axis=0), 1 - codes.mean(axis=0)).mean()),
    }
