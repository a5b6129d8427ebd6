"""Rounds of one fit in this process: blocks of groups one after the other, and when to stop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from heliostat_methods.fams.gaussian.batches import SubgroupBatcher
from heliostat_methods.fams.gaussian.block import BlockResult, LossNotFinite
from heliostat_methods.fams.gaussian.lower_level import lower_level, warn_of_clamping
from heliostat_methods.fams.gaussian.moments import merge_moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.prediction import scores
from heliostat_methods.fams.gaussian.rounds import Schedule, blocks
from heliostat_methods.fams.gaussian.settings import LowerLevel
from heliostat_methods.fams.gaussian.upper_level import PriorState


@dataclass(eq=False)
class Training:
    """Rounds of one fit, and where they stand. `shares` (present groups,)."""

    batcher: SubgroupBatcher
    shares: NDArray[np.float64]
    lower: LowerLevel
    schedule: Schedule
    groups: int
    callback: Callable[[int, NDArray[Any], NDArray[Any]], object] | None
    rounds: int = 0
    stopped: str = ""

    def run(self, prior: GaussianMLP, judge: Any, patience: int) -> None:
        """Train from `prior`; `judge` (inputs, labels, weights) or None says when to stop."""
        self.state, self._clamped = PriorState.fresh(prior), False
        self._losses: list[NDArray[np.float32]] = []
        self._apart: list[NDArray[np.float32]] = []
        self._judged: list[float] = []
        self.posteriors = self.schedule.first_posteriors(prior, self.batcher.present)
        best, best_state, since = np.inf, self.state, 0
        for round in range(self.schedule.rounds):
            try:
                self._round(round)
            except LossNotFinite as error:
                self._stop(str(error))
                break
            if judge is None:
                continue
            self._judged.append(self._judge(*judge))
            since += 1
            if self._judged[-1] < best:
                best, best_state, since = self._judged[-1], self.state, 0
            if since >= patience:
                self.stopped = f"no better after {patience} rounds"
                break
        if judge is not None:
            self.state = best_state

    def _round(self, round: int) -> None:
        present = self.batcher.present
        places = np.searchsorted(present, self.schedule.drawn(round, present))
        results = self._results(self.state.prior, places, round, self.schedule.rate(round), False)
        shares = self.shares[places]
        moments = merge_moments(result.moments for result in results)
        if shares.sum() > 0:  # all groups of a round may weigh nothing
            self.state = self.schedule.next_prior(self.state, moments, self.lower.divergence, round)
        self._keep(places, results)
        self.rounds = round + 1
        if self.callback is not None:
            self.callback(
                round,
                np.concatenate([one.loss for one in results]),
                np.concatenate([one.divergence for one in results]),
            )

    def _results(
        self, prior: GaussianMLP, places: NDArray[np.int64], round: int, rate: float, keep: bool
    ) -> list[BlockResult]:
        found = []
        for part in blocks(len(places)):
            at = places[part]
            batch = self.batcher(round, self.batcher.present[at])
            own = None if self.posteriors is None else self.posteriors.at(torch.from_numpy(at))
            result = lower_level(
                prior, own, batch, round, rate, self.lower, shares=self.shares[at], keep=keep
            )
            if result.clamped and not self._clamped:
                self._clamped = True
                warn_of_clamping()
            found.append(result)
        return found

    def _keep(self, places: NDArray[np.int64], results: list[BlockResult]) -> None:
        for rows, name in ((self._losses, "loss"), (self._apart, "divergence")):
            row = np.full(self.groups, np.nan, np.float32)
            row[self.batcher.present[places]] = np.concatenate([getattr(r, name) for r in results])
            rows.append(row)
        if self.posteriors is not None:
            parts = [result.posteriors for result in results if result.posteriors is not None]
            self.posteriors.put(torch.from_numpy(places), Posteriors.joined(parts))

    def _judge(
        self,
        inputs: NDArray[np.float64],
        labels: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> float:
        """Return the cross-entropy of Q on held-out rows."""
        p = scores(self.state.prior, inputs, eps=self.lower.eps, n_mc=self.lower.n_mc,
                   seed=self.lower.seed)  # fmt: skip
        right = np.clip(np.where(labels > 0, p, 1 - p), 1e-12, 1)
        return float(-np.average(np.log(right), weights=weights))

    def _stop(self, why: str) -> None:
        self.stopped = why
        warnings.warn(f"training stopped: {why}", ConvergenceWarning, stacklevel=5)

    def history(self) -> dict[str, NDArray[Any]]:
        """Return "loss" and "divergence" (rounds, groups), NaN where not drawn; "validation"."""
        shape = (len(self._losses), self.groups)
        return {
            "loss": np.array(self._losses, np.float32).reshape(shape),
            "divergence": np.array(self._apart, np.float32).reshape(shape),
            "validation": np.array(self._judged),
        }

    def final_posteriors(self) -> GaussianMLP | None:
        """Return the posterior of every present group; restarted ones adapt from the final Q."""
        if self.posteriors is not None:
            return self.posteriors.networks
        last = self.schedule.rounds
        places = np.arange(len(self.batcher.present))
        try:
            results = self._results(self.state.prior, places, last, self.schedule.rate(last), True)
        except LossNotFinite as error:
            if not self.stopped:
                self._stop(str(error))
            return None
        parts = [result.posteriors for result in results if result.posteriors is not None]
        return Posteriors.joined(parts).networks
