"""A table of nothing but numbers is read in a quicker way, which no result may show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heliostat.errors import DataError
from heliostat_methods.parts.tables import csv_cells
from heliostat_methods.parts.tables.csv_file import read_csv
from heliostat_methods.parts.tables.plain_numbers import plain_numbers

ROWS = [f"{i},{i / 7!r},{i % 5}.25" for i in range(600)]


def told(path: Path) -> Any:
    """Return what is read of a table, or the text of the refusal."""
    try:
        table = read_csv(path)
    except DataError as error:
        return str(error)
    return [
        (c.name, c.kind, c.values.tolist(), c.missing_cells, c.levels, c.problem)
        for c in table.columns
    ]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    "cell",
    ["", "nan", "NA", "inf", "1e999", "1_0", "٣", "0x1f", "1d5", "1e5", " 7 ", "+5", "-0", "7.0",
     "07", "5.", ".5", "1 2", "'5'", '"5"', '"5', '5"6', "1,2", "9223372036854775807",
     "9223372036854775808", "5e-324", "1e-400", "x", "#", "\t8", "\x008", "1\n2,3,4", "\n",
     "9007199254740993", "0.1000000000000000055511151231257827"],
)  # fmt: skip
def test_one_cell_is_read_as_the_other_way_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, place: int
) -> None:
    # Behind the first piece, by which the quick way is chosen.
    cells = ["5", "0.5", "1.5"]
    cells[place] = cell
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c", *ROWS, ",".join(cells), *ROWS[:9]]))
    quick = told(path)
    monkeypatch.setattr(csv_cells, "plain_numbers", lambda *given: None)
    assert quick == told(path)


def test_numbers_alone_take_the_quick_way(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c", *ROWS]))
    columns = plain_numbers(path, ",", "qdd")
    assert columns is not None
    assert columns[0].tolist() == list(range(600))
    assert columns[1].tolist() == [i / 7 for i in range(600)]
    assert plain_numbers(path, ",", "qqd") is None
    assert plain_numbers(path, ";", "q") is None
    assert np.isfinite(columns[2]).all()
