"""What all trainings of a comparison share: rows, labels, subgroups, and how they are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat import ConfigError, Run, stored
from heliostat.errors import did_you_mean
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.groups.coding import Subgroups
from heliostat_methods.fams.groups.of_dataset import groups_of, hint_at_bands
from heliostat_methods.fams.groups.splitting import GroupSplit, split_groups
from heliostat_search.names_of_data import class_names

Part = Literal["valid", "test"]
"""The rows that judge: those of the tuning, or those of the comparison."""


@stored("fams.problem")
@dataclass(frozen=True, eq=False)
class Problem:
    """`inputs` (rows, features), `labels` (rows,) int8, `codes` (rows,) int32, `names` of groups.

    Inputs are float32 where that loses nothing, else float64. `rows_per_group` and `validation` cut
    it into parts. `classes`: what the data set calls labels 0 and 1. `hint`: what could be set for
    larger subgroups, where most are small.
    """

    dataset: str
    inputs: NDArray[np.floating]
    labels: NDArray[np.int8]
    codes: NDArray[np.int32]
    names: tuple[str, ...]
    note: str
    rows_per_group: int | None
    validation: float
    classes: tuple[str, ...] = ("0", "1")
    hint: str = ""

    @property
    def groups(self) -> Subgroups:
        """The subgroup of each row."""
        return Subgroups(self.codes.astype(np.int64), self.names)


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a problem."""

    inputs: NDArray[np.float64]
    labels: NDArray[np.float64]
    groups: Subgroups


def training_rows(problem: Problem, split: int, part: Part) -> Rows:
    """Return the rows that train, by the seed of a split; for test rows those that validate too."""
    parts = _parts(problem, split)
    return _rows(
        problem, np.concatenate((parts.train, parts.valid)) if part == "test" else parts.train
    )


def judged_rows(problem: Problem, split: int, part: Part) -> Rows:
    """Return the rows of a part, by the seed of a split."""
    parts = _parts(problem, split)
    return _rows(problem, parts.test if part == "test" else parts.valid)


def _parts(problem: Problem, split: int) -> GroupSplit:
    stream = np.random.Generator(np.random.Philox(key=split))
    return split_groups(problem.groups, stream, problem.rows_per_group, problem.validation)


def _rows(problem: Problem, rows: NDArray[np.int64]) -> Rows:
    rows = np.sort(rows)
    return Rows(
        problem.inputs[rows].astype(np.float64),
        problem.labels[rows].astype(np.float64),
        problem.groups.at(rows),
    )


def posed(config: FAMSConfig, run: Run) -> Problem:
    """Return the data set that a configuration names, with its subgroups.

    Raises ConfigError for one that has not two classes or not the positive one, makes fewer than
    two subgroups, or leaves no row to train or to validate on.
    """
    dataset: Any = run.part("dataset", config.dataset)
    _check_classes(dataset, config.dataset.name)
    positive = _positive(dataset, config.positive)
    built = groups_of(dataset, config.groups)
    if len(built.subgroups) < 2:
        raise ConfigError(
            "groups", built.subgroups.names[0], "two subgroups or more", "name attributes in by"
        )
    problem = Problem(
        dataset=dataset.name,
        inputs=_inputs(dataset)[built.rows],
        labels=(dataset.targets[built.rows] == positive).astype(np.int8),
        codes=built.subgroups.codes.astype(np.int32),
        names=built.subgroups.names,
        note="; ".join(filter(None, (dataset.note, built.note, _encoding(dataset)))),
        rows_per_group=config.rows_per_group or None,
        validation=config.validation,
        classes=(class_names(dataset)[1 - positive], class_names(dataset)[positive]),
        hint=hint_at_bands(dataset, config.groups, built),
    )
    _check_parts(problem)
    return problem


def _check_classes(dataset: Any, name: str) -> None:
    if dataset.task != "classification":
        raise ConfigError("dataset", name, "a data set of two classes", "its target is a number")
    if dataset.classes != 2:
        hint = f"it has {dataset.classes} classes"
        raise ConfigError("dataset", name, "a data set of two classes", hint)


def _positive(dataset: Any, wanted: str | int | None) -> int:
    """Return the number of the class that counts as label 1."""
    names = class_names(dataset)
    if wanted is None:
        return 1
    if str(wanted) not in names:
        hint = did_you_mean(str(wanted), names)
        raise ConfigError("positive", wanted, f"a label of {dataset.name}", hint)
    return names.index(str(wanted))


def _inputs(dataset: Any) -> NDArray[np.floating]:
    """Return inputs as rows; in float32, half as large to send, where every number has one."""
    flat: NDArray[np.floating] = dataset.inputs.reshape(len(dataset.inputs), -1)
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(flat, np.float32)
    return single if np.array_equal(single, flat) else np.ascontiguousarray(flat)


def _encoding(dataset: Any) -> str:
    if getattr(dataset, "raw", None) is None:
        return ""
    return "categories and gaps are encoded by all rows, those that test among them"


def _check_parts(problem: Problem) -> None:
    # sizes of the parts depend on no seed
    sizes = problem.groups.sizes
    if len(training_rows(problem, 0, "test").labels) == 0:
        raise ConfigError(
            "groups", f"{len(sizes)} subgroups of one row", "a subgroup of two rows or more",
            "half of its rows train",
        )  # fmt: skip
    if len(judged_rows(problem, 0, "valid").labels) == 0:
        raise ConfigError(
            "validation", problem.validation, "a share that is a row of some subgroup",
            f"the largest has {sizes.max()} rows, of which at most half train",
        )  # fmt: skip
