"""A loss as its terms: what each is worth, and how much it weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

TERMS = (
    "adversarial", "cycle", "identity", "stroke", "pair", "critic", "constancy", "category",
    "judge", "judge_stroke", "judge_category",
)  # fmt: skip
"""All of them, without weights; those with ``judge`` are the discriminators'."""


class Term(NamedTuple):
    """One term, before its weight."""

    weight: float
    value: Tensor


Terms = Mapping[str, Term]


def total(terms: Terms) -> Tensor:
    """Return the weighted sum."""
    parts = [term.weight * term.value for term in terms.values()]
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found
