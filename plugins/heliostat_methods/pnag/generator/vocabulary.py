"""A space's decisions as a language: a token for every choice of every kind, and when it is said.

Decisions of one kind share tokens, and with them what a generator learns of their choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.moves import within
from heliostat_methods.pnag.spaces.space import ABSENT, Archs, Decision


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of decisions: decision t says one of `first[t]` ... `first[t] + widths[t] - 1`.

    The token `silence`, after all others, stands where a decision does not exist.
    """

    decisions: tuple[Decision, ...]
    kinds: tuple[str, ...]
    first: tuple[int, ...]
    widths: tuple[int, ...]
    silence: int

    @classmethod
    def of(cls, decisions: Sequence[Decision]) -> Vocabulary:
        """Return the tokens of decisions, kinds in the order of their first appearance.

        Raises ConfigError for no decisions, for a kind of different choices, and for a parent that
        does not stand before its child.
        """
        if not decisions:
            raise ConfigError("decisions", [], "at least one")
        begins: dict[str, tuple[int, Decision]] = {}
        tokens = 0
        for place, decision in enumerate(decisions):
            _check_parent(place, decision)
            _, alike = begins.setdefault(decision.kind, (tokens, decision))
            if alike is decision:
                tokens += len(decision.choices)
            elif alike.choices != decision.choices:
                expected = f"the choices of {alike.name}, of the same kind {decision.kind!r}"
                raise ConfigError(decision.name, list(decision.choices), expected)
        first = tuple(begins[decision.kind][0] for decision in decisions)
        widths = tuple(len(decision.choices) for decision in decisions)
        return cls(tuple(decisions), tuple(begins), first, widths, tokens)

    @property
    def conditional(self) -> tuple[bool, ...]:
        """Which decisions may not exist."""
        return tuple(decision.parent is not None for decision in self.decisions)

    def tokens(self, choices: NDArray[Any]) -> NDArray[np.int64]:
        """Return the tokens of choices (n, decisions); raises DataError for one out of place."""
        if choices.ndim != 2 or choices.shape[1] != len(self.decisions):
            raise DataError(f"choices (n, {len(self.decisions)}) needed, got {choices.shape}")
        if not within(self.decisions, choices).all():
            row = int(np.argmin(within(self.decisions, choices)))
            raise DataError(f"choices[{row}] is no row of places among the choices of decisions")
        there = choices != ABSENT
        return np.where(there, choices.astype(np.int64) + np.array(self.first), self.silence)

    def choices(self, tokens: NDArray[np.int64]) -> Archs:
        """Return the choices of tokens (n, decisions), -1 where there is silence."""
        places = tokens - np.array(self.first)
        return np.where(tokens == self.silence, ABSENT, places).astype(np.int16)


def _check_parent(place: int, decision: Decision) -> None:
    if decision.parent is not None and not 0 <= decision.parent < place:
        raise ConfigError(f"{decision.name}.parent", decision.parent, "the place of an earlier one")
    if decision.parent is not None and decision.least < 0:
        raise ConfigError(f"{decision.name}.least", decision.least, "a place, at least 0")
