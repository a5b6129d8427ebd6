"""ML3: a few loss networks, each tuned from a start of its own; there is no structure to find."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.searches.found import FoundLoss, FoundLosses, added
from heliostat_methods.evomal.searches.settings import needs, training_config, tuning_config
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import (
    NetworkSearch,
    NetworkSettings,
    TunedNetwork,
    tune_network,
)


@dataclass(frozen=True)
class LossNetworks:
    """Tunes `network_restarts` networks; the best on validation data is found."""

    config: EvoMALConfig

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Tune networks from several starts; raises the first failure if all fail."""
        config = self.config
        scoring = training_config(config, config.base_steps)
        how = NetworkSettings(config.network_hidden, tuning_config(config), scoring)
        settings = run.share(how)
        items = [
            NetworkSearch(posed.problems, settings, restart)
            for restart in range(config.network_restarts)
        ]
        best: list[FoundLoss] = []
        steps, outcomes = [0, 0, 0], []
        asked = run.stream(
            tune_network, items, shared=(posed.problems, settings),
            resources=needs(config, posed.group),
        )  # fmt: skip
        for restart, outcome in enumerate(asked):
            outcomes.append(outcome)
            network: TunedNetwork | None = outcome.value
            if network is not None:
                steps = added(steps, network.steps)
                if math.isfinite(network.fitness):
                    best.append(_record(network, restart))
            run.report(restart + 1, of=len(items), count=restart + 1,
                       best=min((b.fitness for b in best), default=math.inf))  # fmt: skip
        failed = sum(not outcome.ok for outcome in outcomes)
        if failed == len(outcomes):
            outcomes[0].unwrap()
        tuned = len(outcomes) - failed
        counts = {"structures_scored": tuned, "accepted": len(best), "diverged": tuned - len(best),
                  "failed": failed}  # fmt: skip
        return FoundLosses.best_of(best, counts, steps)


def _record(network: TunedNetwork, restart: int) -> FoundLoss:
    from heliostat_methods.evomal.losses.ml3 import LossNetwork

    loss = LossNetwork.from_dict(network.loss)
    name = f"network 2-{'-'.join(map(str, loss.hidden))}-1 of (f, y)"
    return FoundLoss(network.loss, name, rf"\text{{{name}}}", name, network.fitness,
                     sum(p.numel() for p in loss.parameters()), restart)  # fmt: skip
