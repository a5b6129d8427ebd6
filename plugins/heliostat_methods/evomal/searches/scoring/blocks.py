"""Candidates cut into blocks, one item a block, and put together again by the archive's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from heliostat import Outcome, Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.training import TrainingState
from heliostat_methods.evomal.searches.found import added
from heliostat_methods.evomal.searches.scoring.archive import State
from heliostat_methods.evomal.searches.settings import needs, score_settings
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import (
    Block,
    Scores,
    Tree,
    TunedBlock,
    score_block,
    train_block,
    tune_block,
)

T = TypeVar("T")
Starts = Mapping[str, tuple[float, ...]]
"""Weights from which local search starts, by the archive's key."""


@dataclass(frozen=True)
class Scored:
    """What a task said of one candidate; `states`: where its training stands on each problem."""

    weights: tuple[float, ...]
    fitness: float
    status: str
    states: tuple[TrainingState, ...]
    rung: int | None = None


class Blocks:
    """Asks for one search; what tasks spend is added to the state that is passed in.

    Trees are canonical ones by the archive's key. What a failed task was to say is None.
    """

    def __init__(self, config: EvoMALConfig, posed: Posed, run: Run) -> None:
        self._config, self._posed, self._run = config, posed, run
        self._problems = posed.problems
        self._settings = run.share(score_settings(config))

    def scored(
        self, state: State, trees: Mapping[str, Tree], starts: Starts, generation: int
    ) -> dict[str, Scored | None]:
        """Tune, filter and train."""
        return self._ask(state, score_block, list(trees), self._fresh(trees, starts), generation)

    def tuned(
        self, state: State, trees: Mapping[str, Tree], starts: Starts, generation: int
    ) -> dict[str, Scored | None]:
        """Tune and filter; those that are to be trained are called accepted."""
        return self._ask(state, tune_block, list(trees), self._fresh(trees, starts), generation)

    def trained(
        self, state: State, trees: Mapping[str, Tree], running: Mapping[str, Scored], until: int,
        generation: int,
    ) -> dict[str, Scored | None]:  # fmt: skip
        """Train tuned ones up to a step."""

        def item(keys: list[str]) -> TunedBlock:
            rows = [running[key] for key in keys]
            width = max(len(trees[key]) for key in keys)
            weights = np.ones((len(keys), width), np.float32)
            for i, row in enumerate(rows):
                n = len(trees[keys[i]])
                weights[i, :n] = row.weights[:n]
            states = None
            if rows[0].states:
                states = tuple(_stacked(parts) for parts in zip(*(r.states for r in rows),
                                                                strict=True))  # fmt: skip
            chosen = tuple(trees[key] for key in keys)
            return TunedBlock(self._problems, self._settings, chosen, weights, states, until)

        return self._ask(state, train_block, list(running), item, generation)

    def _fresh(self, trees: Mapping[str, Tree], starts: Starts) -> Callable[[list[str]], Block]:
        def item(keys: list[str]) -> Block:
            weights = tuple(starts.get(key, ()) for key in keys)
            return Block(self._problems, self._settings, tuple(trees[key] for key in keys),
                         weights if any(weights) else None)  # fmt: skip

        return item

    def _ask(
        self, state: State, task: Any, keys: list[str], item: Callable[[list[str]], Any],
        generation: int,
    ) -> dict[str, Scored | None]:  # fmt: skip
        blocks = cut(keys, self._config.block)
        outcomes = answered(
            self._run, task, [item(b) for b in blocks], self._config, self._posed, generation
        )
        found: dict[str, Scored | None] = {}
        for block, outcome in zip(blocks, outcomes, strict=True):
            scores: Scores | None = outcome.value
            for i, key in enumerate(block):
                found[key] = None if scores is None else _row(scores, i)
            if scores is not None:
                state.steps = added(state.steps, scores.steps)
        return found


def cut(values: list[T], size: int) -> list[list[T]]:
    """Return the values in parts of `size`, the last one what is left."""
    return [values[i : i + size] for i in range(0, len(values), size)]


def answered(
    run: Run,
    task: Any,
    items: Sequence[Block | TunedBlock],
    config: EvoMALConfig,
    posed: Posed,
    step: int,
) -> list[Outcome[Scores]]:
    """Return the outcome of every block, saying after each that step `step` goes on.

    Raises the first failure if there is not a single score.
    """
    outcomes = []
    handles, resources = items[0].handles if items else None, needs(config, posed.group)
    for outcome in run.stream(task, items, shared=handles, resources=resources):
        outcomes.append(outcome)
        run.report(step, of=config.generations + 1)
    if outcomes and not any(outcome.ok for outcome in outcomes):
        outcomes[0].unwrap()
    return outcomes


def _row(scores: Scores, i: int) -> Scored:
    weights = tuple(float(w) for w in scores.weights[i])
    states = tuple(state.select(slice(i, i + 1)) for state in scores.states)
    return Scored(weights, float(scores.fitness[i]), scores.status[i], states)


def _stacked(states: Sequence[TrainingState]) -> TrainingState:
    theta, velocity, alive = (
        np.concatenate([getattr(state, name) for state in states])
        for name in ("theta", "velocity", "alive")
    )
    return TrainingState(states[0].step, theta, velocity, alive)
