"""Losses that share the score of an earlier one, because their gradients are equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from heliostat_methods.evomal.losses.expression import LossExpression


class Sharing(Protocol):
    """Says by a key of each loss which ones are taken for one and the same."""

    def keys(self, losses: Sequence[LossExpression]) -> list[str]:
        """Return a key for each of the losses, at least one."""
        ...


def twins(
    sharing: Sharing, losses: dict[str, LossExpression], known: dict[str, str]
) -> dict[str, str]:
    """Return the losses that an earlier one stands for, with that one's name.

    `losses` by name; `known` are the names of earlier losses by key, to which new ones are added.
    """
    if not losses:
        return {}
    found = {}
    for name, key in zip(losses, sharing.keys(list(losses.values())), strict=True):
        first = known.setdefault(key, name)
        if first != name:
            found[name] = first
    return found
