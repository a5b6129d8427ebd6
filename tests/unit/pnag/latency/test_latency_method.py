"""The method `latency` from the command line: one run, looked at from all sides."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import InProcess

from heliostat.contract import PartRef, RunView, find
from heliostat.contract.config import validate
from heliostat.errors import ConfigError
from heliostat.plugins.building import PartBuilder
from heliostat.plugins.registry import registry
from heliostat.report import Plot, Table, Text
from heliostat_methods.pnag.cost.latency_table import LatencyTable
from heliostat_methods.pnag.latency.config import LatencyConfig
from heliostat_methods.pnag.latency.report import report
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace

SPACE = '{name = "elastic_conv", widths = [8, 16], strides = [1, 2]}'


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    found = InProcess(tmp_path_factory.mktemp("latency"))
    done = found("latency", "build", "--preset", "smoke", "--batch", "2", "--seed", "3",
                 "--workers", "serial")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "16 blocks of elastic_conv(2 units) and 4 whole networks timed" in done.stdout
    assert "heliostat latency show" in done.stdout
    return found


@pytest.fixture(scope="module")
def account(here: InProcess) -> Any:
    return here.json("show", "last")


def test_the_verb_starts_a_run_like_any_other(account: Any) -> None:
    assert (account["method"], account["state"], account["seed"]) == ("latency", "finished", 3)
    assert account["config"]["batch"] == 2 and account["config"]["networks"] == 4
    assert account["result"] == {
        "space": "elastic_conv(2 units)",
        "input_shape": [1, 8, 8],
        "classes": 10,
        "batch": 2,
        "threads": 1,
        "dtype": "float32",
        "blocks": 16,
        "networks": 4,
    }


def test_timings_are_measurements_and_numbers_are_not(here: InProcess, account: Any) -> None:
    import json

    rows = [json.loads(line) for line in here("export", account["run"]).stdout.splitlines()]
    by = {(row["function"], row["observed"]) for row in rows}
    assert by == {("latency.network", False), ("latency.time", True)}
    assert here.json("verify", account["run"])["equal"] == 4


def test_the_table_is_shown_with_its_error(here: InProcess, account: Any) -> None:
    value = here.json("latency", "show", account["run"])
    assert len(value["table"]["entries"]) == 16
    assert [one["blocks"] for one in value["networks"]] and value["agreement"]["count"] == 4
    assert value["kept"] == 2
    said = here("latency", "show", account["run"]).stdout
    assert max(map(len, said.splitlines())) <= 79
    said = " ".join(said.split())
    assert said.startswith("Measured with images of 1 x 8 x 8, batch 2, 1 thread, float32.")
    assert "stem and head" in said and "after one scale factor" in said


def test_another_run_names_it_as_its_table(here: InProcess, account: Any) -> None:
    from heliostat.contract import RunView, find

    view = RunView(find(account["run"], here.runs))
    (product,) = view.products()
    inputs = {f"latency_table run:{view.id}": f"{product['sha256']} latency"}
    fetch = view.folder.artifacts.get
    build = PartBuilder(registry(), lambda sha: fetch(sha).decode(), inputs, here.folder)
    table = build("latency_table", PartRef(f"run:{view.id}"))
    assert isinstance(table, LatencyTable)
    space = ElasticConvSpace(widths=(8, 16), strides=(1, 2))
    value = view.product("table")
    for one in value["networks"]:
        assert table.latency(space.blocks(space.read(one["arch"]))) == one["predicted"] > 0
    assert table.of_layout(space.layout((1, 8, 8), 10)).latency is not None


def test_the_report_says_what_to_see(here: InProcess, account: Any) -> None:
    path = here.json("report", account["run"])["report"]
    text = (here.folder / path).read_text()
    for words in ("Predicted and measured", "after one scale factor", "stem and head",
                  "portable (AVX2 with FMA)"):  # fmt: skip
        assert words in text


def test_the_report_of_a_run_that_goes_on_shows_networks_and_rounds(
    here: InProcess, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = RunView(find(account["run"], here.runs))
    monkeypatch.setitem(vars(view), "result", None)
    (section,) = report(view)
    plot, table, text = section.content
    assert isinstance(plot, Plot) and isinstance(table, Table) and isinstance(text, Text)
    value = view.product("table")
    assert [row[2] for row in table.rows] == [one["madds"] for one in value["networks"]]
    (networks,) = plot.series
    assert [1e6 * x for x in networks.x] == pytest.approx([row[2] for row in table.rows])
    assert min(networks.y) > 0
    view.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "space=nas_bench_graph"], "space = 'nas_bench_graph': expected a space whose"),
        (["--dataset", "wine"], "dataset = 'wine': expected images with classes, such as digits"),
        (["--batch", "0"], "batch = 0: expected greater than or equal to 1"),
        (["-o", "image_size=3"], "input_shape = (1, 3, 3): expected (channels, height, width)"),
        (["--space", "elastic_cnv"], "did you mean 'elastic_conv'?"),
    ],
)
def test_a_mistake_is_told_before_any_work(here: InProcess, options: list[str], words: str) -> None:
    done = here("latency", "build", "--preset", "smoke", "--workers", "serial", *options)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert len(list(here.runs.iterdir())) == 1


def test_a_run_without_a_table_is_refused(here: InProcess) -> None:
    run = here.json("run", "count", "-o", "rounds=1", "--workers", "serial", "--no-report")["run"]
    done = here("latency", "show", run)
    assert done.returncode == 2 and "a finished run that left a latency table" in done.stderr


def test_rounds_have_to_fit_into_the_most() -> None:
    with pytest.raises(ConfigError, match="most_rounds = 3: expected at least rounds = 6"):
        validate(LatencyConfig, {"most_rounds": 3})
