"""Depths of residual networks that are three stages of equal blocks of two convolutions."""

from __future__ import annotations

from heliostat.errors import ConfigError

MOST_BLOCKS = 200


def depth_problem(depth: int, extra: int) -> str | None:
    """Return what was expected if `depth` is not 6n + `extra` layers, else None."""
    blocks, rest = divmod(depth - extra, 6)
    if rest == 0 and 1 <= blocks <= MOST_BLOCKS:
        return None
    near = 6 * min(max(1, round((depth - extra) / 6)), MOST_BLOCKS) + extra
    return f"6n + {extra} layers with n from 1 to {MOST_BLOCKS}, such as {near}"


def blocks_per_stage(depth: int, extra: int) -> int:
    """Return n for a depth of 6n + `extra`; raises ConfigError for any other."""
    problem = depth_problem(depth, extra)
    if problem is not None:
        raise ConfigError("depth", depth, problem)
    return (depth - extra) // 6
