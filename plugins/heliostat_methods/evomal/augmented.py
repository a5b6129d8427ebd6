"""Training on images that are shifted and flipped at random, as the released image runs do.

A kind of its own beside ``TrainingConfig``: only the comparison augments, so a search's items stay
what they are without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heliostat import stored
from heliostat_methods.evomal.training import TrainingConfig
from heliostat_search.augmentation import augment


@stored("evomal.augmented_training")
@dataclass(frozen=True)
class AugmentedTraining(TrainingConfig):
    """Steps of SGD on random crops of images padded by ``padding``, every other one flipped."""

    padding: int = 4
    flip: bool = True

    def batch(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return a batch (B, channels, height, width) as a step sees it; the images stay."""
        return torch.from_numpy(augment(images.numpy(), rng, self.padding, self.flip))
