"""Scoring a generation: what the archive knows, what the filters drop, what is trained.

Candidates that are equal as formulas are scored once. Everything beyond that is opt-in, because it
can change which loss wins, and is counted:

- early rejection tests a loss before local search as well; a loss that only tuning repairs is lost;
- label-free losses are dropped; one of them can beat an untrained model, never a useful one;
- the gradient cache takes losses whose gradients agree before tuning for one and the same, although
  tuning may part them; its parametric form asks for agreement as functions of the weights, which
  loses nothing but an accident;
- equivalence takes tuned losses with equal gradients (two digits) for equal;
- racing stops the worse half at each rung; a slow starter is lost. Who got further stands ahead in
  selection, whatever the metric was on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from heliostat import Outcome, Run, Shared, stored
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.training import TrainingState
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import PrimitiveTable, table_named
from heliostat_methods.evomal.population.equivalence import (
    Probe,
    fingerprint,
    parametric_fingerprint,
    plain_fingerprint,
)
from heliostat_methods.evomal.population.program import LossProgram, stack_weights
from heliostat_methods.evomal.searches.settings import needs, score_settings
from heliostat_methods.evomal.tasks import (
    Block,
    Problems,
    Scores,
    Tree,
    TunedBlock,
    score_block,
    train_block,
    tune_block,
)

KINDS = ("accepted", "rejected", "rejected_early", "untrainable", "label_free", "equal_gradient",
         "raced", "diverged", "failed")  # fmt: skip
"""What can become of a structure."""


@stored("evomal.candidate")
@dataclass(frozen=True)
class Candidate:
    """One scored structure of the archive; `like` is the key of the one whose score it shares.

    `rung` is the training step at which racing stopped it, where `fitness` was measured.
    """

    nodes: Tree
    weights: tuple[float, ...]
    fitness: float
    status: str
    generation: int
    like: str = ""
    rung: int | None = None


@dataclass
class State:
    """Everything a generation hands to the next: the islands and the archive of all scores.

    The islands hold trees with what selection minimises (`standings`).
    `steps`: candidate steps spent so far in local search, rejection and training.
    """

    islands: list[list[tuple[Tree, float]]] = field(default_factory=list)
    archive: dict[str, Candidate] = field(default_factory=dict)
    evaluated: int = 0
    reused: int = 0
    steps: list[int] = field(default_factory=lambda: [0, 0, 0])
    gradients: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the state as encodable values."""
        return {
            "islands": self.islands,
            "archive": self.archive,
            "evaluated": self.evaluated,
            "reused": self.reused,
            "steps": self.steps,
            "gradients": self.gradients,
        }

    @classmethod
    def load(cls, plain: dict[str, Any]) -> State:
        """Return the state that `plain` wrote."""
        islands = [list(island) for island in plain["islands"]]
        return cls(islands, dict(plain["archive"]), plain["evaluated"], plain["reused"],
                   list(plain["steps"]), dict(plain["gradients"]))  # fmt: skip

    @property
    def population(self) -> list[tuple[Tree, float]]:
        """Return all islands' trees with what selection minimises."""
        return [pair for island in self.islands for pair in island]


def ranked(state: State) -> list[Candidate]:
    """Return the accepted candidates, fittest first; ties go to the smaller, then the alphabet."""
    accepted = [c for c in state.archive.values() if c.status == "accepted"]
    return sorted(accepted, key=lambda c: (c.fitness, len(c.nodes), c.nodes))


def standings(archive: Mapping[str, Candidate]) -> dict[str, float]:
    """Return what selection minimises, by key: the fitness, and with racing the place in line.

    Whoever got further stands ahead of whoever was stopped earlier: where training over-fits, a
    metric after few steps would otherwise look best, and the search would breed from the losers.
    """
    if all(one.rung is None for one in archive.values()):
        return {key: one.fitness for key, one in archive.items()}
    merit = {
        key: (-math.inf if one.rung is None else -one.rung, one.fitness)
        for key, one in archive.items()
    }
    place = {value: float(i) for i, value in enumerate(sorted(set(merit.values())))}
    return {
        key: place[merit[key]] if math.isfinite(one.fitness) else math.inf
        for key, one in archive.items()
    }


@dataclass(frozen=True)
class _Scored:
    """What a task said of one candidate; `states`: where its training stands on each problem."""

    weights: tuple[float, ...]
    fitness: float
    status: str
    states: tuple[TrainingState, ...]
    rung: int | None = None


class Scorer:
    """Scores the trees of one search."""

    def __init__(
        self, config: EvoMALConfig, group: Problems, problems: Shared[Problems], run: Run
    ) -> None:
        self.table: PrimitiveTable = table_named(config.primitives)
        self._config, self._problems, self._run = config, problems, run
        self._settings = score_settings(config)
        self._probe = Probe.drawn(group[0].task, run.rng("probe"), classes=group[0].classes)

    def keys(self, trees: Sequence[Tree]) -> list[str]:
        """Return the archive's key of each tree: its canonical form in prefix order."""
        return [self._canonical(tree).to_prefix() for tree in trees]

    def score(
        self, state: State, trees: Sequence[Tree], generation: int,
        given: Sequence[LossExpression] = (),
    ) -> State:  # fmt: skip
        """Return the state whose archive knows all these trees; the islands are left as they are.

        `given` are losses whose weights are where local search starts, instead of ones with noise;
        of losses with one structure the first.

        A generation without a single score is an error, not a result; a single task that failed
        leaves its candidates ranked worst.
        """
        state = replace(state, archive=dict(state.archive), gradients=dict(state.gradients),
                        steps=list(state.steps))  # fmt: skip
        fresh: dict[str, Tree] = {}
        for tree in trees:
            expression = self._canonical(tree)
            key = expression.to_prefix()
            if key not in state.archive:
                fresh.setdefault(key, expression.nodes)
        state.reused += len(trees) - len(fresh)
        starts = _starts(given)
        twins: dict[str, str] = {}
        if self._config.cache != "symbolic" and fresh:
            # Equal before tuning means at weights of one, which is not where given ones start.
            ask = [key for key in fresh if key not in starts]
            twins = _twins(state, ask, self._untuned([fresh[key] for key in ask])) if ask else {}
        state.evaluated += len(fresh) - len(twins)
        asked = {key: tree for key, tree in fresh.items() if key not in twins}
        if self._config.equivalence or self._config.racing:
            found = self._in_phases(state, asked, twins, generation, starts)
        else:
            block = self._block_of(asked, starts)
            found = self._tasks(state, score_block, list(asked), block, generation)
        for key, tree in fresh.items():
            if key in twins:
                continue
            one = found[key]
            state.archive[key] = (
                Candidate(tree, (), math.inf, "failed", generation)
                if one is None
                else Candidate(tree, one.weights[: len(tree)], one.fitness, one.status, generation,
                               rung=one.rung)
            )  # fmt: skip
        for key, like in twins.items():
            while like in twins:  # one found equal before tuning to one found equal after it
                like = twins[like]
            twin = state.archive[like]
            state.archive[key] = Candidate(
                fresh[key], (), twin.fitness, "equal_gradient", generation, like, twin.rung
            )
        return state

    def _canonical(self, tree: Tree) -> LossExpression:
        return LossExpression(tree, table=self.table).canonical()

    def _untuned(self, trees: list[Tree]) -> list[str]:
        """Return the gradient cache's key of each tree."""
        plain = [LossExpression(tree, table=self.table) for tree in trees]
        if self._config.cache == "parametric":
            draws = self._run.rng("parametric")
            return [f"parametric {p}" for p in parametric_fingerprint(plain, self._probe, draws)]
        program = LossProgram.from_expressions(plain)
        return [f"untuned {p}" for p in plain_fingerprint(program, self._probe)]

    def _tuned(self, losses: list[LossExpression]) -> list[str]:
        program = LossProgram.from_expressions(losses)
        weights = stack_weights(losses, np.float64)
        return [f"tuned {p}" for p in fingerprint(program, weights, self._probe)]

    def _block_of(
        self, trees: dict[str, Tree], starts: Mapping[str, tuple[float, ...]]
    ) -> Callable[[list[str]], Block]:
        def block(keys: list[str]) -> Block:
            weights = tuple(starts.get(key, ()) for key in keys)
            return Block(self._problems, self._settings, tuple(trees[key] for key in keys),
                         weights if any(weights) else None)  # fmt: skip

        return block

    def _tasks(
        self, state: State, task: Any, keys: list[str], item: Callable[[list[str]], Any],
        generation: int,
    ) -> dict[str, _Scored | None]:  # fmt: skip
        """Cut the candidates into blocks, ask, and return what came back for each."""
        size = self._config.block
        blocks = [keys[i : i + size] for i in range(0, len(keys), size)]
        outcomes = answered(self._run, task, [item(b) for b in blocks], self._problems,
                            self._config, generation)  # fmt: skip
        found: dict[str, _Scored | None] = {}
        for block, outcome in zip(blocks, outcomes, strict=True):
            scores: Scores | None = outcome.value
            for i, key in enumerate(block):
                found[key] = None if scores is None else _row(scores, i)
            if scores is not None:
                state.steps = [a + b for a, b in zip(state.steps, scores.steps, strict=True)]
        return found

    def _in_phases(
        self, state: State, fresh: dict[str, Tree], twins: dict[str, str], generation: int,
        starts: Mapping[str, tuple[float, ...]],
    ) -> dict[str, _Scored | None]:  # fmt: skip
        """Tune all, let equal ones share, then train rung by rung; adds to `twins`."""
        blocks = self._block_of(fresh, starts)
        found = self._tasks(state, tune_block, list(fresh), blocks, generation)
        running = {
            key: one for key, one in found.items() if one is not None and one.status == "accepted"
        }
        if self._config.equivalence:
            losses = [
                LossExpression(fresh[key], one.weights[: len(fresh[key])], self.table)
                for key, one in running.items()
            ]
            alike = _twins(state, list(running), self._tuned(losses)) if losses else {}
            twins.update(alike)
            running = {key: one for key, one in running.items() if key not in alike}
        for until in (*self._config.racing, self._config.base_steps):
            rung = self._rung(fresh, running, until)
            trained = self._tasks(state, train_block, list(running), rung, generation)
            found.update(trained)
            left = [(key, one) for key, one in trained.items()
                    if one is not None and one.status == "accepted"]  # fmt: skip
            if until < self._config.base_steps:
                left.sort(key=lambda pair: pair[1].fitness)  # stable: ties keep their order
                ahead = math.ceil(len(left) / 2)
                for key, one in left[ahead:]:
                    found[key] = replace(one, status="raced", rung=until)
                left = left[:ahead]
            running = dict(left)
            if not running:
                break
        return found

    def _rung(
        self, fresh: dict[str, Tree], running: dict[str, _Scored], until: int
    ) -> Callable[[list[str]], TunedBlock]:
        def item(keys: list[str]) -> TunedBlock:
            rows = [running[key] for key in keys]
            width = max(len(fresh[key]) for key in keys)
            weights = np.ones((len(keys), width), np.float32)
            for i, row in enumerate(rows):
                n = len(fresh[keys[i]])
                weights[i, :n] = row.weights[:n]
            states = None
            if rows[0].states:
                states = tuple(_stacked(parts) for parts in zip(*(r.states for r in rows),
                                                                strict=True))  # fmt: skip
            trees = tuple(fresh[key] for key in keys)
            return TunedBlock(self._problems, self._settings, trees, weights, states, until)

        return item


def answered(
    run: Run,
    task: Any,
    items: Sequence[Any],
    problems: Shared[Problems],
    config: EvoMALConfig,
    step: int,
) -> list[Outcome[Scores]]:
    """Return the outcome of every block, saying after each that step `step` goes on.

    Raises the first failure if there is not a single score.
    """
    outcomes = []
    for outcome in run.stream(task, items, shared=problems, resources=needs(config)):
        outcomes.append(outcome)
        run.report(step, of=config.generations + 1)
    if outcomes and not any(outcome.ok for outcome in outcomes):
        outcomes[0].unwrap()
    return outcomes


def _starts(given: Sequence[LossExpression]) -> dict[str, tuple[float, ...]]:
    """Return the weights of losses that have any besides ones, by the archive's key."""
    starts: dict[str, tuple[float, ...]] = {}
    for loss in given:
        weights = loss.canonical().weights
        if any(weight != 1.0 for weight in weights):
            starts.setdefault(loss.key, weights)
    return starts


def _twins(state: State, keys: list[str], gradients: list[str]) -> dict[str, str]:
    """Return the keys whose gradient an earlier loss has, with that loss's key."""
    twins = {}
    for key, gradient in zip(keys, gradients, strict=True):
        first = state.gradients.setdefault(gradient, key)
        if first != key:
            twins[key] = first
    return twins


def _row(scores: Scores, i: int) -> _Scored:
    weights = tuple(float(w) for w in scores.weights[i])
    states = tuple(state.select(slice(i, i + 1)) for state in scores.states)
    return _Scored(weights, float(scores.fitness[i]), scores.status[i], states)


def _stacked(states: Sequence[TrainingState]) -> TrainingState:
    theta, velocity, alive = (
        np.concatenate([getattr(state, name) for state in states])
        for name in ("theta", "velocity", "alive")
    )
    return TrainingState(states[0].step, theta, velocity, alive)
