"""What a found loss's `y` stands for is kept with it and said wherever it is handed over."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

from heliostat.contract import stream
from heliostat_methods.evomal.report.label_texts import labels_text, metric_text, scale_text
from heliostat_methods.parts.datasets import diabetes
from heliostat_search.preprocessing import Preprocessing
from heliostat_search.splits import split

QUICK = ("run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report",
         "-o", "generations=1", "-o", "meta_steps=3", "-o", "test_steps=10",
         "-o", 'initial=["square(sub(y, f))"]')  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(command line, what the terminal showed, the product) of a small search on diabetes."""
    here = InProcess(tmp_path_factory.mktemp("labels"))
    done = here(*QUICK)
    assert done.returncode == 0, done.stderr
    assert (
        here("export", "last", "--product", "loss-diabetes", "--output", "product.json").returncode
        == 0
    )
    return here, done.stdout, json.loads((here.folder / "product.json").read_text())


def test_the_product_of_a_regression_has_the_target_s_mean_and_deviation(found: Any) -> None:
    here, _, product = found
    labels = product["labels"]
    targets = diabetes().targets
    assert set(labels) == {"mean", "deviation", "data"}
    assert (
        abs(labels["mean"] - targets.mean()) < 15
        and abs(labels["deviation"] / targets.std() - 1) < 0.1
    )
    result = here.json("show", "last")["result"]
    assert result["problems"][0]["labels"] == labels


def test_what_makes_inputs_of_new_rows_goes_out_with_the_loss(found: Any) -> None:
    here, text, product = found
    done = here("export", "last", "--product", "data-diabetes", "--output", "data.json")
    assert done.returncode == 0, done.stderr
    kept = json.loads((here.folder / "data.json").read_text())
    assert product["labels"]["data"] == kept
    data = diabetes()
    table = {name: data.inputs[:, k].tolist() for k, name in enumerate(data.columns)}
    inputs = Preprocessing.from_plain(kept["preprocessing"]).apply(table)
    parts = split(data, stream(0, "split", "diabetes"))
    assert np.allclose(inputs[parts.train.rows], parts.train.inputs, atol=1e-6)
    assert "data: 442 rows (265 to train, 89 for validation, 88 to test), 10 inputs" in text


def test_the_terminal_says_it_where_the_loss_is_handed_over(found: Any) -> None:
    _, text, product = found
    scale = scale_text(product["labels"])
    _, _, usage = text.partition("in your own training loop")
    assert f"y = {scale}" in usage
    assert "test mse (y standardised), lower is better: mean and 95 % interval" in text


def test_losses_show_says_it(found: Any) -> None:
    here, _, product = found
    done = here("losses", "show", "last")
    assert f"  y = {scale_text(product['labels'])}: standardised" in done.stdout
    assert here.json("losses", "show", "last")[0]["labels"] == product["labels"]
    typed = here("losses", "show", "square(sub(y, f))", "--task", "regression")
    assert "y = (target - mean) / deviation: standardised" in typed.stdout


@pytest.mark.parametrize("form", ["python", "torch"])
def test_exported_source_says_it(found: Any, form: str) -> None:
    here, _, product = found
    text = here("losses", "export", "last", "--format", form).stdout
    assert f"targets: {scale_text(product['labels'])}, standardised" in text
    compile(text, "loss.py", "exec")


def test_exported_json_keeps_it_when_it_is_read_again(found: Any) -> None:
    here, _, product = found
    assert here("losses", "export", "last", "-o", "loss.json").returncode == 0
    assert json.loads((here.folder / "loss.json").read_text())["labels"] == product["labels"]
    again = here.json("losses", "show", "loss.json")[0]
    assert again["labels"] == product["labels"]


def test_a_loss_of_an_earlier_run_is_still_read(found: Any) -> None:
    assert scale_text(None) == scale_text({}) == "(target - mean) / deviation"
    assert labels_text("classification", None) == ""


@pytest.mark.parametrize(
    ("task", "labels", "text"),
    [
        ("regression", {"mean": 151.60, "deviation": 77.25},
         "y = (target - 151.6) / 77.25: standardised by the training rows"),
        ("regression", {"mean": -2.0, "deviation": 1.0},
         "y = (target + 2) / 1: standardised by the training rows"),
        ("classification", {"names": ["0", "1", "2"]}, ""),
        ("classification", {"names": ["blue", "red"]}, "classes 0: blue, 1: red"),
    ],
)  # fmt: skip
def test_labels_are_said_in_one_line(task: str, labels: dict[str, Any], text: str) -> None:
    assert labels_text(task, labels) == text


def test_only_a_squared_error_has_the_target_s_unit() -> None:
    assert metric_text("mse") == "mse (y standardised)"
    assert metric_text("error_rate") == "error rate"
    assert metric_text("auc_error") == "1 - AUC"


def test_classes_keep_the_names_of_a_table(tmp_path: Any) -> None:
    here = InProcess(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{x:.3f},{'warm' if x > 0 else 'cold'}" for x in rng.standard_normal(60)]
    (tmp_path / "days.csv").write_text("\n".join(["x,kind", *rows]))
    account = here.json(*QUICK, "-o", "datasets=csv:days.csv")
    assert account["result"]["problems"][0]["labels"]["names"] == ["cold", "warm"]
