"""The algorithm as the authors run it: a loop over groups, steps and draws, with autograd.

Written from the description of their schedule; slow and plain. It is what the compiled lower level
is tested against and timed against. Posteriors and optimisers persist over rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from heliostat_methods.fams.gaussian.batches import Batch
from heliostat_methods.fams.gaussian.divergence import checked_kind
from heliostat_methods.fams.gaussian.layer import Noise, StochasticMLP
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.noise import normals
from heliostat_methods.fams.gaussian.settings import LowerLevel


class LoopedFAMS:
    """A prior and one posterior a group, each a network of its own with an Adagrad of its own.

    `kappa`: standard deviation of the noise on Q's numbers in every divergence (the authors: 0.001,
    from `generator`). `named_noise`: draw what the compiled code draws, else from `generator`.
    """

    def __init__(
        self,
        prior: GaussianMLP,
        posteriors: GaussianMLP,
        settings: LowerLevel,
        *,
        rate: float = 0.05,
        prior_rate: float = 0.005,
        kappa: float = 0.0,
        named_noise: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        self.prior = StochasticMLP.of(prior, 0, settings.eps)
        self.posteriors = [
            StochasticMLP.of(posteriors, at, settings.eps) for at in range(len(posteriors))
        ]
        self.settings, self.kappa, self.named_noise = settings, kappa, named_noise
        self.generator = generator
        self.optimisers = [
            torch.optim.Adagrad(net.parameters(), lr=rate, eps=1e-10) for net in self.posteriors
        ]
        self.prior_optimiser = torch.optim.Adagrad(self.prior.parameters(), prior_rate, eps=1e-10)

    def lower(self, batch: Batch, round: int) -> None:
        """Adapt every group on its batch."""
        strength = self.settings.strength(sum(p.numel() for p in self.prior.parameters()) // 2)
        for at, (net, optimiser) in enumerate(zip(self.posteriors, self.optimisers, strict=True)):
            x = torch.from_numpy(batch.inputs[at, :-1].T.copy())
            y = torch.from_numpy(batch.targets[at])
            for step in range(self.settings.inner):
                loss: Tensor = torch.zeros(())
                for draw in range(self.settings.draws):
                    noise = self._noise(round, int(batch.groups[at]), step, draw, len(x))
                    logits = net(x, noise, self.generator)
                    loss = loss + binary_cross_entropy_with_logits(logits, y)
                loss = loss / self.settings.draws + strength * self._apart(net)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()

    def upper(self, steps: int = 5) -> None:
        """Move the prior by steps of Adagrad on the sum of all divergences."""
        for _ in range(steps):
            total: Tensor = torch.zeros(())
            for net in self.posteriors:
                total = total + self._apart(net)
            self.prior_optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            self.prior_optimiser.step()

    def stacked(self) -> GaussianMLP:
        """Return all posteriors as one stack."""
        stacks = [net.stacked() for net in self.posteriors]
        return GaussianMLP(
            stacks[0].dims,
            torch.cat([one.mean for one in stacks]),
            torch.cat([one.log_variance for one in stacks]),
        )

    def _noise(self, round: int, group: int, step: int, draw: int, rows: int) -> Noise | None:
        if not self.named_noise:
            return None

        def noise(layer: int, shape: Sequence[int]) -> Tensor:
            # the compiled layout: units, draws, rows
            whole = normals((shape[-1], self.settings.draws, rows), seed=self.settings.seed,
                            round=round, group=group, step=step, layer=layer)  # fmt: skip
            return torch.from_numpy(whole[:, draw].T.copy())

        return noise

    def _apart(self, net: StochasticMLP) -> Tensor:
        kind, total = checked_kind(self.settings.divergence), torch.zeros(())
        own, of_prior = dict(net.named_parameters()), dict(self.prior.named_parameters())
        for name in own:
            if not name.endswith("mean"):
                continue
            spread = name.removesuffix("mean") + "log_variance"
            m, r = self._noisy(of_prior[name]), self._noisy(of_prior[spread])
            apart, r_a = own[name] - m, own[spread]
            if kind == "kl":
                terms = 0.5 * (r - r_a + (apart.square() + r_a.exp()) * (-r).exp() - 1)
            else:
                terms = apart.square() + ((0.5 * r_a).exp() - (0.5 * r).exp()).square()
            total = total + terms.sum()
        return total

    def _noisy(self, parameter: Tensor) -> Tensor:
        if not self.kappa > 0:
            return parameter
        noise = torch.randn(parameter.shape, generator=self.generator)
        return parameter + self.kappa * noise
