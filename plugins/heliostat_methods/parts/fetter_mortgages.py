"""Men born around 1930 and whether they owned their home, by state of birth (Fetter 2013).

Census of 1960 and 1970, as the package causaldata carries it; few features, many groups.
"""

from __future__ import annotations

from pathlib import Path

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.distributions import Distribution, distribution_files
from heliostat_methods.parts.mixed_table import mixed_table

ROWS = 214_144
RELEASE = Distribution(
    name="fetter_mortgages",
    project="causaldata",
    version="0.1.4",
    member="causaldata/mortgages/fetter_mortgages.csv",
    table="fetter_mortgages.csv",
    size=5_165_046,
    command="pip download --no-deps --only-binary=:all: causaldata==0.1.4",
)
COLUMNS = ("bpl", "qob", "nonwhite", "vet_wwko", "home_ownership", "qob_minus_kw")


def fetter_mortgages_files(path: Path, release: Distribution = RELEASE) -> list[Path]:
    """Return the file that `fetter_mortgages` reads."""
    return distribution_files(path, release)


def fetter_mortgages(
    path: Path, attributes_as_inputs: bool = True, rows: int = ROWS
) -> ArrayDataset:
    """Return 214,144 men; class 1 owned the home they lived in.

    Features: quarter of birth (qob), quarters to the end of the Korean war (qob_minus_kw), whether
    he served in a war (vet_wwko), and the attributes: state of birth (52, one-hot) and nonwhite, 0
    or 1. `path` is causaldata's wheel or sdist, the folder with it, or fetter_mortgages.csv. Raises
    DataError for files that are missing, damaged or of the wrong size.
    """
    table = mixed_table(path, RELEASE, rows, COLUMNS[1:], expected=COLUMNS)
    for name in ("nonwhite", "home_ownership"):
        values = table.columns[name]
        if ((values != 0) & (values != 1)).any():
            row = int(((values != 0) & (values != 1)).argmax())
            raise DataError(
                f"{table.source}: {name!r} is {values[row]:g} in row {row}, expected 0 or 1"
            )
    names = ["qob", "qob_minus_kw", "vet_wwko", *(("nonwhite", "bpl") * attributes_as_inputs)]
    columns, inputs = table.encoded(names, most_levels=len(table.levels["bpl"]))
    return ArrayDataset(
        name="fetter_mortgages",
        task="classification",
        inputs=inputs,
        targets=table.columns["home_ownership"].astype(int),
        classes=2,
        columns=columns,
        labels=("not an owner", "owner"),
        attributes={
            "birth_state": table.texts("bpl"),
            "nonwhite": table.columns["nonwhite"].astype(int),
        },
    )
