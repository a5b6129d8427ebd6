"""Rounds of training as steps over explicit state, so that blocks of groups can run anywhere.

A round: Q goes to every block; a block draws its batches, adapts its groups and returns moments;
moments are merged in the order of the blocks; Q moves. Blocks depend on the number of groups alone,
never on who works, and all randomness on (seed, round, group): a lost block is run again exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import at_least_zero, one_of, positive, whole
from heliostat_methods.fams.gaussian.upper_level import PriorState, adagrad, closed_form
from heliostat_methods.fams.groups.arguments import ArgumentError

Groups = NDArray[np.int64]
_DRAWS_OF_GROUPS = 1  # names that stream among those of one seed


@dataclass(frozen=True)
class Schedule:
    """How training goes over `rounds`; raises ArgumentError naming the parameter.

    `lr_posterior` falls to a fifth after half the rounds. `upper`: "closed" with `damping`,
    "adagrad" with `lr_prior`, `outer_steps` and `kappa`, or "none": Q stays. `lr_prior` is times
    the second of `lr_prior_decay` in each round from the first of it on. `persist`: "restart",
    every group starts at Q in every round, or "persistent", it goes on from where it was, starting
    at Q or from random numbers of its own (`start`). `groups_per_round`: None for all.
    """

    rounds: int = 80
    lr_posterior: float = 0.05
    upper: Literal["closed", "adagrad", "none"] = "closed"
    damping: float = 1.0
    lr_prior: float = 0.005
    lr_prior_decay: tuple[int, float] = (60, 0.9)
    outer_steps: int = 5
    kappa: float = 0.0
    persist: Literal["restart", "persistent"] = "restart"
    start: Literal["prior", "random"] = "prior"
    groups_per_round: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        whole("rounds", self.rounds, 0, (1 << 32) - 3)
        whole("outer_steps", self.outer_steps, 0, (1 << 24) - 1)
        positive("lr_posterior", self.lr_posterior)
        positive("lr_prior", self.lr_prior)
        at_least_zero("kappa", self.kappa)
        at_least_zero("damping", self.damping)
        if not 0 < self.damping <= 1:
            raise ArgumentError("damping", self.damping, "a number above 0, at most 1")
        if self.groups_per_round is not None:
            whole("groups_per_round", self.groups_per_round, 1, 1 << 32)
        for name, choices in (
            ("upper", ("closed", "adagrad", "none")),
            ("persist", ("restart", "persistent")),
            ("start", ("prior", "random")),
        ):
            one_of(name, getattr(self, name), choices)
        self._check_decay()
        if self.persist == "restart":
            hint = "with persist='persistent'"
            if self.start == "random":
                raise ArgumentError("start", "random", "'prior' where groups restart", hint)
            if self.upper == "none":
                raise ArgumentError("upper", "none", "another where groups restart", hint)

    def _check_decay(self) -> None:
        try:
            first, factor = self.lr_prior_decay
        except (TypeError, ValueError):
            raise ArgumentError(
                "lr_prior_decay", self.lr_prior_decay, "a round and a factor"
            ) from None
        whole("lr_prior_decay[0]", first, 0, 1 << 32)
        positive("lr_prior_decay[1]", factor)

    def rate(self, round: int) -> float:
        """Return the posteriors' learning rate in a round."""
        return self.lr_posterior * (0.2 if 2 * round >= self.rounds else 1.0)

    def prior_rate(self, round: int) -> float:
        """Return the prior's learning rate in a round."""
        first, factor = self.lr_prior_decay
        return self.lr_prior * float(factor) ** max(0, round - first + 1)

    def drawn(self, round: int, present: Groups) -> Groups:
        """Return the groups of a round in increasing order, which depend on the seed and it."""
        if self.groups_per_round is None or self.groups_per_round >= len(present):
            return present
        stream = np.random.Generator(
            np.random.Philox(key=[self.seed, _DRAWS_OF_GROUPS], counter=[0, 0, 0, round])
        )
        return np.sort(stream.choice(present, self.groups_per_round, replace=False))

    def first_posteriors(self, prior: GaussianMLP, present: Groups) -> Posteriors | None:
        """Return what persistent groups begin with; None where they restart."""
        if self.persist == "restart":
            return None
        if self.start == "prior":
            return Posteriors.at_prior(prior, len(present))
        # the prior is number 0 of its seed, so group 0 is number 1
        numbers = [int(group) + 1 for group in present]
        return Posteriors.fresh(GaussianMLP.initial(prior.dims, self.seed, numbers))

    def next_prior(self, state: PriorState, moments: Moments, kind: str, round: int) -> PriorState:
        """Return Q after the upper level of a round."""
        if self.upper == "none":
            return state
        if self.upper == "closed":
            moved = closed_form(state.prior, moments, kind, self.damping)
            return PriorState(moved, state.squares)
        rate = self.prior_rate(round)
        return adagrad(state, moments, kind, rate=rate, steps=self.outer_steps, kappa=self.kappa,
                       seed=self.seed, round=round)  # fmt: skip


def blocks(groups: int) -> Iterator[slice]:
    """Yield the slices that so many groups are worked out in: 8 to 64 groups each."""
    size = min(64, max(8, -(-groups // 256)))
    for begin in range(0, groups, size):
        yield slice(begin, min(begin + size, groups))
