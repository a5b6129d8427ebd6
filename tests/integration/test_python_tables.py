"""A table that is handed over is stored by hash, and the command line goes on with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

import heliostat
from heliostat.errors import ConfigError, DataError, IdentityChanged
from heliostat.plugins.registry import registry

pa = pytest.importorskip("pyarrow")

QUIET: Any = {"workers": "serial", "progress": False}
ROWS = 24
A = np.linspace(0.0, 1.0, ROWS)
PRICE = np.arange(ROWS) * 1.5
CITY = ["north", "south", "west"] * (ROWS // 3)
COLUMNS: dict[str, Any] = {"a": A, "city": CITY, "price": PRICE}


@pytest.fixture(autouse=True)
def runs(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in (
        ("HELIOSTAT_LOAD", here.load),
        ("HELIOSTAT_PLUGINS", "none"),
        ("HELIOSTAT_RUNS", str(here.runs)),
    ):
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(here.folder)
    registry.cache_clear()
    yield here.runs
    registry.cache_clear()


def run(data: Any, **more: Any) -> heliostat.RunHandle:
    return heliostat.run("tuned_table", data=data, **QUIET, **more)


def test_a_table_is_stored_by_its_hash_and_the_command_line_goes_on_with_it(
    here: InProcess, runs: Path
) -> None:
    made = run(COLUMNS)
    (file,) = (runs / "tables").iterdir()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert file.name == f"{sha256[:16]}.parquet"
    assert made.config["data"] == f"parquet:runs/tables/{file.name}"
    assert made.result == {"value": PRICE.sum()}  # the last column is the target
    again = here.json("run", str(made.folder / "config.toml"), "--workers", "serial")
    assert again["digest"] == made.digest
    assert here("verify", made.id).returncode == 0
    assert here("resume", made.id, "--workers", "serial").returncode == 0
    assert list(made.row()["on"].split(", ")) == [made.config["data"]]
    file.write_bytes(b"another")
    with pytest.raises(IdentityChanged):
        heliostat.resume(made, **QUIET)
    assert run(COLUMNS).digest == made.digest  # a damaged one is written anew
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def frames() -> dict[str, Any]:
    """The same table, as each library has it."""
    made = {
        "arrow": pa.table(COLUMNS),
        "arrow in pieces": pa.concat_tables([pa.table(COLUMNS)[:7], pa.table(COLUMNS)[7:]]),
        "arrow, large texts": pa.table({**COLUMNS, "city": pa.array(CITY, pa.large_string())}),
    }
    pandas = pytest.importorskip("pandas")
    made["pandas"] = pandas.DataFrame(COLUMNS, index=[f"row {i}" for i in range(ROWS)])
    made["pandas, named index"] = made["pandas"].rename_axis("id")
    return made


def test_the_same_table_is_the_same_file_whatever_library_has_it(runs: Path) -> None:
    usual = run(COLUMNS)
    for name, frame in frames().items():
        again = run(frame)
        assert (again.config, again.digest) == (usual.config, usual.digest), name
    assert len(list((runs / "tables").iterdir())) == 1


def test_polars_hands_over_as_well(runs: Path) -> None:
    polars = pytest.importorskip("polars")
    assert run(polars.DataFrame(COLUMNS)).config == run(COLUMNS).config


def test_a_target_is_named_beside_the_table() -> None:
    made = run({"name": COLUMNS, "target": "a"})
    assert made.config["data"]["target"] == "a"
    assert made.result["value"] == pytest.approx(A.sum())
    of_frame = run({"name": pa.table(COLUMNS), "columns": ["city", "price"], "target": "a"})
    assert of_frame.result == made.result
    with pytest.raises(DataError, match=r"'prise'.*did you mean 'price'"):
        run({"name": COLUMNS, "target": "prise"})


def test_arrays_of_numpy_are_inputs_and_targets() -> None:
    inputs = np.column_stack([A, A**2])
    pair = run((inputs, PRICE))
    assert pair.result == {"value": PRICE.sum()}
    assert run((inputs, PRICE[:, None])).digest == pair.digest
    assert run((inputs, PRICE.tolist())).digest == pair.digest
    assert run(np.column_stack([inputs, PRICE])).config == pair.config
    records = np.rec.fromarrays([A, PRICE], names=["a", "price"])
    assert run(records).result == pair.result


def test_what_numpy_masks_is_missing() -> None:
    hidden = np.arange(ROWS) < 4
    kept = {"value": PRICE[~hidden].sum()}
    inputs = np.column_stack([A, A**2])
    masked = np.ma.array(np.column_stack([inputs, PRICE]), mask=np.zeros((ROWS, 3), bool))
    masked[hidden, 1] = np.ma.masked
    listed = [np.ma.masked if gone else one for gone, one in zip(hidden, A, strict=True)]
    for table in (
        masked,
        (masked[:, :2], PRICE),
        (inputs, np.ma.array(PRICE, mask=hidden)),
        (inputs, np.ma.array(PRICE, mask=hidden)[:, None]),
        {"a": np.ma.array(A, mask=hidden), "price": PRICE},
        {"a": listed, "price": PRICE},
    ):
        assert run({"name": table, "missing": "drop"}).result == kept
    as_nan = run({"a": np.where(hidden, np.nan, A), "price": PRICE})
    assert run({"a": np.ma.array(A, mask=hidden), "price": PRICE}).digest == as_nan.digest


def test_lists_of_data_sets_take_tables_beside_names(here: InProcess) -> None:
    from heliostat.python.values import as_configuration

    evomal = registry().method("evomal").config
    frame = pa.table(COLUMNS)
    given = {"datasets": ["wine", frame, {"name": frame, "target": "a"}]}
    name = f"parquet:runs/tables/{next(iter(_tables(evomal, given, here.runs)))}"
    found = as_configuration(evomal, given, here.runs)
    assert found == {"datasets": ["wine", name, {"name": name, "target": "a"}]}
    pair = as_configuration(evomal, {"datasets": (A[:, None], PRICE)}, here.runs)
    assert isinstance(pair["datasets"], str)
    two = as_configuration(evomal, {"datasets": [frame, frame]}, here.runs)
    assert two == {"datasets": [name, name]}


def _tables(model: Any, given: dict[str, Any], runs: Path) -> list[str]:
    from heliostat.python.values import as_configuration

    as_configuration(model, given, runs)
    return [path.name for path in (runs / "tables").iterdir()]


@pytest.mark.parametrize(
    ("error", "said", "data"),
    [
        (DataError, "data: column 'mixed' cannot be stored",
         {"a": A, "mixed": [1, "two", None] * 8, "price": PRICE}),
        (DataError, "data: column 'deep' has 2 axes; one value a row",
         {"a": A, "deep": np.zeros((ROWS, 2)), "price": PRICE}),
        (DataError, "data: column 'price' has 3 rows, column 'a' 24",
         {"a": A, "price": [1.0, 2.0, 3.0]}),
        (DataError, "an input, a target and some rows needed", {"a": A[:0], "price": A[:0]}),
        (ConfigError, r"data = 'an array of shape \(24, 2, 2\)': expected two axes",
         (np.zeros((ROWS, 2, 2)), PRICE)),
        (DataError, "column 'a' is there twice",
         pa.table([pa.array(A), pa.array(PRICE)], names=["a", "a"])),
        (ConfigError, r"y of shape \(24, 2\)': expected one target column; two tables",
         (np.zeros((ROWS, 3)), np.zeros((ROWS, 2)))),
        (ConfigError, "y a list of lists': expected one target column",
         (np.zeros((ROWS, 3)), [[1.0]] * ROWS)),
        (ConfigError, "^data = 'a ndarray': expected a table of rows and columns", PRICE),
        (ConfigError, "^data = 'a DoubleArray': expected a table", pa.array(PRICE)),
        (ConfigError, "^data = 'a ndarray': expected a table", {"name": PRICE, "target": "a"}),
        (ConfigError, r"^data\[0\]\[0\] = 0.0: expected the name of a data set, or a table",
         np.zeros((3, 3)).tolist()),
        (ConfigError, "^data = 'a generator': expected a list", (name for name in "ab")),
        (DataError, "has 3 rows, at least 10 needed", {"a": A[:3], "price": A[:3]}),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_by_field_and_column(
    error: type[Exception], said: str, data: Any, runs: Path
) -> None:
    with pytest.raises(error, match=said):
        run(data)
    assert not list(runs.glob("[0-9]*"))
    assert not list(runs.glob("tables/.*"))


def test_a_field_that_takes_no_data_set_refuses_a_table() -> None:
    with pytest.raises(ConfigError, match=r"rate.*no table; fields that take one: data"):
        heliostat.run("tuned_table", rate=pa.table(COLUMNS), **QUIET)


def test_a_table_may_be_tuned_on(here: InProcess) -> None:
    made = heliostat.tune("tuned_table", space={"rate": {"low": 0.1, "high": 0.5}}, trials=2,
                          data=COLUMNS, **QUIET)  # fmt: skip
    assert made.config["base"]["data"].startswith("parquet:runs/tables/")
    assert made.result["best"]["values"] == [PRICE.sum()]
    assert here("verify", made.id).returncode == 0


def test_without_pyarrow_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"data: .*heliostat\[parquet\]"):
        run(COLUMNS)
