"""What an evolutionary search can be told."""

from __future__ import annotations

from dataclasses import dataclass

from heliostat.errors import ConfigError


@dataclass(frozen=True)
class SearchSettings:
    """``population`` trees a generation, at most ``generations`` after the first.

    The search ends when the best score has stood for ``patience`` generations. ``size_weight``:
    what each factor or term costs, in units of one pole that is missing or one check that fails;
    below 1, and small enough for all that is needed. ``max_height``: of trees.
    """

    population: int = 60
    generations: int = 60
    patience: int = 12
    size_weight: float = 0.02
    tournament: int = 4
    crossover: float = 0.6
    mutation: float = 0.35
    max_height: int = 6

    def __post_init__(self) -> None:
        least = {"population": 4, "generations": 1, "patience": 1, "tournament": 1, "max_height": 2}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ConfigError(name, value, f"an integer of at least {low}")
        if self.tournament > self.population:
            raise ConfigError("tournament", self.tournament, f"at most {self.population} trees")
        if not 0 < self.size_weight < 1:
            raise ConfigError("size_weight", self.size_weight, "a number between 0 and 1")
