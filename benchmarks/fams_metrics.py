"""The permutation test of the sufficiency gap against permuting rows, on many rows and groups.

Both sides test the same labels, scores and groups, in one process on one core, in processor time
without what comes before the draws. Ours draws the counts of positives in cells, which have a
multivariate hypergeometric law; the peer permutes the labels of each score bin's rows, sorted by
bin once, and counts cells again. The peer makes fewer permutations, since each takes as long as any
other. That both have one law is checked here by mean and spread of the gaps.

Run: ``python benchmarks/fams_metrics.py [--json]`` (about a minute).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.metrics.cells import Cells, count_cells
from heliostat_methods.fams.metrics.gap import absolute_gap
from heliostat_methods.fams.metrics.permutation import permuted_gaps

BINS, PERMUTATIONS, PEER_PERMUTATIONS = 10, 1000, 40
SHAPES = ((1_000_000, 1_000), (1_000_000, 10), (20_000, 1_000))
BUDGET = 10.0
"""Seconds that 1,000 permutations of the first shape may take."""


def drawn(rows: int, groups: int) -> tuple[NDArray[np.float64], ...]:
    """Return labels, scores and groups of a score that is right for all groups."""
    generator = np.random.default_rng(0)
    score = generator.random(rows)
    y = (generator.random(rows) < score).astype(np.float64)
    return y, score, generator.integers(0, groups, rows)


def rows_permuted(
    y: NDArray[np.float64], score: NDArray[np.float64], group: NDArray[np.int64], draws: int
) -> tuple[NDArray[np.float64], float]:
    """Return gaps of permuted rows, and the seconds that the permutations took."""
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    order = np.argsort(bins, kind="stable")
    labels, cell = y[order], (bins * (int(group.max()) + 1) + group)[order]
    counts = np.bincount(cell)
    held = counts > 0
    of_bin = np.repeat(np.arange(BINS), int(group.max()) + 1)[: len(counts)][held]
    ends = np.cumsum(np.bincount(bins, minlength=BINS))[:-1]
    base = np.bincount(of_bin, counts[held])
    generator, gaps = np.random.default_rng(1), np.empty(draws)
    began = time.process_time()
    for draw in range(draws):
        mixed = np.concatenate([generator.permutation(part) for part in np.split(labels, ends)])
        positives = np.bincount(cell, mixed, len(counts))[held]
        pooled = (np.bincount(of_bin, positives) / base)[of_bin]
        gaps[draw] = np.abs(positives - counts[held] * pooled).sum() / len(y)
    return gaps, time.process_time() - began


def cells_drawn(cells: Cells, draws: int) -> tuple[NDArray[np.float64], float]:
    """Return gaps of drawn counts, and the seconds that the draws took."""
    masses = cells.masses("population")
    began = time.process_time()
    return permuted_gaps(cells, masses, draws, seed=2), time.process_time() - began


def apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the difference of two means in its standard errors."""
    return float(abs(a.mean() - b.mean()) / math.sqrt(a.var() / len(a) + b.var() / len(b)))


def main() -> int:
    """Print both sides for each shape; 1 where laws differ or the first shape is over budget."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    as_json = parser.parse_args().json
    claims, failed = {}, False
    for rows, groups in SHAPES:
        y, score, group = drawn(rows, groups)
        began = time.process_time()
        cells = count_cells(y, score, group, BINS)
        gap = float(absolute_gap(cells, cells.masses("population"), cells.positives))
        counting = time.process_time() - began
        null, ours = cells_drawn(cells, PERMUTATIONS)
        explicit, some = rows_permuted(y, score, group, PEER_PERMUTATIONS)
        peer = some * PERMUTATIONS / PEER_PERMUTATIONS
        off = apart(null, explicit)
        failed |= off > 4 or ((rows, groups) == SHAPES[0] and ours + counting > BUDGET)
        name = f"{PERMUTATIONS:,} permutations, {rows:,} rows, {groups:,} groups"
        claims[name] = {"ours": ours, "peer": peer, "ratio": peer / ours, "unit": "s"}
        print(f"{name:<50} ours {ours:>8.3f}   peer {peer:>8.1f} s   ratio {peer / ours:.4g}")
        print(f"  counting {counting:.2f} s; gap {gap:.5f}; null {null.mean():.5f} and "
              f"{explicit.mean():.5f}, {off:.1f} standard errors apart")  # fmt: skip
    if as_json:
        print(json.dumps(claims))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
