"""Many subgroups whose true rates are known, and with them how far any score is from sufficiency.

Half of the subgroups have the sign s = +1, the others -1 (even and odd numbers). Risk features u
are drawn alike in all of them. A proxy z = s or -s, s with chance (1 + r) / 2, says something of
the sign. The rate is

    P(Y = 1 | u, a) = b(u) + shift * s_a,  b(u) = shift + (1 - 2 shift) sigmoid(strength * <v, u>)

with v = (1, ..., 1) / sqrt(features), so no rate leaves [0, 1].

The best score that does not see the group is f(u, z) = E[Y | u, z] = b(u) + shift * E[s | z]. Its
sufficiency gap E_A |E[Y | f] - E[Y | f, A]| is ``shift * E[Var(s | z)]``, whatever the law of u.
Derivation: given f = t the pair (z, s) has weights P(z | t) P(s | z), and E[Y | f = t] = t. For the
groups of s = +1

    P(s=1 | t) (E[Y | t, s=1] - t) = shift * sum_z P(z | t) P(s=1 | z) (1 - E[s | z])
                                   = shift * sum_z P(z | t) Var(s | z) / 2,

as 1 - E[s | z] = 2 P(s=-1 | z) and Var(s | z) = 4 P(s=1 | z) P(s=-1 | z). It is never negative, the
groups of s = -1 give the same, and the mean over t of both is the formula. With as many groups of
either sign, Var(s | z) = 1 - r^2. A score b(u) that leaves z out has ``shift * Var(s)``, and one
that sees the group none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.parts.datasets import ArrayDataset

WIDTH = np.sqrt(3.0)
"""Risk features are uniform on [-WIDTH, WIDTH]: mean 0, variance 1."""


@dataclass(frozen=True)
class SubgroupLaw:
    """The law of (u, z, a, y); groups are equally likely. See the module for its symbols."""

    groups: int = 40
    features: int = 8
    shift: float = 0.15
    proxy: float = 0.5
    strength: float = 2.0

    @property
    def signs(self) -> NDArray[np.float64]:
        """Sign of each group, (groups,): even ones are raised, odd ones lowered."""
        return np.where(np.arange(self.groups) % 2 == 0, 1.0, -1.0)

    def base_rate(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return b(u) of risk features (rows, features)."""
        odds = self.strength * u.sum(1) / np.sqrt(self.features)
        sigmoid = np.exp(-np.logaddexp(0.0, -odds))
        rate: NDArray[np.float64] = self.shift + (1 - 2 * self.shift) * sigmoid
        return rate

    def rate(self, u: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return P(Y = 1 | u, a), the best score that sees the group."""
        return self.base_rate(u) + self.shift * self.signs[group]

    def bayes_score(self, u: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return P(Y = 1 | u, z), the best score that does not see the group."""
        return self.base_rate(u) + self.shift * (2 * self._raised(z) - 1)

    def bayes_gap(self) -> float:
        """Return the sufficiency gap of `bayes_score`: shift * E[Var(s | z)]."""
        gap = 0.0
        for z in (1.0, -1.0):
            raised = float(self._raised(np.array([z]))[0])
            gap += self._chance(z) * 4 * raised * (1 - raised)
        return self.shift * gap

    def base_gap(self) -> float:
        """Return the sufficiency gap of `base_rate`, which leaves the proxy out: shift * Var(s)."""
        raised = float((self.signs > 0).mean())
        return self.shift * 4 * raised * (1 - raised)

    def _chance(self, z: float) -> float:
        """Return P(z)."""
        raised = float((self.signs > 0).mean())
        return (1 + z * self.proxy * (2 * raised - 1)) / 2

    def _raised(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return P(s = 1 | z)."""
        raised = float((self.signs > 0).mean())
        up = raised * (1 + z * self.proxy)
        down = (1 - raised) * (1 - z * self.proxy)
        found: NDArray[np.float64] = up / (up + down)
        return found

    def draw(
        self, group: int, rows: int, seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return u (rows, features), z (rows,) and y (rows,) of a group.

        A group's random numbers depend on seed, group and number of features alone: more rows begin
        with the same ones, and more groups leave the others as they are.
        """
        stream = np.random.Generator(np.random.Philox(key=np.array([seed, group], np.uint64)))
        uniform = stream.random((rows, self.features + 2))
        u = (2 * uniform[:, :-2] - 1) * WIDTH
        sign = self.signs[group]
        z = np.where(uniform[:, -2] < (1 + self.proxy) / 2, sign, -sign)
        rate = self.rate(u, np.full(rows, group))
        return u, z, (uniform[:, -1] < rate).astype(np.int64)


def subgroup_law(
    groups: int = 40,
    rows_per_group: int = 100,
    features: int = 8,
    shift: float = 0.15,
    proxy: float = 0.5,
    strength: float = 2.0,
    seed: int = 0,
) -> ArrayDataset:
    """Return rows of a `SubgroupLaw`, group after group; inputs are u and, last, the proxy z.

    `about` holds the gaps of the law: `bayes_gap` and `base_gap`. The attribute is `group`.
    """
    law = SubgroupLaw(groups, features, shift, proxy, strength)
    drawn = [law.draw(group, rows_per_group, seed) for group in range(groups)]
    u, z, y = (np.concatenate(column) for column in zip(*drawn, strict=True))
    return ArrayDataset(
        name="subgroup_law",
        task="classification",
        inputs=np.column_stack([u, z]),
        targets=y,
        classes=2,
        columns=(*(f"u{number}" for number in range(features)), "proxy"),
        labels=("no", "yes"),
        about={"bayes_gap": law.bayes_gap(), "base_gap": law.base_gap()},
        attributes={"group": np.repeat(np.arange(groups), rows_per_group)},
    )
