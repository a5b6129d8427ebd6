"""Searches for operators and for poles, scored on workers; both by exact zero tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import Run, TaskContext, stored, task
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.discovery.gauge_checks import gauge_checks
from heliostat_methods.amplitudes.discovery.invariant_operators import invariant_operators
from heliostat_methods.amplitudes.discovery.operator_search import search_operators
from heliostat_methods.amplitudes.discovery.pole_search import pole_score, search_poles
from heliostat_methods.amplitudes.discovery.settings import SearchSettings
from heliostat_methods.amplitudes.reconstruction.invariants import pair_propagators

Candidates = Sequence[Sequence[int]]
PARTS = 2
"""Tasks that one generation is cut into."""


@stored("amplitudes.candidates")
@dataclass(frozen=True)
class Scored:
    """Candidates of a search among n legs: powers of poles, or coefficients of derivatives."""

    kind: str
    n: int
    candidates: tuple[tuple[int, ...], ...]


@task("amplitudes.score_candidates")
def score_candidates(item: Scored, ctx: TaskContext) -> list[float]:
    """Return the score of each candidate, lower is better; all tasks of a run see one sample."""
    rng = ctx.rng("discovery", item.kind, item.n)
    scores: list[float] = _score(item.kind, item.n, rng).score_many(item.candidates)
    return scores


def _score(kind: str, n: int, rng: np.random.Generator) -> Any:
    if kind == "poles":
        return pole_score(_biadjoint, n, pair_propagators(n), rng)
    return gauge_checks(n, (1,), rng, trace=(0, n - 1))


def _biadjoint(point: Any) -> Any:
    return amplitude("bas", point)


def discover(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Return what each search found, with a sentence that says it."""
    if not config.discover:
        return {}
    n = config.discover_legs
    settings = SearchSettings(population=config.population, generations=config.generations)
    made = {"operators": _operators, "poles": _poles}
    return {"discovered": [made[name](n, settings, run) for name in config.discover]}


def _operators(n: int, settings: SearchSettings, run: Run) -> dict[str, Any]:
    run.phase("searching for operators")
    every = invariant_operators(n, 1, run.rng("operators", n), trace=(0, n - 1))
    names = gauge_checks(n, (1,), run.rng("names", n), trace=(0, n - 1)).names
    found = search_operators(_on_workers("operators", n, run), names,
                             run.rng("search", "operators", n), settings)  # fmt: skip
    spanned = "T_(i j k) and T[i j] span it" if every.spanned_by_known else "more than the known"
    listed = "; ".join(map(str, every.operators))
    sentence = (
        f"Operators of first order in e_1 that keep T[0 {n - 1}] A_YM of {n} legs gauge invariant: "
        f"a space of {len(every.operators)} among {every.searched} dimensions, {spanned}: "
        f"{listed}. The genetic search, which knows none of that, found {found} after "
        f"{found.evaluations} candidates in {found.generations} generations."
    )
    return {
        "title": "Operators", "sentence": sentence, "columns": ["operator", "by"],
        "rows": [*([str(one), "linear algebra"] for one in every.operators),
                 *([str(one), "genetic search"] for one in found.operators)],
    }  # fmt: skip


def _poles(n: int, settings: SearchSettings, run: Run) -> dict[str, Any]:
    run.phase("searching for poles")
    names = pair_propagators(n)
    found = search_poles(_on_workers("poles", n, run), names, run.rng("search", "poles", n),
                         settings)  # fmt: skip
    complete = "all of them" if found.residual_rank == 0 else f"{found.residual_rank} are missing"
    exact = "; the fit is exact modulo a prime" if found.residual_rank == 0 else ""
    sentence = (
        f"Poles of the bi-adjoint amplitude of {n} legs among {len(names)} candidates, found by a "
        f"genetic search: {found}, {complete}, after {found.evaluations} candidates in "
        f"{found.generations} generations{exact}."
    )
    return {"title": "Poles", "sentence": sentence, "columns": ["pole", "power"],
            "rows": [[name, power] for name, power in found.powers.items()]}  # fmt: skip


def _on_workers(kind: str, n: int, run: Run) -> Any:
    def evaluate_many(candidates: Candidates) -> list[float]:
        size = -(-len(candidates) // PARTS)
        items = [
            Scored(kind, n, tuple(tuple(map(int, one)) for one in candidates[i : i + size]))
            for i in range(0, len(candidates), size)
        ]
        return [score for outcome in run.map(score_candidates, items) for score in outcome.unwrap()]

    return evaluate_many
