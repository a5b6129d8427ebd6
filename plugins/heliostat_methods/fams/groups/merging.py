"""What becomes of groups that are too small: left as they are, left out, or merged by attributes.

A group is a tuple of levels, one for each attribute. Its parent is the same without the last one.
Small groups of one parent are merged; what is still too small goes on to the next parent. Large
groups stay as they are, so a parent holds the rest of its children, or all if all were small.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

Merge = Literal["keep", "parent", "drop"]
MERGES = ("keep", "parent", "drop")
Node = tuple[int, ...]
"""Levels of the first attributes; shorter than the list of attributes where groups were merged."""


def merged(groups: list[Node], sizes: list[int], least: int) -> list[Node]:
    """Return where each group goes, so that all but the root () have at least `least` rows."""
    where = list(groups)
    for length in range(max(map(len, groups)), 0, -1):
        rows = rows_of(where, sizes)
        where = [
            node[:-1] if len(node) == length and rows[node] < least else node for node in where
        ]
    return where


def rows_of(where: list[Node], sizes: list[int]) -> Counter[Node]:
    """Return the rows of each node."""
    rows: Counter[Node] = Counter()
    for node, size in zip(where, sizes, strict=True):
        rows[node] += size
    return rows


def partly(groups: list[Node], where: list[Node]) -> Counter[Node]:
    """Return how many groups begin as a node does but went elsewhere, for each node."""
    elsewhere: Counter[Node] = Counter()
    for group, node in zip(groups, where, strict=True):
        for length in range(len(node)):
            elsewhere[group[:length]] += 1
    return elsewhere
