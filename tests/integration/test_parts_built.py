"""One way to build a part: in a search and in a task, here and on Ray, of any origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from in_process import InProcess

PLUGIN = "heliostat_teaching.plugin,heliostat_part_methods"
TABLE = "x,y\n" + "".join(f"{i},{0.5 + 1.25 * i * i}\n" for i in range(12))


@pytest.fixture
def made(cli: CommandLine) -> CommandLine:
    """The command line with the external plugin, a table beside it and a loss that a run left."""
    cli.environment["HELIOSTAT_LOAD"] = PLUGIN
    (cli.folder / "table.csv").write_text(TABLE)
    return cli


def here(cli: CommandLine) -> InProcess:
    return InProcess(cli.folder, "heliostat_part_methods")


def left(cli: CommandLine) -> str:
    return str(here(cli).json("run", "leaves_loss", "-o", "power=2", "--workers", "serial")["run"])


def built(cli: CommandLine, *options: str) -> Any:
    given = [word for option in options for word in ("-o", option)]
    return here(cli).json("run", "builds_parts", *given, "--workers", "serial")


# Each value is sum over i of mean |(t - i) - t|^p = 0 + 1 + 2^p + 3^p.
POWERS = {1.5: 0 + 1 + 2**1.5 + 3**1.5, 2.0: 14.0, 1.0: 6.0}


def test_tasks_build_parts_of_every_origin(made: CommandLine) -> None:
    run = left(made)
    for loss, power in (
        ("power", 1.5),
        ('{name="power", power=1.0}', 1.0),
        (f"run:{run}", 2.0),
        (f"run:{run}/power", 2.0),
    ):
        account = built(made, "data=csv:table.csv", f"loss={loss}")
        assert account["result"]["value"] == pytest.approx(POWERS[power], rel=1e-12)


def test_a_product_is_built_with_parameters_that_belong_to_the_run(made: CommandLine) -> None:
    run = here(made).json("run", "leaves_scaled_loss", "-o", "power=1", "--workers", "serial")[
        "run"
    ]
    plain = built(made, "data=csv:table.csv", f"loss=run:{run}")
    short = built(made, "data=csv:table.csv", f"loss=run:{run}?more=1")
    table = built(made, "data=csv:table.csv", f'loss={{name="run:{run}/power", more=1.0}}')
    assert plain["result"]["value"] == pytest.approx(POWERS[1.0], rel=1e-12)
    assert short["result"]["value"] == pytest.approx(POWERS[2.0], rel=1e-12)
    assert table["result"]["value"] == short["result"]["value"]
    assert short["digest"] != plain["digest"]
    shown = here(made).json("show", short["run"])
    assert shown["config"]["loss"] == {"name": f"run:{run}", "more": 1}
    assert any(label == f"loss run:{run}" for label in shown["inputs"])
    assert here(made).json("verify", short["run"])["equal"] == 4
    again = here(made)("resume", short["run"], "-o", "loss.more=2")
    assert again.returncode == 5 and "loss.more changed" in again.stderr


@pytest.mark.parametrize(
    ("method", "written", "words"),
    [
        ("leaves_scaled_loss", "?mor=1", ["loss.mor = 1", "did you mean 'more'?"]),
        ("leaves_scaled_loss", "?more=3", ["loss.more = 3", "less than or equal to 2"]),
        ("leaves_scaled_loss", "?more=lots", ["loss.more = 'lots'", "number"]),
        ("leaves_loss", "?more=1", ["loss = {'name': ", "expected no parameters beside run:ID"]),
    ],
)
def test_parameters_that_a_product_does_not_take_are_refused_before_any_work(
    made: CommandLine, method: str, written: str, words: list[str]
) -> None:
    run = here(made).json("run", method, "--workers", "serial")["run"]
    done = here(made)("run", "builds_parts", "-o", f"loss=run:{run}{written}")
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr
    assert [path.name for path in here(made).runs.iterdir()] == [run]


def test_what_builds_a_product_belongs_to_the_code_of_the_run(made: CommandLine) -> None:
    from heliostat.plugins.building import builders_in

    assert builders_in({"file /a b": "ff", "loss run:x": "ee evomal", "loss run:y": "dd"}) == [
        "evomal"
    ]


@pytest.mark.ray
def test_a_product_and_a_table_are_built_on_workers_with_the_same_bits(
    made: CommandLine, ray_node: Any
) -> None:
    run = left(made)
    options = ("data=csv:table.csv", f"loss=run:{run}")
    serial = built(made, *options)
    given = [word for option in options for word in ("-o", option)]
    where = ("--workers", "2", "--address", ray_node.address)
    ray = made.json("run", "builds_parts", *given, *where)
    assert serial["digest"] == ray["digest"]
    assert serial["failures"] == ray["failures"] == 0
    checked = here(made).json("verify", ray["run"])
    assert (checked["equal"], checked["different"]) == (4, [])


def test_a_part_that_the_configuration_does_not_name_is_refused_with_the_reason(
    made: CommandLine,
) -> None:
    from heliostat import PartRef
    from heliostat.errors import DataError
    from heliostat.plugins.building import PartBuilder
    from heliostat.plugins.registry import Registry

    build = PartBuilder(Registry(), str, {}, Path())
    with pytest.raises(DataError, match="no loss that this run began with") as caught:
        build("loss", PartRef("run:somewhere"))
    assert "PartKind('loss')" in str(caught.value)


def test_a_file_that_the_configuration_does_not_name_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    """It belongs to no run's identity: changed, it would change what a resume finds."""
    from heliostat import PartRef
    from heliostat.errors import DataError
    from heliostat.plugins.building import PartBuilder
    from heliostat.plugins.registry import Registry, registry

    (tmp_path / "table.csv").write_text(TABLE)
    ref = PartRef(f"csv:{tmp_path}/table.csv", {}, "dataset")
    with pytest.raises(DataError, match=r"table\.csv is no file that this run began with"):
        PartBuilder(Registry(), str, {}, tmp_path)("dataset", ref)
    assert len(registry().build_part("dataset", ref).targets) == 12  # no run, no identity


def test_a_name_in_place_of_a_reference_is_refused_with_what_to_write() -> None:
    from heliostat.errors import MisuseError
    from heliostat.plugins.building import PartBuilder
    from heliostat.plugins.registry import Registry

    with pytest.raises(MisuseError, match="expected a PartRef"):
        PartBuilder(Registry(), str, {}, Path())("dataset", "wine")  # type: ignore[arg-type]


def test_a_file_that_is_another_one_on_a_worker_s_machine_is_refused(tmp_path: Path) -> None:
    from heliostat import PartRef
    from heliostat.errors import DataError
    from heliostat.plugins.building import PartBuilder
    from heliostat.plugins.input_files import file_hash
    from heliostat.plugins.registry import Registry

    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    inputs = {f"file {table}": file_hash(table)}
    ref = PartRef("csv:table.csv", {}, "dataset")
    build = PartBuilder(Registry(), str, inputs, tmp_path, check_files=True)
    assert len(build("dataset", ref).targets) == 12
    table.write_text(TABLE + "12,9\n")
    other = PartBuilder(Registry(), str, inputs, tmp_path, check_files=True)
    with pytest.raises(DataError, match="is not the file that the run began with"):
        other("dataset", ref)


@pytest.mark.ray
def test_a_loss_that_an_external_plugin_left_trains_evomal_s_comparison_on_two_workers(
    made: CommandLine, ray_node: Any
) -> None:
    run = left(made)
    options = [
        "run", "evomal", "--preset", "smoke", "--no-report", "-o", f'references=["run:{run}"]',
        "-o", "baseline=fixed", "-o", "initial=[]", "-o", "test_steps=20", "-o", "test_seeds=2",
        "-o", 'loss="mse"',
    ]  # fmt: skip
    serial = here(made).json(*options, "--workers", "serial")
    ray = made.json(*options, "--workers", "2", "--address", ray_node.address)
    assert ray["digest"] == serial["digest"]
    assert ray["failures"] == 0
    (problem,) = ray["result"]["problems"]
    values = {row["role"]: row["values"] for row in problem["comparison"]["losses"]}
    # the square of the absolute error, written by somebody else, is the squared error
    assert values["reference1_best_rate"] == pytest.approx(values["standard_best_rate"], rel=1e-3)
    found = [one for one in problem["comparison"]["losses"] if run in one["label"]]
    assert {one["role"] for one in found} >= {"reference1_best_rate", "reference1_best"}
    assert all(one["diverged"] == 0 for one in found)
