"""Which data can be compared on, and what is said of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from fams_problems import problem

from heliostat import ConfigError
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.training.problem import judged_rows, posed, training_rows
from heliostat_methods.parts.datasets import ArrayDataset


def dataset(**changed: Any) -> ArrayDataset:
    rows = 24
    made = {
        "name": "mine", "task": "classification", "classes": 2, "note": "made up",
        "inputs": np.arange(2.0 * rows).reshape(rows, 2), "targets": np.arange(rows) % 2,
        "columns": ("u", "v"), "attributes": {"sex": np.repeat(["f", "m"], rows // 2)},
    }  # fmt: skip
    return ArrayDataset(**{**made, **changed})


def posed_on(data: Any, **values: Any) -> Any:
    config = FAMSConfig.model_validate({"dataset": "subgroup_law", **values})
    return posed(config, cast(Any, SimpleNamespace(part=lambda kind, ref: data)))


def test_rows_labels_subgroups_and_notes_are_taken_over() -> None:
    found = posed_on(dataset())
    assert (found.dataset, found.names) == ("mine", ("sex=f", "sex=m"))
    assert found.groups.sizes.tolist() == [12, 12]
    assert found.labels.tolist() == [0, 1] * 12
    assert "made up" in found.note


def test_only_two_classes_will_do() -> None:
    three = dataset(targets=np.arange(24) % 3, classes=3)
    with pytest.raises(
        ConfigError, match=r"dataset = .subgroup_law.: .* two classes; it has 3 classes"
    ):
        posed_on(three)
    numbers = dataset(task="regression", classes=1, targets=np.linspace(0, 1, 24))
    with pytest.raises(ConfigError, match="two classes; its target is a number"):
        posed_on(numbers)


def test_one_subgroup_is_refused() -> None:
    alone = dataset(attributes={"sex": np.repeat(["f"], 24)})
    with pytest.raises(ConfigError, match=r"groups = 'sex=f': expected two subgroups or more; name "
                       r"attributes in by"):  # fmt: skip
        posed_on(alone)


def test_subgroups_without_a_row_to_train_on_or_to_validate_are_refused() -> None:
    lonely = dataset(attributes={"who": np.array([f"p{at:02}" for at in range(24)])})
    with pytest.raises(ConfigError, match=r"groups = '24 subgroups of one row': expected a subgroup"
                       r" of two rows or more; half of its rows train"):  # fmt: skip
        posed_on(lonely)
    share = r"validation = 0.01: .* a row of some subgroup; the largest has 12 rows, of which at"
    with pytest.raises(ConfigError, match=share):
        posed_on(dataset(), validation=0.01)


def test_inputs_are_halved_only_where_nothing_is_lost() -> None:
    assert posed_on(dataset()).inputs.dtype == np.float32
    for far in (0.1, 1e280, 2.0**25 + 1):
        inputs = np.full((24, 2), far)
        inputs[0] = 0
        found = posed_on(dataset(inputs=inputs)).inputs
        assert found.dtype == np.float64
        assert (found == inputs).all()


def test_a_table_says_that_all_rows_encode_it() -> None:
    raw = SimpleNamespace(columns=[])
    data = SimpleNamespace(**{**vars(dataset()), "raw": raw})
    assert posed_on(data).note.endswith("categories and gaps are encoded by all rows, those that "
                                        "test among them")  # fmt: skip
    assert "encoded" not in posed_on(dataset()).note


def test_validation_rows_train_where_test_rows_judge() -> None:
    given = problem()
    train, valid = (rows(given, 5, "valid") for rows in (training_rows, judged_rows))
    more, test = (rows(given, 5, "test") for rows in (training_rows, judged_rows))
    assert len(more.labels) == len(train.labels) + len(valid.labels)
    assert len(more.labels) + len(test.labels) == len(given.labels)
    whole = {tuple(row) for row in more.inputs.tolist()}
    assert whole == {tuple(row) for part in (train, valid) for row in part.inputs.tolist()}
    assert not whole & {tuple(row) for row in test.inputs.tolist()}
    other = judged_rows(given, 6, "test")
    assert (other.inputs != test.inputs).any()
    assert other.groups.sizes.tolist() == test.groups.sizes.tolist()
