"""A trained classifier of glyphs: which character, which strokes, and features in between."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.strokegan.critics.network import (
    GlyphNetwork,
    Read,
    StrokeReader,
    drawn_network,
)

_PORTION = 256
_SIZES = ("image_size", "stroke_dim", "width", "feature_dim")
Floats = NDArray[np.float32]


class GlyphClassifier:
    """Reads glyphs (N, px, px): uint8 with white 255, or floats in [0, 1].

    ``characters``: its classes, in order; ``fonts``: the names of those it was trained on. See
    `train_glyph_classifier`. Raises ``ValueError`` for pictures that are neither.
    """

    def __init__(
        self,
        characters: Sequence[str],
        fonts: Sequence[str],
        image_size: int,
        stroke_dim: int = 32,
        width: int = 16,
        feature_dim: int = 64,
        seed: int = 0,
    ) -> None:
        self.characters, self.fonts = tuple(characters), tuple(fonts)
        if len(self.characters) < 2 or len(set(self.characters)) < len(self.characters):
            raise ValueError("characters: expected at least 2, each once")
        self.image_size, self.stroke_dim = image_size, stroke_dim
        self.width, self.feature_dim = width, feature_dim
        self.network: GlyphNetwork = drawn_network(
            image_size, len(self.characters), stroke_dim, width, feature_dim, seed
        ).eval()

    def refuse(self, target: str) -> None:
        """Raise ``ValueError`` if it was trained on the font called ``target``.

        A classifier that saw the target font finds its characters in anything like it.
        """
        refuse_target(target, self.fonts)

    def classes(self, characters: Sequence[str]) -> NDArray[np.int64]:
        """Return the places (N,) of characters among its classes; ValueError for another one."""
        places = {char: at for at, char in enumerate(self.characters)}
        unknown = [char for char in characters if char not in places]
        if unknown:
            raise ValueError(f"characters: {' '.join(unknown[:20])} it was not taught")
        return np.array([places[char] for char in characters], np.int64)

    def features(self, glyphs: NDArray[Any]) -> Floats:
        """Return features (N, F)."""
        return self._read(glyphs, "features")

    def predicted(self, glyphs: NDArray[Any]) -> NDArray[np.int64]:
        """Return which of ``characters`` each glyph is taken for, (N,)."""
        return np.asarray(self._read(glyphs, "characters").argmax(axis=1), np.int64)

    def stroke_logits(self, glyphs: NDArray[Any]) -> Floats:
        """Return logits (N, S) of the strokes; above 0 a stroke is there."""
        return self._read(glyphs, "strokes")

    def maps(self, glyphs: NDArray[Any]) -> tuple[Floats, ...]:
        """Return what each layer gives, (N, c, h, w), from the first on."""
        with torch.inference_mode():
            parts = [self.network.maps(one) for one in self._portions(glyphs)]
        return tuple(
            np.asarray(torch.cat(list(layer)).numpy(), np.float32)
            for layer in zip(*parts, strict=True)
        )

    def stroke_reader(self) -> StrokeReader:
        """Return a frozen copy that reads stroke logits of tensors, to guide a generator."""
        return StrokeReader(copy.deepcopy(self.network)).eval().requires_grad_(False)

    def state(self) -> dict[str, Any]:
        """Return everything it is: sizes, characters, names of fonts, and arrays by name."""
        arrays = {
            f"network/{name}": value.cpu().numpy().copy()
            for name, value in self.network.state_dict().items()
        }
        sizes = {name: getattr(self, name) for name in _SIZES}
        return {
            "characters": "".join(self.characters),
            "fonts": list(self.fonts),
            **sizes,
            **arrays,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> GlyphClassifier:
        """Return the classifier of a state."""
        sizes = {name: int(state[name]) for name in _SIZES}
        found = cls(tuple(state["characters"]), tuple(state["fonts"]), **sizes)
        found.network.load_state_dict(
            {
                name: torch.from_numpy(np.array(state[f"network/{name}"]))
                for name in found.network.state_dict()
            }
        )
        return found

    def _read(self, glyphs: NDArray[Any], part: str) -> Floats:
        with torch.inference_mode():
            read: list[Read] = [self.network(one) for one in self._portions(glyphs)]
            whole: Tensor = torch.cat([getattr(one, part) for one in read])
        return np.asarray(whole.numpy(), np.float32)

    def _portions(self, glyphs: NDArray[Any]) -> list[Tensor]:
        return list(torch.split(self._inputs(np.asarray(glyphs)), _PORTION))

    def _inputs(self, glyphs: NDArray[Any]) -> Tensor:
        side = self.image_size
        if glyphs.ndim != 3 or glyphs.shape[1:] != (side, side):
            raise ValueError(f"glyphs: shape {glyphs.shape}, expected (N, {side}, {side})")
        if glyphs.dtype == np.uint8:
            scaled = glyphs.astype(np.float32) / 127.5 - 1.0
        elif np.issubdtype(glyphs.dtype, np.floating):
            if glyphs.size and not (glyphs.min() >= -1e-6 and glyphs.max() <= 1 + 1e-6):
                raise ValueError("glyphs: expected floats in [0, 1], without NaN")
            scaled = glyphs.astype(np.float32) * 2.0 - 1.0
        else:
            raise ValueError(f"glyphs: {glyphs.dtype}, expected uint8 or floats in [0, 1]")
        return torch.from_numpy(np.ascontiguousarray(scaled[:, None]))


def refuse_target(target: str, fonts: Sequence[str]) -> None:
    """Raise ``ValueError`` if ``target`` is one of a classifier's training fonts."""
    if target in fonts:
        raise ValueError(
            f"target: {target!r} is among the classifier's training fonts "
            f"({', '.join(fonts)}); it must not have seen the font that it judges"
        )
