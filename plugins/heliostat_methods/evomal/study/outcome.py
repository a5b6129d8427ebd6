"""What a run leaves as its result: the accounts of its searches, or a table of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.evomal.comparison.outcome import Account, Trivial
from heliostat_methods.evomal.comparison.records import read
from heliostat_methods.evomal.searches.found import FoundLoss
from heliostat_search.statistics import MeanInterval, mean_interval
from heliostat_search.trainings.paired_seeds import ONE_SPLIT, PairedTest, Splits


@dataclass(frozen=True)
class CellAccount:
    """One search of a table: its place, its estimated cost, why it was not run, what it found."""

    dataset: str
    model: str
    baseline: str
    seed: int
    core_hours: float
    not_run: str = ""
    counts: dict[str, int] | None = None
    steps: dict[str, int] | None = None
    best: tuple[FoundLoss, ...] | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what a search that was not run does not have."""
        return tuple(name for name in ("counts", "steps", "best") if getattr(self, name) is None)


@dataclass(frozen=True)
class TableRow:
    """One line of a table: the losses that one kind of search found, under all test seeds.

    ``search_low`` and so on are None where no interval can be given, and all numbers where every
    search has a diverged training. ``kept``: of how many searches the numbers are; ``exploded``: in
    how many trainings they explode; ``edges``: how many of them may have a better rate beyond those
    tried; ``rank_sign`` and ``outlying`` as in ``PairedTest``.
    """

    name: str
    searches: int
    diverged: int
    kept: int | None = None
    mean: float | None = None
    search_means: tuple[float, ...] | None = None
    search_low: float | None = None
    search_high: float | None = None
    test_low: float | None = None
    test_high: float | None = None
    difference: MeanInterval | None = None
    t_p: float | None = None
    wilcoxon_p: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    exploded: int = 0
    edges: int = 0
    rank_sign: int = 0
    outlying: bool = False

    @classmethod
    def of(
        cls, name: str, values: Sequence[Any], standard: Sequence[float],
        splits: Splits = ONE_SPLIT, exploded: int = 0, edges: int = 0,
    ) -> TableRow:  # fmt: skip
        """Return the line for `values` (search seeds, splits x test seeds) of a metric."""
        all_, base = np.array(values), np.array(standard)
        whole = all_[np.isfinite(all_).all(axis=1)]
        counted: dict[str, Any] = {
            "name": name,
            "searches": len(all_),
            "diverged": int((~np.isfinite(all_)).sum()),
            "exploded": exploded,
            "edges": edges,
        }
        if not len(whole):
            return cls(**counted)
        means, each = whole.mean(axis=1), whole.mean(axis=0)
        over_tests = mean_interval(splits.folded(each), overlap=splits.shared)
        said: dict[str, Any] = {"test_low": over_tests.low, "test_high": over_tests.high}
        if len(means) >= 2:
            interval = mean_interval(means)
            said |= {"search_low": interval.low, "search_high": interval.high}
        test = None if name == "standard" else PairedTest.between(each, base, splits)
        if test is not None and np.isfinite(base).all():
            said |= {"difference": test.difference, "t_p": test.t_p,
                     "wilcoxon_p": test.wilcoxon_p, "rank_sign": test.rank_sign,
                     "outlying": test.outlying}  # fmt: skip
            if len(means) >= 2:
                gaps = mean_interval(means - base.mean())
                said |= {"gap_low": gaps.low, "gap_high": gaps.high}
        return cls(
            **counted, **said, kept=len(whole), mean=float(means.mean()),
            search_means=tuple(float(m) for m in means),
        )  # fmt: skip

    def absent(self) -> tuple[str, ...]:
        """Return what could not be said."""
        return tuple(name for name, value in vars(self).items() if value is None)

    @property
    def test(self) -> PairedTest | None:
        """The paired test against the standard loss."""
        if self.difference is None or self.t_p is None or self.wilcoxon_p is None:
            return None
        return PairedTest(self.difference.n, self.difference, self.t_p, self.wilcoxon_p,
                          self.rank_sign, self.outlying)  # fmt: skip


@dataclass(frozen=True)
class TableLoss:
    """One loss that a table compares, trained one way (``Way`` of ``comparison.protocol``).

    Without a way it is of a run of an earlier version, whose label says the rate's factor.
    """

    label: str
    learning_rate: float
    values: tuple[float, ...] = ()
    diverged: int = 0
    way: str | None = None
    edge: bool = False
    kept: tuple[int, ...] = ()

    def absent(self) -> tuple[str, ...]:
        """Return what an earlier version did not say."""
        return ("way",) if self.way is None else ()


@dataclass(frozen=True)
class StudyTable:
    """All losses for one data set and model; the first row is the standard loss.

    ``rows`` are of each loss at its best rate and number of steps, ``rows_at_end`` at its best rate
    after all steps. Runs of earlier versions stopped nothing early: their rows are of the latter.
    """

    dataset: str
    model: str
    metric: str
    standard: str
    test_steps: int
    rows: tuple[TableRow, ...]
    losses: tuple[TableLoss, ...]
    rows_at_end: tuple[TableRow, ...] = ()
    trivial: Trivial | None = None
    epochs: float | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what an earlier version did not say."""
        return tuple(n for n in ("trivial", "epochs") if getattr(self, n) is None)


@dataclass(frozen=True)
class StudyOutcome:
    """A study: its plan, what it cost by the estimate, and its tables.

    Runs of earlier versions did not say ``aside_core_hours``, the part for transfers and standard
    losses, nor the ``rates`` tried first; each of ``splits`` takes ``test_seeds`` trainings.
    """

    cells: tuple[CellAccount, ...]
    estimated_core_hours: float
    cap: float
    search_seeds: int
    test_seeds: int
    tables: tuple[StudyTable, ...]
    aside_core_hours: float | None = None
    rates: tuple[float, ...] = ()
    splits: int = 1


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    baseline: str
    problems: tuple[Account, ...] = ()
    best_fitness: float | None = None
    test_metric: float | None = None
    study: StudyOutcome | None = None

    @classmethod
    def of(cls, data: Any) -> Outcome:
        """Return the outcome that a run stored as plain data."""
        return read(cls, data)

    def absent(self) -> tuple[str, ...]:
        """Return what a run of single searches does not have."""
        return ("study",) if self.study is None else ()
