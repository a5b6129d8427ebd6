"""Local search at the end: the best trees of a search without it are tuned, nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.searches.found import SHOWN, FoundLoss, FoundLosses, added, by_phase
from heliostat_methods.evomal.searches.settings import needs, score_settings
from heliostat_methods.evomal.searches.strategy import LossSearch, Posed
from heliostat_methods.evomal.tasks import Block, score_block


@dataclass(frozen=True)
class TunedAfterwards:
    """Tunes what `first` found; an untuned loss may stay the best."""

    config: EvoMALConfig
    first: LossSearch

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Search, then tune the best trees and score them again."""
        found = self.first.find(posed, run)
        trees = tuple(tuple(loss.loss["nodes"]) for loss in found.best)
        if not trees:
            return found
        settings = score_settings(self.config.model_copy(update={"local_search": True}))
        block = Block(posed.problems, run.share(settings), trees)
        scores = run.call(
            score_block, block, shared=block.handles, resources=needs(self.config, posed.group)
        ).unwrap()
        table = table_named(self.config.table_name)
        tuned = [
            FoundLoss.tree(
                LossExpression(tree, tuple(map(float, scores.weights[i, : len(tree)])), table),
                float(scores.fitness[i]), found.best[i].generation,
            )
            for i, tree in enumerate(trees) if scores.status[i] == "accepted"
        ]  # fmt: skip
        best = sorted([*tuned, *found.best], key=lambda loss: loss.fitness)[:SHOWN]
        scored = found.counts["structures_scored"] + len(trees)
        steps = by_phase(added(list(found.steps.values()), scores.steps))
        return replace(
            found, best=best, counts={**found.counts, "structures_scored": scored}, steps=steps
        )
