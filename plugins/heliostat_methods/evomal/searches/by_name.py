"""Ways to find a loss, all under one interface: EvoMAL's own and what it is compared with.

| `baseline` | search | candidates |
|---|---|---|
| none | genetic program, weights tuned by local search: EvoMAL | population x (generations + 1) |
| gp_lfl | the same without local search | the same |
| random | fresh trees in every generation, weights tuned | the same |
| local_search | gp_lfl, then local search on its best trees only | the same, and 3 |
| taylorglo | CMA-ES over the 8 numbers of a third-order polynomial | the same |
| ml3 | no search: a small network as loss, tuned by local search | network_restarts |
| fixed | no search: the losses of `initial` as they are | as given |

The budget is the number of candidates; `steps` say what each kind of step was spent, so that a
cheaper baseline is seen to be cheaper.
"""

from __future__ import annotations

from collections.abc import Callable

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.searches.fixed import GivenLosses
from heliostat_methods.evomal.searches.found import FoundLosses
from heliostat_methods.evomal.searches.genetic_program import GeneticProgram
from heliostat_methods.evomal.searches.local_search import TunedAfterwards
from heliostat_methods.evomal.searches.ml3 import LossNetworks
from heliostat_methods.evomal.searches.random_trees import RandomTrees
from heliostat_methods.evomal.searches.settings import untuned
from heliostat_methods.evomal.searches.strategy import LossSearch, Posed
from heliostat_methods.evomal.searches.taylorglo import TaylorGLO
from heliostat_methods.evomal.searches.tree_search import TreeSearch

STRATEGIES: dict[str, Callable[[EvoMALConfig], LossSearch]] = {
    "none": lambda config: TreeSearch(config, GeneticProgram),
    "gp_lfl": lambda config: TreeSearch(untuned(config), GeneticProgram),
    "random": lambda config: TreeSearch(config, RandomTrees),
    "local_search": lambda config: TunedAfterwards(
        config, TreeSearch(untuned(config), GeneticProgram)
    ),
    "taylorglo": lambda config: TaylorGLO(config, "corrected"),
    "taylorglo_as_released": lambda config: TaylorGLO(config, "as_released"),
    "ml3": LossNetworks,
    "fixed": GivenLosses,
}
"""How each baseline searches."""


def find_losses(config: EvoMALConfig, posed: Posed, run: Run) -> FoundLosses:
    """Search by the configured way."""
    return STRATEGIES[config.baseline](config).find(posed, run)
