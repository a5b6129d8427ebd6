"""No search: the losses of `initial` are scored as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.searches.found import FoundLoss, FoundLosses
from heliostat_methods.evomal.searches.scoring.archive import KINDS
from heliostat_methods.evomal.searches.settings import as_given, needs
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import Block, score_block


@dataclass(frozen=True)
class GivenLosses:
    """Scores given losses by partial training alone."""

    config: EvoMALConfig

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Score the losses; without any nothing is found."""
        table = table_named(self.config.table_name)
        losses = [parse(text, table) for text in self.config.initial]
        if not losses:
            return FoundLosses.best_of([], {"structures_scored": 0}, [0, 0, 0])
        settings = run.share(as_given(self.config))
        block = Block(posed.problems, settings, tuple(one.nodes for one in losses),
                      tuple(tuple(one.weights) for one in losses))  # fmt: skip
        scores = run.call(
            score_block, block, shared=block.handles, resources=needs(self.config, posed.group)
        ).unwrap()
        found = [
            FoundLoss.tree(loss, float(f), 0)
            for loss, f in zip(losses, scores.fitness, strict=True) if math.isfinite(f)
        ]  # fmt: skip
        statuses = list(scores.status)
        counts = {"structures_scored": len(losses)}
        counts |= {kind: statuses.count(kind) for kind in KINDS if kind in statuses}
        return FoundLosses.best_of(found, counts, scores.steps)
