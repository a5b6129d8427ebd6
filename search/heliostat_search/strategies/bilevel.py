"""Bilevel search: many small problems below, one state above that is fitted to their solutions.

The lower problems (subgroups, folds, tasks) are cut into *blocks* by configuration, never by the
number of workers. In a round the upper state, the *prior*, is shared once under its hash; each
block solves its problems from there and answers with a *summary*, whose size does not depend on how
many they are. Summaries are merged in the order of blocks, and the driver moves the prior::

    levels = Levels(fit_block, merge=PooledMoments.merge, upper=move)
    found = solve(run, levels, prior, Schedule(rounds=80, blocks=28), data=run.share(rows))

`fit_block(block, ctx)` is a task. It reads `ctx.shared(block.prior)` and
`ctx.shared(block.data[0])`, and draws from streams named by round and problem,
`ctx.rng("batch", block.round, problem)`, so a block whose worker is lost is solved again to the
same bits.

Lower problems that go on where they stood return `Kept(summary, state)`: the journal holds that
reply, and the block is given it back by hash when it next takes part (`block.state(ctx)`). No
worker remembers anything, so none that dies takes anything with it. The states of all rounds stay
in the run's folder, though; problems that begin at the prior in each round need no such room.

Rounds count from 1, blocks from 0. Prior and history are checkpointed every few rounds, and a
resume begins there; with more rounds it goes on. Only the newest checkpoints stay on disk; large
summaries stay in the run's artifacts, and single precision halves them (`PooledMoments.single`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Generic, TypeVar

from heliostat import stored
from heliostat.contract import Outcome, Resources, Run, Shared, SharedData, Task, TaskContext, say
from heliostat.errors import ConfigError, MisuseError, TaskError, did_you_mean, listed

P = TypeVar("P")
S = TypeVar("S")

ON_LOST: Mapping[str, str] = {
    "fail": "a block without a summary ends the search",
    "skip": "the round goes on without it, a bias towards the other blocks: told and recorded",
}
"""What may become of a round in which a block failed: what it means."""


@stored("search.block")
@dataclass(frozen=True)
class Block:
    """The item of a lower task: which block in which round, and handles of what it reads.

    `reply` is what the block returned when it last took part, if it keeps a state.
    """

    round: int
    number: int
    prior: Shared[Any]
    data: tuple[Shared[Any], ...] = ()
    reply: Shared[Kept] | None = None

    def state(self, ctx: TaskContext, default: Any = None) -> Any:
        """Return what the block kept when it last took part, or `default` at its first time."""
        return default if self.reply is None else ctx.shared(self.reply).state

    @property
    def handles(self) -> list[Shared[Any]]:
        """All shared data that its task may read."""
        return [*self.data, self.prior, *([] if self.reply is None else [self.reply])]

    def __str__(self) -> str:
        return f"round {self.round}, block {self.number}"


@stored("search.kept")
@dataclass(frozen=True)
class Kept:
    """What a lower task returns that goes on where it stood: its summary, and where it stands."""

    summary: Any
    state: Any


@stored("search.round")
@dataclass(frozen=True)
class Round:
    """A round that is over: the blocks that took part, those that failed, what was measured."""

    number: int
    blocks: tuple[int, ...]
    lost: tuple[int, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)


@stored("search.bilevelstate")
@dataclass(frozen=True)
class State(Generic[P]):
    """Where a search stands, or what it found: the prior after the rounds of `history`.

    `replies`: the newest reply of each block that keeps a state. `ended`: it stopped early.
    """

    prior: P
    history: tuple[Round, ...] = ()
    replies: Mapping[int, Shared[Kept]] = field(default_factory=dict)
    ended: bool = False

    @property
    def warning(self) -> str:
        """A sentence on blocks that were skipped, for the report and the end of a run, or ""."""
        where = [f"round {r.number}: {_numbered(r.lost)}" for r in self.history if r.lost]
        if not where:
            return ""
        lost, asked = (
            sum(len(r.lost) for r in self.history),
            sum(len(r.blocks) for r in self.history),
        )
        return (
            f"{lost} of {asked} blocks were lost and skipped, in {len(where)} of "
            f"{len(self.history)} rounds, so the result leans towards the others "
            f"({'; '.join(where[:MOST_ROUNDS])}{'; ...' if len(where) > MOST_ROUNDS else ''})"
        )


MOST_ROUNDS = 5
"""Rounds that a warning lists."""


def _never(history: Sequence[Round], merged: Any) -> bool:
    return False


def _nothing(merged: Any) -> Mapping[str, float]:
    return {}


@dataclass(frozen=True)
class Levels(Generic[P, S]):
    """What the two levels do; none of it may change what it is given.

    `lower`: a task of a `Block`, whose value is a summary or `Kept`. `merge`: the summary of two
    summaries. `upper`: the next prior, of the prior and the merged summary of a round. `measures`:
    numbers of a merged summary, such as the loss, which are reported and kept in the history.
    `reported`: those that progress shows, all by default.
    `finished`: whether to stop, given the history and the merged summary of its last round.
    """

    lower: Task[Block, Any]
    merge: Callable[[S, S], S]
    upper: Callable[[P, S], P]
    measures: Callable[[S], Mapping[str, float]] = _nothing
    reported: tuple[str, ...] | None = None
    finished: Callable[[Sequence[Round], S], bool] = _never


@dataclass(frozen=True)
class Schedule:
    """How often the levels alternate, and on how many blocks.

    `blocks_per_round`: how many blocks take part in a round, drawn anew each time; 0 means all.
    `checkpoint_every`: rounds from one checkpoint to the next; 0 keeps none. `on_lost`: "fail" or
    "skip", see `ON_LOST`. Raises ConfigError naming the field.
    """

    rounds: int
    blocks: int
    blocks_per_round: int = 0
    checkpoint_every: int = 5
    on_lost: str = "fail"

    def __post_init__(self) -> None:
        _check_count("rounds", self.rounds, 1)
        _check_count("blocks", self.blocks, 1)
        _check_count("checkpoint_every", self.checkpoint_every, 0)
        _check_count("blocks_per_round", self.blocks_per_round, 0, self.blocks)
        if self.on_lost not in ON_LOST:
            hint = did_you_mean(str(self.on_lost), ON_LOST)
            raise ConfigError("on_lost", self.on_lost, "fail or skip", hint)

    def drawn(self, run: Run, number: int) -> list[int]:
        """Return the blocks of a round in increasing order."""
        if self.blocks_per_round in (0, self.blocks):
            return list(range(self.blocks))
        rng = run.rng("bilevel", "blocks", number)
        return sorted(rng.choice(self.blocks, self.blocks_per_round, replace=False).tolist())

    def checkpoint_due(self, state: State[Any]) -> bool:
        """Return whether there is a checkpoint after the last round of the history."""
        if self.checkpoint_every == 0:
            return False
        done = len(state.history)
        return state.ended or done == self.rounds or done % self.checkpoint_every == 0


def solve(
    run: Run,
    levels: Levels[P, S],
    prior: P,
    schedule: Schedule,
    *,
    data: SharedData = None,
    resources: Resources | None = None,
) -> State[P]:
    """Alternate between the levels from `prior` on, and return where that led.

    `data`: handles that each block gets, in their order; `resources`: needs of each block.
    With checkpoints it has to be the first thing that its search does, except for `run.share`; any
    other search gives it one of its own, ``run.gather(lambda sub: solve(sub, ...))``.
    Raises TaskError naming round and block where one failed (`on_lost` "skip": where all did).
    """
    state, handles = State(prior), (data,) if isinstance(data, Shared) else tuple(data or ())
    if schedule.checkpoint_every:
        _, state = run.restore((0, state))
    while not state.ended and len(state.history) < schedule.rounds:
        state = _after_round(run, levels, state, schedule, handles, resources)
        done = state.history[-1]
        lost = {"lost_blocks": float(len(done.lost))} if done.lost else {}
        names = done.measures if levels.reported is None else levels.reported
        shown = {name: done.measures[name] for name in names}
        run.report(done.number, of=schedule.rounds, **shown, **lost)
        if schedule.checkpoint_due(state):
            run.checkpoint(done.number, state)
    return state


def _after_round(
    run: Run,
    levels: Levels[P, S],
    state: State[P],
    schedule: Schedule,
    data: tuple[Shared[Any], ...],
    resources: Resources | None,
) -> State[P]:
    number, prior = len(state.history) + 1, run.share(state.prior)
    drawn = schedule.drawn(run, number)
    items = [Block(number, b, prior, data, state.replies.get(b)) for b in drawn]
    outcomes = _solved(run, levels.lower, items, resources)
    lost = _lost(items, outcomes, schedule.on_lost)
    if lost and not any(done.lost for done in state.history):
        _warn(number, lost)
    values = {item.number: o.value for item, o in zip(items, outcomes, strict=True) if o.ok}
    merged: S = reduce(levels.merge, map(_summary, values.values()))
    measures = {name: float(value) for name, value in levels.measures(merged).items()}
    history = (*state.history, Round(number, tuple(drawn), tuple(lost), measures))
    return State(
        levels.upper(state.prior, merged),
        history,
        {**state.replies, **_handed_on(run, values)},
        bool(levels.finished(history, merged)),
    )


def _handed_on(run: Run, values: Mapping[int, Any]) -> dict[int, Shared[Kept]]:
    """Return handles of what blocks returned that keep a state.

    Each is shared whole, as the journal holds it: equal bytes have one hash and are stored once.
    """
    return {b: run.share(value) for b, value in values.items() if isinstance(value, Kept)}


def _solved(
    run: Run, lower: Task[Block, Any], items: Sequence[Block], resources: Resources | None
) -> list[Outcome[Any]]:
    """Return the outcomes of blocks in their order.

    They are submitted one by one, not mapped: a worker is then sent the state of its block alone.
    """
    if run.outstanding:
        raise MisuseError("take all outcomes with next() before a bilevel search begins")
    keys = [run.submit(lower, item, shared=item.handles, resources=resources) for item in items]
    found = {outcome.key: outcome for outcome in (run.next() for _ in keys)}
    return [found[key] for key in keys]


def _lost(items: Sequence[Block], outcomes: Sequence[Outcome[Any]], on_lost: str) -> dict[int, str]:
    """Return the kinds of failure by block; raises TaskError for one that the round cannot bear."""
    lost = {}
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome.failure is None:
            continue
        lost[item.number] = outcome.failure.kind
        if on_lost == "fail" or len(lost) == len(items):
            every = f" (as all {len(items)} of its round)" if len(lost) == len(items) > 1 else ""
            raise TaskError(outcome.key, outcome.failure.kind, "", where=f"{item}{every}")
    return lost


def _warn(number: int, lost: Mapping[int, str]) -> None:
    kinds = ", ".join(dict.fromkeys(lost.values()))
    say(
        f"warning: round {number} goes on without {_numbered(tuple(lost))} ({kinds}), "
        "since on_lost is skip; what it finds leans towards the other blocks",
        err=True,
    )


def _numbered(blocks: Sequence[int]) -> str:
    noun = "block" if len(blocks) == 1 else "blocks"
    return f"{noun} {listed([str(number) for number in blocks])}"


def _summary(value: Any) -> Any:
    return value.summary if isinstance(value, Kept) else value


def _check_count(name: str, value: int, least: int, most: int | None = None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ConfigError(name, value, f"an integer {limits}")
