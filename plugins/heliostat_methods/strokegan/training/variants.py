"""The variants and baselines that are compared, each as what it changes of the settings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heliostat_methods.strokegan.training.settings import TrainingSettings

_ONE_WAY: dict[str, Any] = {
    "objective": "paired", "generator": "unet", "pair_weight": 100.0, "paired_characters": "all",
    "warm_start": 0, "critic_weight": 0.0,
}  # fmt: skip
_STYLED: dict[str, Any] = {**_ONE_WAY, "constancy_weight": 15.0, "category_weight": 1.0}
_NO_STROKES: dict[str, Any] = {"stroke_weight": 0.0, "critic_weight": 0.0}
_NO_PAIRS: dict[str, Any] = {"pair_weight": 0.0, "warm_start": 0}

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "cyclegan": {**_NO_STROKES, **_NO_PAIRS},
    "strokegan": _NO_PAIRS,
    # The released code, errors included: a loss that broadcasts, labels of other pictures, nothing
    # for the generator, mirrored characters. Its weight is undefined there; 0.18 is from an issue.
    "strokegan_released": {
        **_NO_PAIRS, "stroke_weight": 0.18, "stroke_loss": "released",
        "stroke_targets": "released", "stroke_to_generator": False, "stroke_ramp": 0.0,
        "critic_weight": 0.0, "flip": True, "pool": 50,
    },
    "cyclegan_fs3": _NO_STROKES,
    "strokegan_plus": {},
    "pix2pix": {**_ONE_WAY, "stroke_weight": 0.0},
    "pix2pix_stroke": _ONE_WAY,
    "zi2zi_lite": {**_STYLED, "stroke_weight": 0.0},
    "zi2zi_stroke": _STYLED,
    "l1_pairs_only": {
        **_NO_STROKES, "objective": "pairs_only", "warm_start": 0, "pair_weight": 1.0,
    },
    "copy_source": {**_NO_STROKES, **_NO_PAIRS, "objective": "copy"},
}  # fmt: skip
"""What each changes, by name; ``strokegan_plus``, the method itself, changes nothing.

pix2pix and zi2zi take every training character as a pair, which is more than the others have.
"""

SENTENCES: Mapping[str, str] = {
    "cyclegan": "two generators there and back, no strokes, no pairs",
    "strokegan": "CycleGAN whose discriminators read the stroke code",
    "strokegan_released": "StrokeGAN as its code was released, errors included, for the record",
    "cyclegan_fs3": "CycleGAN with few pairs",
    "strokegan_plus": "strokes and few pairs: the method",
    "pix2pix": "one generator, a discriminator that sees the source too, all pairs",
    "pix2pix_stroke": "pix2pix whose discriminator reads the stroke code",
    "zi2zi_lite": "pix2pix with an embedding of fonts, constancy and category",
    "zi2zi_stroke": "zi2zi whose discriminator reads the stroke code",
    "l1_pairs_only": "a generator by pixel loss on the few pairs alone: the honest control",
    "copy_source": "the source glyph as it is: the floor",
}
"""What each is, in words."""


def variant_settings(name: str, base: TrainingSettings | None = None) -> TrainingSettings:
    """Return the settings of a variant, all else as in ``base``.

    A weight that a variant keeps is that of ``base``. Raises ``ValueError`` for another name.
    """
    if name not in VARIANTS:
        near = difflib.get_close_matches(name, VARIANTS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {name!r}{hint}")
    return replace(base or TrainingSettings(), **VARIANTS[name])
