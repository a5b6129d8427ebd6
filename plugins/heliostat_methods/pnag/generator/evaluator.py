"""How good an architecture is under a budget, R(alpha | B): a perceptron on [encoding ; g(B)].

Guo et al. 2022 (arXiv 2210.07634). It ranks and no more: R is known up to a constant of each
budget, so scores are comparable under one budget only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from heliostat.errors import DataError
from heliostat_methods.pnag.descent.perceptron import perceptron
from heliostat_methods.pnag.generator.budget_embedding import (
    BudgetEmbedding,
    Extrapolate,
    Interpolation,
)

EMBEDDING_BOUND = 1.0
"""Of the first budget vectors: as large as what stands in an encoding."""


class ArchitectureEvaluator(nn.Module):
    """Scores of architectures under budgets; float32.

    `features`: of an encoding. `widths`: hidden layers, 512 and 512 in the authors' code. Its
    budget vectors are its own (`size` numbers each).
    """

    def __init__(
        self,
        features: int,
        knots: ArrayLike,
        rng: np.random.Generator,
        widths: Sequence[int] = (512, 512),
        size: int = 64,
        extrapolate: Extrapolate = "error",
        interpolation: Interpolation = "linear",
    ) -> None:
        super().__init__()
        self.features = features
        self.budget = BudgetEmbedding(knots, size, rng, extrapolate, interpolation, EMBEDDING_BOUND)
        self.network = perceptron(features + size, widths, rng)

    def forward(self, encoding: Tensor, budgets: ArrayLike) -> Tensor:
        """Return scores (n,) of encodings (n, features) under budgets (n,), or one for all."""
        embedded = self.budget(budgets).expand(len(encoding), -1)
        scores: Tensor = self.network(torch.cat((encoding, embedded), 1))
        return scores.squeeze(1)

    @torch.no_grad()
    def score(self, encoding: NDArray[np.float32], budgets: ArrayLike) -> NDArray[np.float64]:
        """Return scores (n,) as numbers; raises DataError for encodings of another width."""
        if encoding.ndim != 2 or encoding.shape[1] != self.features:
            raise DataError(f"encoding (n, {self.features}) needed, got {encoding.shape}")
        inputs = torch.from_numpy(encoding).to(self.budget.vectors)
        scores: Tensor = self(inputs, budgets)
        return scores.cpu().numpy().astype(np.float64)
