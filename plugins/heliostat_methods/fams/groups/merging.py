"""What becomes of groups that are too small: left as they are, left out, or merged by attributes.

A group is a tuple of levels, one for each attribute. Its parent is the same without the last one.
Small groups of one parent are merged; what is still too small goes on to the next parent. Large
groups stay as they are, so a parent holds the rest of its children, or all if all were small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from heliostat_methods.fams.groups.arguments import ArgumentError

Merge = Literal["keep", "parent", "drop"]
MERGES = ("keep", "parent", "drop")
Node = tuple[int, ...]
"""Levels of the first attributes; shorter than the list of attributes where groups were merged."""


def placed(
    groups: list[Node], sizes: list[int], least: int, merge: Merge
) -> tuple[Sequence[Node | None], str]:
    """Return where each group goes, None for one that is left out, and what is told of it.

    Raises ArgumentError where every group would be left out.
    """
    small = [size for size in sizes if size < least]
    if not small:
        return groups, ""
    few = f"{len(small):,} of {len(sizes):,} groups have fewer than {least:,} rows"
    if merge == "keep":
        return groups, f"{few} ({rows_text(sum(small))})"
    if merge == "parent":
        where = merged(groups, sizes, least)
        told = f"{few} ({rows_text(sum(small))}); they were merged by attributes"
        return where, told + _left(rows_of(where, sizes)[()], least)
    if len(small) == len(sizes):
        expected = f"at most {max(sizes):,}, the rows of the largest group"
        raise ArgumentError("min_group_size", least, expected)
    left = [group if size >= least else None for group, size in zip(groups, sizes, strict=True)]
    return left, f"{few} and were left out ({rows_text(sum(small))})"


def _left(rows: int, least: int) -> str:
    few = 0 < rows < least
    return f"; {rows_text(rows)}, too few even together, make one of their own" if few else ""


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


def partly(groups: list[Node], where: Sequence[Node | None]) -> Counter[Node]:
    """Return how many groups begin as a node does but went elsewhere, for each node."""
    elsewhere: Counter[Node] = Counter()
    for group, node in zip(groups, where, strict=True):
        for length in range(0 if node is None else len(node)):
            elsewhere[group[:length]] += 1
    return elsewhere


def rows_text(count: int) -> str:
    """Return a number of rows in words."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
