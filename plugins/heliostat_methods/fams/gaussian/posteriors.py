"""Posteriors of a block of groups with what Adagrad remembers of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.fams.gaussian.network import GaussianMLP


@dataclass(frozen=True, eq=False)
class Posteriors:
    """`networks` of G groups, and Adagrad's sums of squares of their gradients, (G, P) each."""

    networks: GaussianMLP
    sum_mean: Tensor
    sum_log_variance: Tensor

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.networks)

    @classmethod
    def fresh(cls, networks: GaussianMLP) -> Posteriors:
        """Return networks that have made no step."""
        return cls(networks, torch.zeros_like(networks.mean), torch.zeros_like(networks.mean))

    @classmethod
    def at_prior(cls, prior: GaussianMLP, groups: int) -> Posteriors:
        """Return copies of the prior, one a group."""
        return cls.fresh(prior.at([0] * groups))

    def at(self, which: Any) -> Posteriors:
        """Return some groups' posteriors, by index list or slice."""
        sums = self.sum_mean[which], self.sum_log_variance[which]
        return Posteriors(self.networks.at(which), *sums)

    def put(self, which: Any, others: Posteriors) -> None:
        """Overwrite some groups' posteriors by others."""
        self.networks.mean[which] = others.networks.mean
        self.networks.log_variance[which] = others.networks.log_variance
        self.sum_mean[which] = others.sum_mean
        self.sum_log_variance[which] = others.sum_log_variance

    def copy(self) -> Posteriors:
        """Return the same on memory of its own."""
        networks = self.networks
        own = GaussianMLP(networks.dims, networks.mean.clone(), networks.log_variance.clone())
        return Posteriors(own, self.sum_mean.clone(), self.sum_log_variance.clone())

    @staticmethod
    def joined(parts: Sequence[Posteriors]) -> Posteriors:
        """Return the posteriors of several blocks as those of one."""
        networks = GaussianMLP(
            parts[0].networks.dims,
            torch.cat([part.networks.mean for part in parts]),
            torch.cat([part.networks.log_variance for part in parts]),
        )
        sums = [
            torch.cat([getattr(part, name) for part in parts])
            for name in ("sum_mean", "sum_log_variance")
        ]
        return Posteriors(networks, *sums)
