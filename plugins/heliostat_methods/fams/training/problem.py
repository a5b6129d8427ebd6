"""What all trainings of a comparison share: rows, labels, subgroups, and how they are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import ConfigError, Run, stored
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.groups.coding import Subgroups
from heliostat_methods.fams.groups.of_dataset import groups_of
from heliostat_methods.fams.groups.splitting import GroupSplit, split_groups


@stored("fams.problem")
@dataclass(frozen=True, eq=False)
class Problem:
    """`inputs` (rows, features) float32, `labels` (rows,) int8, `codes` (rows,) int32, `names`.

    `rows_per_group` and `validation` cut it into parts.
    """

    dataset: str
    inputs: NDArray[np.float32]
    labels: NDArray[np.int8]
    codes: NDArray[np.int32]
    names: tuple[str, ...]
    note: str
    rows_per_group: int | None
    validation: float

    @property
    def groups(self) -> Subgroups:
        """The subgroup of each row."""
        return Subgroups(self.codes.astype(np.int64), self.names)

    def split(self, rng: np.random.Generator) -> GroupSplit:
        """Return training, validation and test rows; the test rows do not depend on validation."""
        return split_groups(self.groups, rng, self.rows_per_group, self.validation)


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a problem."""

    inputs: NDArray[np.float64]
    labels: NDArray[np.float64]
    groups: Subgroups


def rows_of(problem: Problem, rows: NDArray[np.int64]) -> Rows:
    """Return rows in the order of their numbers."""
    rows = np.sort(rows)
    return Rows(
        problem.inputs[rows].astype(np.float64),
        problem.labels[rows].astype(np.float64),
        problem.groups.at(rows),
    )


def posed(config: FAMSConfig, run: Run) -> Problem:
    """Return the data set that a configuration names, with its subgroups.

    Raises ConfigError for one that has not two classes, or makes fewer than two subgroups.
    """
    dataset: Any = run.part("dataset", config.dataset)
    if dataset.task != "classification" or dataset.classes != 2:
        raise ConfigError(
            "dataset", config.dataset.name, "a data set of two classes",
            f"it has {dataset.classes} classes" if dataset.task == "classification"
            else "its target is a number",
        )  # fmt: skip
    built = groups_of(dataset, config.groups)
    if len(built.subgroups) < 2:
        raise ConfigError(
            "groups", built.subgroups.names[0], "two subgroups or more", "name attributes in by"
        )
    inputs = dataset.inputs.reshape(len(dataset.inputs), -1)[built.rows]
    return Problem(
        dataset=dataset.name,
        inputs=np.ascontiguousarray(inputs, np.float32),
        labels=dataset.targets[built.rows].astype(np.int8),
        codes=built.subgroups.codes.astype(np.int32),
        names=built.subgroups.names,
        note="; ".join(filter(None, (dataset.note, built.note))),
        rows_per_group=config.rows_per_group,
        validation=config.validation,
    )
