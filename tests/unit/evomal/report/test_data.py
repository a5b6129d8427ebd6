"""Terminal and page begin with the data: what they hold, what was left out or filled, the split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heliostat.report import Plot, Section, Table, Text, render
from heliostat_methods.evomal.comparison.outcome import Account
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.report.data import data_contents, data_lines
from heliostat_methods.parts.csv_table import csv_dataset
from heliostat_methods.parts.datasets import ArrayDataset, diabetes, digits
from heliostat_search.splits import split


def account(dataset: ArrayDataset) -> Account:
    """Return the account of a data set on which nothing was searched yet."""
    labels = Labels.of(dataset, split(dataset, np.random.default_rng(0))).plain()
    return Account(dataset.name, dataset.task, "mse", "mlp", (), {}, dataset.classes, {}, {},  # type: ignore[arg-type]
                   (), (), (), {}, (), labels)  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Account:
    """A table in which cells are missing and columns are of no use."""
    rows = [f"{i * 1.5},{'NA' if i == 7 else i % 9},{'bern' if i % 3 else 'rome'},CH,"
            f"{1950 + i}-01-01,{'' if i == 3 else 'rare' if i % 12 == 0 else 'usual'}"
            for i in range(96)]  # fmt: skip
    path = tmp_path / "flats.csv"
    path.write_text("\n".join(["size,rooms,city,land,built,kind", *rows]))
    return account(csv_dataset(path))


def bold(content: list[Any]) -> list[str]:
    return [one.body for one in content if isinstance(one, Text) and one.strong]


def test_a_page_begins_with_what_was_left_out_and_filled_in_bold(table: Account) -> None:
    content = data_contents(table)
    first = content[0]
    assert isinstance(first, Text)
    assert first.body == (
        "95 rows (57 to train, 20 for validation, 18 to test), 6 inputs. "
        "Target: kind, 2 classes, rows: rare 8, usual 87."
    )
    said = bold(content)
    assert said[0] == "Left out: land (constant 'CH')."
    assert said[1:3] == ["1 row without target dropped.", "Filled: rooms (1 of 95, by the median)."]
    assert said[3].startswith("Classes are unbalanced: class 'rare' (number 0) has 8 of 95 rows")


def test_pictures_stand_before_tables_and_say_what_columns_became(table: Account) -> None:
    content = data_contents(table)
    kinds = [type(one) for one in content]
    assert kinds.index(Plot) < kinds.index(Table)
    columns, classes = (one for one in content if isinstance(one, Table))
    by_name = {row[0]: row[1:] for row in columns.rows}
    assert by_name["size"] == ["number", "0 to 142.5", None, None, "number"]
    assert by_name["city"][0] == "text"
    assert by_name["city"][-1] == "0 or 1 for 2 levels"
    assert by_name["built"][:3] == ["date", "1950-01-01 to 2045-01-01", "days since 1970-01-01"]
    assert by_name["rooms"][3] == 1
    assert by_name["land"][-1] == "left out: constant 'CH'"
    assert [row[:4] for row in classes.rows] == [[0, "rare", 8, "8.4%"], [1, "usual", 87, "91.6%"]]
    assert all(sum(row[4:]) == row[2] for row in classes.rows)  # type: ignore[arg-type,operator]


def test_columns_of_which_nothing_is_known_are_left_out(table: Account) -> None:
    (known, *_) = (one for one in data_contents(table) if isinstance(one, Table))
    assert known.columns == ["column", "kind", "range", "unit", "missing cells", "becomes"]
    (built_in,) = (one for one in data_contents(account(diabetes())) if isinstance(one, Table))
    assert built_in.columns == ["column", "kind", "becomes"]
    assert built_in.rows[0] == ["age", "number", "number"]


def test_the_terminal_says_it_within_80_columns(table: Account) -> None:
    lines = data_lines(table)
    assert lines[0] == "data: 95 rows (57 to train, 20 for validation, 18 to test), 6 inputs"
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "target: kind, 2 classes, rows: rare 8, usual 87" in text
    assert "left out: land (constant 'CH')" in text
    assert "filled: rooms (1 of 95, by the median)" in text
    assert "class 'rare' (number 0) has 8 of 95 rows" in text


def test_built_in_data_have_an_account_too() -> None:
    numbers, pictures = data_contents(account(diabetes())), data_contents(account(digits()))
    assert "442 rows (265 to train, 89 for validation, 88 to test), 10 inputs" in str(numbers)
    assert "1,797 rows" in str(pictures)
    assert "images of 1 x 8 x 8" in str(pictures)
    assert bold(numbers) == bold(pictures) == []
    assert "<svg" in render("data", [Section("numbers", numbers), Section("pictures", pictures)])


@pytest.mark.parametrize("labels", [None, {}, {"names": ["a"]}])
def test_a_run_of_an_earlier_version_has_none(table: Account, labels: Any) -> None:
    old = replace(table, labels=labels)
    assert data_lines(old) == []
    assert data_contents(old) == []
