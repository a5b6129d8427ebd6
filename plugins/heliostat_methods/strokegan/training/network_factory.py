"""The networks of a training, with first weights from named streams."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from heliostat_methods.strokegan.networks.patch_discriminator import PatchDiscriminator
from heliostat_methods.strokegan.networks.residual_generator import ResnetGenerator
from heliostat_methods.strokegan.networks.unet_generator import UNetGenerator
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_search.supervised.streams import Streams
from heliostat_search.unrolled.drawing import drawing_from


class OwnNetworks(Protocol):
    """Makes the networks of a direction: other models, round which strokes and pairs go.

    A generator of pictures (N, C, px, px) in [-1, 1], and a discriminator whose call gives a map
    and logits (N, 32), such as `WithStrokes`. First weights may come from torch's own generator,
    which begins at a seed of the direction.
    """

    def __call__(self, direction: str) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator of ``to_target`` or ``to_source``."""
        ...


def create_networks(
    settings: TrainingSettings,
    streams: Streams,
    stroke_dim: int,
    fonts: int = 1,
    own: OwnNetworks | None = None,
) -> dict[str, nn.Module]:
    """Return the networks of an objective by name: ``to_target``, ``judge_target``, and back.

    Each network, and each stroke head, has a stream of its own, so that the variants of a seed
    begin with the same numbers in what they share.
    """
    if settings.objective == "copy":
        return {}
    directions = ("target", "source") if settings.objective == "cycle" else ("target",)
    networks: dict[str, nn.Module] = {}
    for direction in directions:
        with drawing_from(int(streams("init", direction).integers(1 << 62))):
            if own is not None:
                pair = own(f"to_{direction}")
            else:
                pair = _own_pair(settings, streams, direction, stroke_dim, fonts)
        networks[f"to_{direction}"] = pair[0]
        if settings.objective != "pairs_only":
            networks[f"judge_{direction}"] = pair[1]
    return networks


def _own_pair(
    settings: TrainingSettings, streams: Streams, direction: str, stroke_dim: int, fonts: int
) -> tuple[nn.Module, nn.Module]:
    def drawn(what: str) -> torch.Generator:
        seed = int(streams("init", direction, what).integers(1 << 62))
        return torch.Generator().manual_seed(seed)

    s = settings
    styled = bool(s.constancy_weight or s.category_weight)
    generator: nn.Module
    if s.generator == "unet":
        generator = UNetGenerator(
            s.channels, s.width, s.image_size, fonts if styled else 0, s.embedding,
            drawn("generator"),
        )  # fmt: skip
    else:
        generator = ResnetGenerator(s.channels, s.width, s.blocks, drawn("generator"))
    if s.objective == "pairs_only":
        return generator, nn.Identity()
    judge = PatchDiscriminator(
        s.channels * (2 if s.objective == "paired" else 1), s.discriminator_width or s.width,
        s.discriminator_layers, s.image_size, stroke_dim if s.stroke_weight else 0,
        fonts if s.category_weight else 0, drawn("discriminator"), drawn("strokes"),
    )  # fmt: skip
    return generator, judge
