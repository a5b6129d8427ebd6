"""Losses that people can read, from what a search found: reduced, rounded, and a short one.

A tuned tree hides its function behind a weight on every edge. Each of the accepted losses is
*reduced* to fewer nodes for the same function. Of those that no other beats in both nodes and
fitness a *short* one is chosen: the fewest nodes within one standard error of the best fitness,
since the validation rows cannot tell it from the best. Its weights and the best loss's are rounded
to as few digits as leave the fitness within a tenth of a standard error. Everything that is handed
on is trained and scored again as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.reduction import reduced, rounded
from heliostat_methods.evomal.searches.found import FoundLoss, FoundLosses
from heliostat_methods.evomal.searches.scoring.blocks import cut
from heliostat_methods.evomal.searches.settings import as_given, needs
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import Block, Judged, judge_block

DIGITS = (1, 2, 3, 4)
MOST = 10
"""Losses that are scored again in search of a short one."""
_APART = 0.1  # of a standard error; more than that and a rounded loss is another one


def readable(found: FoundLosses, config: EvoMALConfig, posed: Posed, run: Run) -> FoundLosses:
    """Return what was found with the best loss in readable form, and the short one."""
    if not found.best or "nodes" not in found.best[0].loss or config.baseline == "fixed":
        return found
    best, judge = found.best[0], _Judge(config, posed, run)
    whole = _expression(best)
    forms = [(one, reduced(_expression(one))) for one in (best, *found.shorter)]
    front = _front(forms)[:MOST]
    sure, *judged = judge([whole, *(form for _, form in front)])
    limit = sure.fitness + sure.error
    order = sorted(range(len(front)), key=lambda k: (front[k][1].complexity, judged[k].fitness))
    chosen = next((k for k in order if judged[k].fitness <= limit), 0)
    shown = [judge.rounded(best, front[0][1], sure, whole)]
    if chosen:
        origin, form = front[chosen]
        shown.append(judge.rounded(origin, form, judged[chosen], form))
    return replace(found, readable=shown[0], short=shown[-1], steps=judge.added(found.steps))


class _One:
    """The fitness of one loss, and its standard error."""

    def __init__(self, fitness: float, error: float) -> None:
        self.fitness = fitness
        self.error = error if math.isfinite(error) else 0.0


class _Judge:
    """Scores losses as they stand, in blocks."""

    def __init__(self, config: EvoMALConfig, posed: Posed, run: Run) -> None:
        self._config, self._posed, self._run = config, posed, run
        self._settings = run.share(as_given(config))
        self._steps = 0

    def __call__(self, losses: Sequence[LossExpression]) -> list[_One]:
        items = [
            Block(self._posed.problems, self._settings, tuple(one.nodes for one in part),
                  tuple(one.weights for one in part))
            for part in cut(list(losses), self._config.block)
        ]  # fmt: skip
        outcomes = self._run.map(
            judge_block, items, shared=items[0].handles,
            resources=needs(self._config, self._posed.group),
        )  # fmt: skip
        found = []
        for outcome in outcomes:
            scores: Judged = outcome.unwrap()
            self._steps += scores.steps
            found += [_One(float(f), float(e))
                      for f, e in zip(scores.fitness, scores.error, strict=True)]  # fmt: skip
        return found

    def rounded(
        self, origin: FoundLoss, form: LossExpression, sure: _One, whole: LossExpression
    ) -> FoundLoss:
        """Return a reduced form of as few digits as the fitness of the whole loss allows."""
        tries = [*(rounded(form, digits) for digits in DIGITS), form]
        limit = sure.fitness + _APART * sure.error
        for one, score in zip(tries, self(tries), strict=True):
            if score.fitness <= limit:
                return _record(one, score, origin)
        return _record(whole, sure, origin)

    def added(self, steps: dict[str, int]) -> dict[str, int]:
        """Return the candidate steps with those spent here."""
        return {**steps, "training": steps.get("training", 0) + self._steps}


def _front(
    losses: Sequence[tuple[FoundLoss, LossExpression]],
) -> list[tuple[FoundLoss, LossExpression]]:
    """Return the first loss and, of the others in order of fitness, each with fewer nodes yet."""
    kept = list(losses[:1])
    for one, form in losses[1:]:
        if form.complexity < kept[-1][1].complexity:
            kept.append((one, form))
    return kept


def _expression(loss: FoundLoss) -> LossExpression:
    return LossExpression.from_dict(loss.loss)


def _record(form: LossExpression, one: _One, origin: FoundLoss) -> FoundLoss:
    made = FoundLoss.tree(form, one.fitness, origin.generation)
    return replace(made, error=one.error)
