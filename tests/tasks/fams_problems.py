"""Small problems of fams, driven without a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from engine_runs import Done, drive

from heliostat_methods.fams.comparison.contestants import Contestant
from heliostat_methods.fams.comparison.trained import Posed, Seeds, trained
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.training.problem import Problem

SIZES = (14, 9, 2, 30, 5, 8)
NAMES = ("a", "b", "c", "d", "e", "f")
SEEDS = Seeds(split=3, own=11)
BOUND: dict[str, Any] = {"rounds": 4, "inner": 3, "batch": 6, "n_mc": 2, "lr_posterior": 0.05}


def problem(sizes: tuple[int, ...] = SIZES, validation: float = 0.25) -> Problem:
    """Rows of three features whose labels depend on them and on the subgroup."""
    rng = np.random.default_rng(8)
    codes = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    inputs = rng.normal(size=(len(codes), 3)).astype(np.float32)
    rate = 1 / (1 + np.exp(-2 * inputs[:, 0] - np.where(codes % 2, 1, -1)))
    labels = (rng.random(len(codes)) < rate).astype(np.int8)
    return Problem("mine", inputs, labels, codes, NAMES[: len(sizes)], "", None, validation)


def configured(**values: Any) -> FAMSConfig:
    own = {**BOUND, **values.pop("fams", {})}
    more = {"hidden": [4], "permutations": 9, "block": 2, "checkpoint_every": 2, **values}
    return FAMSConfig.model_validate({"methods": ["fams", "erm"], "fams": own, **more})


def solved(
    folder: Path,
    config: FAMSConfig,
    given: Problem | None = None,
    executor: Any = None,
    **more: Any,
) -> Done:
    """Train and judge the method once, on test rows by default."""
    part, name = more.pop("part", "test"), more.pop("name", "fams")

    def search(run: Any) -> Any:
        data = problem() if given is None else given
        posed = Posed(config, data, run.share(data))
        one = Contestant(name, more)
        return trained(posed, one, [SEEDS], [posed.judging(part, curves=True)], run)[0]

    return drive(search, folder, executor=executor)
