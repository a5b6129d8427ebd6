"""Moves in any search space, from its decisions alone: draw, mutate, cross over, neighbours, count.

All of them take and return many architectures at once and draw from the generator that is passed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.space import ABSENT, Archs, Decision, SearchSpace

TRIES = 100
"""Draws for a row before a move gives up on it, where hardly any choice is an architecture."""
LISTED = 200_000
"""Rows up to which a space is listed rather than drawn from once it is nearly used up."""


def active(decisions: Sequence[Decision], choices: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which decisions exist, (n, decisions); what stands at others is not looked at."""
    exists = np.ones(choices.shape, dtype=np.bool_)
    for place, decision in enumerate(decisions):
        if decision.parent is not None:
            enough = choices[:, decision.parent] >= decision.least
            exists[:, place] = exists[:, decision.parent] & enough
    return exists


def absent_marked(decisions: Sequence[Decision], choices: NDArray[Any]) -> Archs:
    """Return rows with -1 at decisions that do not exist."""
    return np.where(active(decisions, choices), choices, ABSENT).astype(np.int16)


def within(decisions: Sequence[Decision], choices: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows have a place among the choices at every decision that exists, (n,)."""
    widths = _widths(decisions)
    there = (choices >= 0) & (choices < widths)
    fits: NDArray[np.bool_] = np.all(there | ~active(decisions, choices), axis=1)
    return fits


def row_keys(archs: Archs) -> list[bytes]:
    """Return a key of each row: equal rows of equal spaces have equal keys."""
    return [row.tobytes() for row in np.ascontiguousarray(archs, dtype="<i2")]


def distinct(archs: Archs) -> Archs:
    """Return the rows without repetition, in the order of their first appearance."""
    return archs[_new_places(row_keys(archs), ())]


def count(decisions: Sequence[Decision]) -> int:
    """Return how many rows differ in what exists, exactly."""
    ways: list[list[int]] = [[1] * len(decision.choices) for decision in decisions]
    total = 1
    # Children come after their parents, so that from behind all of a decision's are known.
    for place in range(len(decisions) - 1, -1, -1):
        decision, here = decisions[place], sum(ways[place])
        if decision.parent is None:
            total *= here
        else:
            above = ways[decision.parent]
            above[decision.least :] = [way * here for way in above[decision.least :]]
    return total


def sample(space: SearchSpace, count: int, rng: np.random.Generator) -> Archs:
    """Return canonical architectures whose decisions are uniform and independent, (count, ...).

    What is no architecture is drawn again. Raises ConfigError where nothing drawn is one.
    """
    found, missing = np.empty((0, len(space.decisions)), dtype=np.int16), count
    for _ in range(TRIES):
        drawn = _uniform(space.decisions, missing, rng)
        found = np.concatenate([found, drawn[space.valid(drawn)]])
        missing = count - len(found)
        if missing == 0:
            return space.canonical(found)
    raise ConfigError(
        "space", space.name, f"more than {len(found)} valid architectures in {TRIES} draws of each"
    )


def sample_distinct(
    space: SearchSpace, count: int, rng: np.random.Generator, exclude: Container[bytes] = ()
) -> Archs:
    """Return up to `count` different canonical architectures, none with a key in `exclude`.

    Fewer come back only where the space has no more (a space of more than 200,000 that is nearly
    used up may return fewer as well).
    """
    chosen = np.empty((0, len(space.decisions)), dtype=np.int16)
    for _ in range(TRIES):
        if len(chosen) == count:
            return chosen
        pool = np.concatenate([chosen, sample(space, max(2 * (count - len(chosen)), 8), rng)])
        fresh = pool[_new_places(row_keys(pool), exclude)][:count]
        # Most draws repeat: what is left is a small part, to be listed and drawn from directly.
        if (
            space.size <= LISTED
            and len(fresh) < count
            and len(fresh) - len(chosen) < count // 8 + 1
        ):
            return _rest(space, fresh, count, rng, exclude)
        chosen = fresh
    return chosen


def all_architectures(space: SearchSpace) -> Archs:
    """Return every architecture of a space, canonical and in the order of its rows.

    Raises ConfigError for a space of more than 200,000.
    """
    if space.size > LISTED:
        raise ConfigError("space", space.name, f"at most {LISTED:,} architectures to list them all")
    rows = np.array(list(_rows(space.decisions)), dtype=np.int16)
    return distinct(space.canonical(rows[space.valid(rows)]))


def mutate(space: SearchSpace, archs: Archs, rate: float, rng: np.random.Generator) -> Archs:
    """Return each architecture with decisions changed, each with probability `rate`.

    A changed decision takes another of its choices, all equally likely; decisions that exist only
    by the change are drawn. What is no architecture is mutated again from its parent.
    """
    if not 0 <= rate <= 1:
        raise ConfigError("mutation_rate", rate, "a probability, from 0 to 1")

    def once(parents: Archs) -> NDArray[Any]:
        widths = _widths(space.decisions)
        step = 1 + np.floor(rng.random(parents.shape) * (widths - 1)).astype(np.int64)
        changed = np.where(parents == ABSENT, 0, (parents + step) % widths)
        changes = (rng.random(parents.shape) < rate) & (widths > 1)
        moved = np.where(changes, changed, parents)
        return np.where(parents == ABSENT, _uniform(space.decisions, len(parents), rng), moved)

    return _retried(space, once, archs)


def crossover(space: SearchSpace, a: Archs, b: Archs, rng: np.random.Generator) -> Archs:
    """Return one child of each pair: every decision from either parent, equally likely.

    A decision that only one parent has is that one's; one that neither has is drawn, should it
    exist. What is no architecture is crossed again; `a` stands in where none comes out.
    """
    if a.shape != b.shape:
        raise ConfigError("b", b.shape, f"as many architectures as a, shape {a.shape}")
    pairs = np.concatenate([a, b], axis=1)

    def once(pairs: NDArray[np.int16]) -> NDArray[Any]:
        left, right = np.split(pairs, 2, axis=1)
        from_left = rng.random(left.shape) < 0.5
        child = np.where((from_left & (left != ABSENT)) | (right == ABSENT), left, right)
        return np.where(child == ABSENT, _uniform(space.decisions, len(child), rng), child)

    return _retried(space, once, pairs)


def neighbours(space: SearchSpace, arch: NDArray[Any]) -> Archs:
    """Return the architectures one decision away from one (decisions,), canonical, all different.

    Decisions that exist only by the change take all their choices.
    """
    row = [int(value) for value in arch]
    rows = [
        changed
        for place, decision in enumerate(space.decisions)
        if row[place] != ABSENT
        for choice in range(len(decision.choices))
        if choice != row[place]
        for changed in _completed(space.decisions, row, place, choice)
    ]
    found = np.array(rows, dtype=np.int16).reshape(-1, len(row))
    found = space.canonical(found[space.valid(found)])
    itself = row_keys(space.canonical(np.array([row], dtype=np.int16)))
    return found[_new_places(row_keys(found), itself)]


def _widths(decisions: Sequence[Decision]) -> NDArray[np.int64]:
    return np.array([len(decision.choices) for decision in decisions], dtype=np.int64)


def _uniform(
    decisions: Sequence[Decision], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    return rng.integers(0, _widths(decisions), size=(count, len(decisions)))


def _new_places(keys: Iterable[bytes], known: Container[bytes]) -> list[int]:
    """Return the places of keys that are neither known nor seen before."""
    first: dict[bytes, int] = {}
    for place, key in enumerate(keys):
        if key not in known:
            first.setdefault(key, place)
    return list(first.values())


def _retried(
    space: SearchSpace, move: Callable[[Archs], NDArray[Any]], parents: NDArray[np.int16]
) -> Archs:
    """Return what a move makes of each parent, moved again while it is no architecture."""
    width = len(space.decisions)
    moved = parents[:, :width].astype(np.int16)
    todo = np.arange(len(parents))
    for _ in range(TRIES):
        if len(todo) == 0:
            break
        made = move(parents[todo])
        good = space.valid(made)
        moved[todo[good]] = made[good]
        todo = todo[~good]
    return space.canonical(moved)


def _rest(
    space: SearchSpace,
    chosen: Archs,
    count: int,
    rng: np.random.Generator,
    exclude: Container[bytes],
) -> Archs:
    """Return `chosen` filled up, each of what is left equally likely."""
    pool = np.concatenate([chosen, all_architectures(space)])
    left = pool[_new_places(row_keys(pool), exclude)][len(chosen) :]
    picked = rng.permutation(len(left))[: count - len(chosen)]
    return np.concatenate([chosen, left[picked]])


def _rows(decisions: Sequence[Decision]) -> Iterator[list[int]]:
    """Yield every row that differs in what exists."""
    yield from _filled(decisions, [ABSENT] * len(decisions), 0, [False] * len(decisions))


def _completed(
    decisions: Sequence[Decision], row: list[int], place: int, choice: int
) -> Iterator[list[int]]:
    """Yield a row with one decision changed, and what newly exists chosen in every way."""
    fixed = [value != ABSENT for value in row]
    changed = [*row[:place], choice, *row[place + 1 :]]
    yield from _filled(decisions, changed, place + 1, fixed)


def _filled(
    decisions: Sequence[Decision], row: list[int], start: int, fixed: list[bool]
) -> Iterator[list[int]]:
    """Yield the row with every choice of what exists from `start` on and is not fixed."""
    if start == len(decisions):
        yield row
        return
    decision = decisions[start]
    parent = decision.parent
    # A decision that does not exist holds -1, below every least place.
    exists = parent is None or row[parent] >= decision.least
    options = (
        [ABSENT] if not exists else [row[start]] if fixed[start] else range(len(decision.choices))
    )
    for option in options:
        yield from _filled(decisions, [*row[:start], option, *row[start + 1 :]], start + 1, fixed)
