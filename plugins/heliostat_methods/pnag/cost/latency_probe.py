"""Timing calls so that what else the machine does shows, instead of going into the numbers.

In every round each candidate is called once in a random order, some times in a row, and its least
time is kept; a fixed reference kernel is timed before each of them and after the last. A round in
which the reference is slower than its best by more than `drift` is rejected: the machine was not
the same machine then. A candidate's time is the median of its least times over the rounds kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.cost.own_cores import OwnCores

Call = Callable[[], object]
Clock = Callable[[], float]
FREE_CORES = 2
"""With fewer, what is timed shares its core with something else."""


@dataclass(frozen=True)
class ProbeSettings:
    """How much is timed: rounds to keep, calls in a row, and rounds after which it ends anyway.

    `drift`: by which share the reference may be slower than its best in a round that counts.
    """

    rounds: int = 6
    repeats: int = 15
    warm_up: int = 3
    drift: float = 0.05
    most_rounds: int = 18

    def __post_init__(self) -> None:
        for name in ("rounds", "repeats", "warm_up"):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "at least 1")
        if self.most_rounds < self.rounds:
            raise ConfigError("most_rounds", self.most_rounds, f"at least rounds, {self.rounds}")
        if not 0 < self.drift < float("inf"):
            raise ConfigError("drift", self.drift, "a share above 0, such as 0.05")


@dataclass(frozen=True)
class Readings:
    """One round: least seconds of each candidate, and of the reference around each of them.

    `least`: (candidates,); `reference`: (candidates + 1,); `free_cores` meanwhile, on average.
    """

    least: NDArray[np.float64]
    reference: NDArray[np.float64]
    free_cores: float


@dataclass(frozen=True)
class Timing:
    """Seconds of a call over `count` rounds: median, interquartile range, variance, least."""

    count: int
    median: float
    iqr: float
    variance: float
    least: float


@dataclass(frozen=True)
class Probed:
    """Timings in the order of the candidates; `noisy` says why they may be off, "" if nothing."""

    timings: tuple[Timing, ...]
    kept: int
    rejected: int
    noisy: str


def probe(
    candidates: Sequence[Call],
    reference: Call,
    rng: np.random.Generator,
    settings: ProbeSettings | None = None,
    clock: Clock = time.perf_counter,
    cores: OwnCores | None = None,
) -> Probed:
    """Time candidates against each other; `rng` orders them. Raises ConfigError for none."""
    settings = settings or ProbeSettings()
    rounds: list[Readings] = []
    while wants_more(rounds, settings):
        rounds.append(one_round(candidates, reference, rng, settings, clock, cores))
    return judged(rounds, settings)


def one_round(
    candidates: Sequence[Call],
    reference: Call,
    rng: np.random.Generator,
    settings: ProbeSettings,
    clock: Clock = time.perf_counter,
    cores: OwnCores | None = None,
) -> Readings:
    """Return the readings of one round in an order drawn from `rng`."""
    if not candidates:
        raise ConfigError("candidates", 0, "something to time")
    cores = cores or OwnCores()
    cores.begin()
    least = np.empty(len(candidates))
    around = [_least(reference, settings, clock)]
    for place in rng.permutation(len(candidates)):
        least[place] = _least(candidates[place], settings, clock)
        around.append(_least(reference, settings, clock))
    return Readings(least, np.array(around), cores.free())


def wants_more(rounds: Sequence[Readings], settings: ProbeSettings) -> bool:
    """Return whether another round is to be timed."""
    if len(rounds) >= settings.most_rounds:
        return False
    return int(_steady(rounds, settings).sum()) < settings.rounds


def judged(rounds: Sequence[Readings], settings: ProbeSettings) -> Probed:
    """Return the timings of the rounds that count.

    Where too few are steady the steadiest make up for them, and `noisy` says so. Raises ConfigError
    without any round.
    """
    if not rounds:
        raise ConfigError("rounds", 0, "at least one round")
    steady = _steady(rounds, settings)
    wanted = min(settings.rounds, len(rounds))
    order = np.argsort(_drifts(rounds), kind="stable")
    chosen = np.sort(np.flatnonzero(steady) if steady.sum() >= wanted else order[:wanted])
    least = np.array([rounds[place].least for place in chosen])
    return Probed(
        timings=tuple(_timing(column) for column in least.T),
        kept=len(chosen),
        rejected=len(rounds) - len(chosen),
        noisy="; ".join(_noises(rounds, int(steady.sum()), settings)),
    )


def _least(call: Call, settings: ProbeSettings, clock: Clock) -> float:
    for _ in range(settings.warm_up):
        call()
    best = float("inf")
    for _ in range(settings.repeats):
        began = clock()
        call()
        best = min(best, clock() - began)
    return best


def _drifts(rounds: Sequence[Readings]) -> NDArray[np.float64]:
    """Return of each round by which share the reference was slower than its best of all."""
    best = min(float(one.reference.min()) for one in rounds)
    slowest = np.array([float(one.reference.max()) for one in rounds])
    drifts: NDArray[np.float64] = slowest / max(best, 1e-12) - 1
    return drifts


def _steady(rounds: Sequence[Readings], settings: ProbeSettings) -> NDArray[Any]:
    if not rounds:
        return np.zeros(0, np.bool_)
    steady: NDArray[Any] = _drifts(rounds) <= settings.drift
    return steady


def _timing(seconds: NDArray[np.float64]) -> Timing:
    low, median, high = np.quantile(seconds, [0.25, 0.5, 0.75])
    variance = float(seconds.var(ddof=1)) if len(seconds) > 1 else 0.0
    return Timing(len(seconds), float(median), float(high - low), variance, float(seconds.min()))


def _noises(rounds: Sequence[Readings], steady: int, settings: ProbeSettings) -> list[str]:
    told = []
    free = min(one.free_cores for one in rounds)
    if round(free) < FREE_CORES:
        told.append(f"{max(0.0, free):.1f} cores were free, {FREE_CORES} are wanted")
    if steady < min(settings.rounds, len(rounds)):
        told.append(
            f"the reference kernel drifted by more than {settings.drift:.0%} in "
            f"{len(rounds) - steady} of {len(rounds)} rounds; the steadiest were taken"
        )
    return told
