"""How a generator of glyphs is trained: everything that a variant may change, as one value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from heliostat_methods.strokegan.losses.adversarial import ADVERSARIAL, Adversarial
from heliostat_methods.strokegan.losses.strokes import STROKE_LOSSES, StrokeLoss
from heliostat_methods.strokegan.networks.image_size import check_image_size

Objective = Literal["cycle", "paired", "pairs_only", "copy"]
Generator = Literal["resnet", "unet"]
StrokeTargets = Literal["real", "fake", "both", "released"]
PairedCharacters = Literal["selected", "all"]
Schedule = Literal["linear", "constant"]
Precision = Literal["float32", "bfloat16"]
MemoryFormat = Literal["contiguous", "channels_last"]
Device = Literal["cpu", "cuda", "auto"]


@dataclass(frozen=True)
class TrainingSettings:
    """A training; the defaults are a small StrokeGAN+. Raises ``ValueError`` naming the field.

    The authors': 128 px, 3 channels, width 64, 9 blocks, batch 2, rate 2e-4 with betas 0.5 and
    0.999, linear decay over the second half, pool 50, identity weight 0.5, `mse` stroke loss of
    weight 0.18. Ours where it differs: grey, no identity term and no pool, `bce`, averaged weights.
    """

    objective: Objective = "cycle"
    """Two generators there and back; one from pairs with a discriminator; one from pairs alone;
    or nothing: the source as it is."""
    image_size: int = 32
    """Side of a picture in pixels, a multiple of 4 from 16."""
    channels: int = 1
    """1: grey. 3: copies of it, as the authors have."""
    generator: Generator = "resnet"
    width: int = 64
    """Channels of the networks at full size."""
    blocks: int = 9
    """Residual blocks of a generator."""
    discriminator_width: int | None = None
    """The generators' width without one."""
    discriminator_layers: int | None = None
    """Convolutions that halve; 3, or as many as fit, without a number."""

    steps: int = 500
    batch: int = 8
    """Pictures of each font in a step; fewer where there are not so many."""
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    schedule: Schedule = "linear"
    """linear: constant over the first half, then down to 0."""

    adversarial: Adversarial = "lsgan"
    cycle_weight: float = 10.0
    identity_weight: float = 0.0
    """As a multiple of the cycle's; the authors' 0.5 costs two passes and helps colours."""
    stroke_weight: float = 0.18
    stroke_loss: StrokeLoss = "bce"
    stroke_targets: StrokeTargets = "real"
    """Which pictures teach the discriminator's stroke head [R]; ``released``: as the code has it,
    with labels of other pictures."""
    stroke_to_generator: bool = True
    stroke_ramp: float = 0.2
    """Over this share of the steps the generator's stroke weight rises to its value; the
    discriminator's has it from the beginning."""
    pair_weight: float = 10.0
    """Of the pixel loss on pairs [R]."""
    paired_characters: PairedCharacters = "selected"
    """all: every training character is a pair, which pix2pix and zi2zi need."""
    warm_start: int = 0
    """First steps, on pairs alone."""
    critic_weight: float = 0.0
    """Of what a frozen critic reads of generated pictures."""
    constancy_weight: float = 0.0
    category_weight: float = 0.0
    embedding: int = 32
    """Numbers of a font's embedding, where the generator has one (zi2zi)."""

    shift: int = 2
    """Most pixels by which pictures are moved, alike in a pair."""
    flip: bool = False
    """Mirrors pictures, as the released code does; mirrored characters are wrong."""
    pool: int = 0
    """Generated pictures, with their codes, from which a discriminator's are taken."""

    average: float = 0.99
    """What draws has weights averaged over steps: of the average so much is kept at a step, less
    in the first ones; 0: the last weights, as the authors have."""
    record_every: int = 10
    merged: bool = True
    """Several batches in one pass; the same losses within rounding."""
    precision: Precision = "float32"
    memory_format: MemoryFormat = "contiguous"
    device: Device = "cpu"

    def __post_init__(self) -> None:
        check_image_size(self.image_size)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
        for name in _WEIGHTS:
            value = getattr(self, name)
            if not (0 <= value < math.inf):
                raise ValueError(f"{name} must be 0 or more and finite, got {value}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be more than 0, got {self.learning_rate}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must lie in [0, 1), got {self.average}")
        if not 0 <= self.stroke_ramp <= 1:
            raise ValueError(f"stroke_ramp must be from 0 to 1, got {self.stroke_ramp}")
        if self.shift > self.image_size // 4:
            raise ValueError(
                f"shift must be at most a quarter of image_size, {self.image_size // 4}, "
                f"got {self.shift}"
            )
        self._fits_together()

    def _fits_together(self) -> None:
        if self.warm_start and self.objective == "cycle" and not self.pair_weight:
            raise ValueError(
                f"warm_start must be 0 where pair_weight is 0, got {self.warm_start}: it learns "
                "from pairs"
            )
        if self.warm_start and self.objective != "cycle":
            raise ValueError(
                f"warm_start must be 0 unless objective is cycle, got {self.warm_start}"
            )
        if self.warm_start > self.steps:
            raise ValueError(f"warm_start must be at most steps, {self.steps}")
        styled = self.constancy_weight or self.category_weight
        if styled and (self.objective, self.generator) != ("paired", "unet"):
            raise ValueError(
                "constancy_weight and category_weight must be 0 unless objective is paired and "
                "generator unet"
            )
        if self.flip and self.pair_weight and self.objective == "cycle":
            raise ValueError("flip must be off where there are pairs")

    @property
    def needs_pairs(self) -> bool:
        """Whether it learns from pairs."""
        return self.objective in ("paired", "pairs_only") or (
            self.objective == "cycle" and self.pair_weight > 0
        )


_CHOICES: dict[str, tuple[Any, ...]] = {
    "objective": get_args(Objective),
    "generator": get_args(Generator),
    "schedule": get_args(Schedule),
    "adversarial": ADVERSARIAL,
    "stroke_loss": STROKE_LOSSES,
    "stroke_targets": get_args(StrokeTargets),
    "paired_characters": get_args(PairedCharacters),
    "precision": get_args(Precision),
    "memory_format": get_args(MemoryFormat),
    "device": get_args(Device),
}
_LEAST = {
    "channels": 1, "width": 1, "blocks": 0, "discriminator_width": 1, "discriminator_layers": 1,
    "steps": 1, "batch": 1, "warm_start": 0, "embedding": 1, "shift": 0, "pool": 0,
    "record_every": 1,
}  # fmt: skip
_WEIGHTS = (
    "cycle_weight", "identity_weight", "stroke_weight", "pair_weight", "critic_weight",
    "constancy_weight", "category_weight",
)  # fmt: skip
