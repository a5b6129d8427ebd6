"""Typed expression trees: the set of nodes they are made of, their plain form, and growing them.

DEAP gives the data structures: the primitive set with its types and subtypes, and the tree in
prefix order. Its generators draw from the process-global `random`, so growing is done here, from
the generator that is passed in.

Trees enter and leave as tuples of node names in prefix order, ``("mul", "x", "one")`` for
``x * 1``: plain values that can be journaled, hashed and sent to a worker. A tree's height is its
number of edges from the root to the deepest leaf; a single terminal has height 0. Terminals are
fixed names; there are no ephemeral constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from deap.gp import PrimitiveSetTyped, PrimitiveTree

from heliostat.errors import ConfigError, did_you_mean

T = TypeVar("T")
Tree = tuple[str, ...]
Heights = tuple[int, int]
Signature = tuple[Sequence[type], type]


def primitive_set(
    name: str,
    primitives: Mapping[str, int | Signature],
    terminals: Sequence[str] | Mapping[str, type],
    returns: type = object,
) -> PrimitiveSetTyped:
    """Return DEAP's primitive set for these names, in the order given.

    `primitives`: name to arity, or to (argument types, result type) for strongly typed trees.
    `terminals`: names, or name to type. `returns`: type of a whole tree. A subclass fits where its
    base is asked for. Every type needs a terminal, otherwise no tree of limited height exists.
    """
    types = dict(terminals) if isinstance(terminals, Mapping) else dict.fromkeys(terminals, object)
    if len(types) != len(terminals):
        raise ConfigError("terminals", list(terminals), "names that differ")
    pset = PrimitiveSetTyped(name, [], returns)
    needed: dict[type, str] = {returns: "a whole tree"}
    arguments: tuple[type, ...]
    result: type
    for primitive, signature in primitives.items():
        if isinstance(signature, int):
            arguments, result = (object,) * signature, object
        else:
            arguments, result = tuple(signature[0]), signature[1]
        if not arguments:
            raise ConfigError(f"primitives.{primitive}", signature, "an arity of at least 1")
        if primitive in types:
            raise ConfigError("terminals", primitive, "a name that no primitive has")
        pset.addPrimitive(len, list(arguments), result, primitive)
        for argument in arguments:
            needed.setdefault(argument, primitive)
        needed.setdefault(result, primitive)
    for terminal, type_ in types.items():
        pset.addTerminal(0, type_, terminal)
    for type_, user in needed.items():
        if not pset.terminals[type_]:
            raise ConfigError(
                "terminals", list(types), f"one of type {type_.__name__}, which {user} asks for"
            )
    return pset


def to_names(tree: PrimitiveTree) -> Tree:
    """Return the node names of DEAP's tree in prefix order."""
    return tuple(node.name for node in tree)


def from_names(pset: PrimitiveSetTyped, names: Sequence[str]) -> PrimitiveTree:
    """Return DEAP's tree; raises ConfigError for unknown names, wrong types, or no single tree."""
    nodes: list[Any] = []
    expected: list[type] = [pset.ret]
    for position, name in enumerate(names):
        node = pset.mapping.get(name)
        if node is None:
            hint = did_you_mean(name, pset.mapping)
            raise ConfigError(f"tree[{position}]", name, f"a node of {pset.name}", hint)
        if not expected:
            raise ConfigError(
                "tree", tuple(names), f"one tree; it is complete after {position} nodes"
            )
        wanted = expected.pop()
        if not issubclass(node.ret, wanted):
            raise ConfigError(f"tree[{position}]", name, f"a node of type {wanted.__name__}")
        expected.extend(reversed(getattr(node, "args", ())))
        nodes.append(node)
    if expected:
        raise ConfigError("tree", tuple(names), f"a whole tree; {len(expected)} arguments missing")
    return PrimitiveTree(nodes)


def height(pset: PrimitiveSetTyped, tree: Tree) -> int:
    """Return the number of edges from the root to the deepest leaf."""
    return int(from_names(pset, tree).height)


def full(
    pset: PrimitiveSetTyped,
    heights: Heights,
    rng: np.random.Generator,
    returns: type | None = None,
) -> Tree:
    """Return a tree whose leaves all lie at one depth, drawn from `heights` (both ends in)."""
    return _generate(pset, heights, rng, returns, 0.0)


def grow(
    pset: PrimitiveSetTyped,
    heights: Heights,
    rng: np.random.Generator,
    returns: type | None = None,
) -> Tree:
    """Return a tree whose leaves lie between the least height and one drawn from `heights`.

    A branch ends early with the share of terminals among all nodes of the set, as in DEAP.
    """
    return _generate(pset, heights, rng, returns, float(pset.terminalRatio))


def half_and_half(
    pset: PrimitiveSetTyped, count: int, heights: Heights, rng: np.random.Generator
) -> list[Tree]:
    """Return `count` trees, ramped half-and-half (Koza 1992): full or grown, of a drawn height."""
    return [(full if rng.random() < 0.5 else grow)(pset, heights, rng) for _ in range(count)]


def choose(options: Sequence[T], rng: np.random.Generator) -> T:
    """Return one of the options, each equally likely."""
    return options[int(rng.integers(len(options)))]


def check_heights(field: str, heights: Heights) -> None:
    """Raise ConfigError unless 0 <= least <= greatest."""
    if not 0 <= heights[0] <= heights[1]:
        raise ConfigError(field, heights, "(least, greatest) with 0 <= least <= greatest")


def _generate(
    pset: PrimitiveSetTyped,
    heights: Heights,
    rng: np.random.Generator,
    returns: type | None,
    stop: float,
) -> Tree:
    check_heights("heights", heights)
    least, most = heights
    top = int(rng.integers(least, most + 1))
    names: list[str] = []
    stack: list[tuple[int, type]] = [(0, pset.ret if returns is None else returns)]
    while stack:
        depth, type_ = stack.pop()
        choices = pset.primitives.get(type_)
        ends = depth == top or (stop > 0 and depth >= least and rng.random() < stop)
        # A type that no primitive returns can only be a terminal, however high the tree should be.
        if ends or not choices:
            names.append(choose(pset.terminals[type_], rng).name)
        else:
            node = choose(choices, rng)
            names.append(node.name)
            stack.extend((depth + 1, argument) for argument in reversed(node.args))
    return tuple(names)
