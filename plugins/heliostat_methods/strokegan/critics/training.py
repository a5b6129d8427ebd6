"""A glyph classifier taught on several fonts, moved by a few pixels at every step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier, refuse_target
from heliostat_methods.strokegan.pairs.font_pair_data import Glyphs
from heliostat_methods.strokegan.pairs.shifted_glyphs import ShiftedGlyphs
from heliostat_methods.strokegan.training.stored_numbers import (
    below,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
)
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.streams import Streams, streams_from


@dataclass(frozen=True)
class CriticSettings:
    """How a classifier is taught. Raises ``ValueError`` naming the field.

    AdamW with decay 0.05, binary cross entropy and shifts by 2 px: with the square error and no
    shifts a head read held-out characters worse than the majority does. Of one font it learns that
    font and not its characters: take four or more.
    """

    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    """Falls to 0 as half a cosine."""
    weight_decay: float = 0.05
    shift: int = 2
    width: int = 16
    features: int = 128
    stroke_weight: float = 1.0
    """Of the strokes' loss, beside the characters'."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "width", "features"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("shift", "weight_decay", "stroke_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be more than 0, got {self.learning_rate}")


class CriticTraining:
    """Teaches a classifier of ``characters`` (N) on the glyphs (N, px, px) of ``fonts``, in steps.

    ``codes``: (N, 32), 0..1. ``target``: the name of the font that it is to judge, which must not
    be among ``fonts``. ``streams``: random streams by name, or a seed. On the CPU, in seconds at 32
    px. Raises ``ValueError`` where parts do not fit.
    """

    def __init__(
        self,
        fonts: Mapping[str, Glyphs],
        characters: Sequence[str],
        codes: ArrayLike,
        target: str,
        streams: Streams | int = 0,
        settings: CriticSettings | None = None,
    ) -> None:
        s = self.settings = settings or CriticSettings()
        refuse_target(target, tuple(fonts))
        self._labels = _checked(fonts, characters, codes)
        self._streams = streams if callable(streams) else streams_from(int(streams))
        glyphs = np.concatenate([np.asarray(one) for one in fonts.values()])
        self.classifier = GlyphClassifier(
            characters, tuple(fonts), glyphs.shape[1], self._labels.shape[1], s.width, s.features,
            int(self._streams("critic", "init").integers(1 << 62)),
        )  # fmt: skip
        self._shown = ShiftedGlyphs(glyphs, s.shift)
        self._batches = Batches([self._streams], "critic", len(glyphs), s.batch)
        # a batch of one has no deviation to normalise by
        if self._batches.size < 2:
            raise ValueError(f"batch must be at least 2, got {self._batches.size}")
        self._optimiser = torch.optim.AdamW(
            self.classifier.network.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay,
            fused=True,
        )  # fmt: skip
        self.taken = 0

    @property
    def finished(self) -> bool:
        """Whether all steps of the settings are taken."""
        return self.taken >= self.settings.steps

    def step(self) -> None:
        """Take one step."""
        s, network = self.settings, self.classifier.network.train()
        rows = self._batches.at(self.taken)[0].numpy()
        drawn = self._streams("critic", "shift", self.taken)
        shifts = drawn.integers(-s.shift, s.shift + 1, (len(rows), 2))
        of = torch.from_numpy(rows % len(self.classifier.characters))
        with torch.enable_grad():
            read = network(self._shown.take(rows, shifts))
            strokes = functional.binary_cross_entropy_with_logits(read.strokes, self._labels[of])
            loss = functional.cross_entropy(read.characters, of) + s.stroke_weight * strokes
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._optimiser.param_groups:
            group["lr"] = s.learning_rate * 0.5 * (1 + math.cos(math.pi * self.taken / s.steps))
        self._optimiser.step()
        network.eval()
        self.taken += 1

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        moments = optimiser_arrays(self._optimiser)
        return {
            "step": self.taken,
            **{f"network/{k}": v for k, v in module_arrays(self.classifier.network).items()},
            **{f"adam/{k}": v for k, v in moments.items()},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same fonts, settings and streams."""
        load_module(self.classifier.network, below(state, "network"), "network")
        load_optimiser(self._optimiser, below(state, "adam"))
        self.taken = int(state["step"])


def train_glyph_classifier(
    fonts: Mapping[str, Glyphs],
    characters: Sequence[str],
    codes: ArrayLike,
    target: str,
    streams: Streams | int = 0,
    settings: CriticSettings | None = None,
) -> GlyphClassifier:
    """Return a classifier that was taught to the end; arguments and errors of `CriticTraining`."""
    training = CriticTraining(fonts, characters, codes, target, streams, settings)
    while not training.finished:
        training.step()
    return training.classifier


def _checked(
    fonts: Mapping[str, Glyphs], characters: Sequence[str], codes: ArrayLike
) -> torch.Tensor:
    if not fonts:
        raise ValueError("fonts: expected at least one to learn from")
    shapes = {name: np.asarray(one).shape for name, one in fonts.items()}
    first = next(iter(shapes.values()))
    for name, shape in shapes.items():
        if len(shape) != 3 or shape != first or shape[0] != len(characters):
            raise ValueError(
                f"fonts[{name!r}]: shape {shape}, expected ({len(characters)}, px, px), alike"
            )
        if fonts[name].dtype != np.uint8:
            raise ValueError(f"fonts[{name!r}]: {fonts[name].dtype}, expected uint8")
    labels = np.asarray(codes, np.float32)
    if labels.ndim != 2 or len(labels) != len(characters) or not labels.shape[1]:
        raise ValueError(f"codes: shape {labels.shape}, expected ({len(characters)}, strokes)")
    if not (labels.min() >= 0 and labels.max() <= 1):
        raise ValueError("codes: expected numbers from 0 to 1")
    return torch.from_numpy(labels)
