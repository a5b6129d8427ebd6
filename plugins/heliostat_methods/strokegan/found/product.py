"""A trained generator with all that drawing a font needs: its settings and where it began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import Run, stored
from heliostat_methods.strokegan.glyph_sets import GlyphSet
from heliostat_methods.strokegan.tasks import Numbers, Trained, Training
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer
from heliostat_methods.strokegan.training.variants import variant_settings

KIND = "glyph_generator"


@stored("strokegan.generator")
@dataclass(frozen=True)
class FoundGenerator:
    """A training of the first paired seed; ``glyphs``: what it was trained with.

    ``trainer``: its whole state, so that it draws, and goes on where it stopped.
    """

    source: str
    target: str
    variant: str
    settings: Mapping[str, Any]
    glyphs: GlyphSet
    trainer: Numbers
    scores: Mapping[str, float]
    drawings: tuple[str, ...] = ()
    """Folders whose drawings became pairs."""

    def drawn(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return source glyphs (N, px, px) uint8 in the target's style, float32 in [0, 1]."""
        base = replace(TrainingSettings(**self.settings), device="cpu")
        settings = replace(variant_settings(self.variant, base), critic_weight=0.0)
        trainer = StrokeGANTrainer(self.glyphs.data(), settings)
        trainer.load(self.trainer.of)
        return trainer.generate(images)


def save_generators(
    source: str, targets: Sequence[str], sets: Mapping[str, GlyphSet], items: Sequence[Training],
    found: Sequence[Trained | None], run: Run, drawings: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Keep the generators of the first seed as products of the run."""
    for item, one in zip(items, found, strict=True):
        if one is not None and one.trainer is not None:
            made = FoundGenerator(source, item.target, item.variant, item.settings,
                                  sets[item.target], one.trainer, one.scores,
                                  drawings)  # fmt: skip
            run.save(product_name(item.variant, item.target, targets), made, kind=KIND)


def product_name(variant: str, target: str, targets: Sequence[str]) -> str:
    """Return how a run's product is called: font-VARIANT, with the target where there are more."""
    return f"font-{variant}" if len(targets) == 1 else f"font-{variant}-{targets.index(target)}"
