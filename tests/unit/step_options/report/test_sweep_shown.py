"""A sweep's prices stand in the terminal and in the report, with the digits that are known."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import InProcess

from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.step_options.report.page import report

SWEEP = ("run", "step_options", "--workers", "serial", "--no-report", "-o", "greeks=false")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """`heliostat` in this process, in a folder whose newest run is a sweep over three spots."""
    made = InProcess(tmp_path_factory.mktemp("sweep"))
    done = made(*SWEEP, "-o", "sweep=spot", "-o", "sweep_values=[80, 90, 100.5]")
    assert done.returncode == 0, done.stderr
    (made.folder / "shown.txt").write_text(done.stdout)
    return made


def rows_of(text: str) -> list[list[str]]:
    lines = text.partition("sweep over spot")[2].splitlines()
    return [line.split() for line in lines[1:5]]


def test_the_terminal_has_a_row_for_each_value(here: InProcess) -> None:
    text = (here.folder / "shown.txt").read_text()
    head, *rows = rows_of(text)
    assert head == ["spot", "price", "error", "delta", "gamma"]
    assert [row[0] for row in rows] == ["80", "90", "100.5"]
    assert "sweep over spot, by laplace" in text
    sweep = here.json("show", "last")["result"]["sweep"]
    for row, price, delta in zip(rows, sweep["price"], sweep["delta"], strict=True):
        assert float(row[1]) == pytest.approx(price, rel=1e-9)
        assert float(row[3]) == pytest.approx(delta, rel=1e-5)


def test_the_report_has_the_rows_beside_the_curve(here: InProcess) -> None:
    (folder,) = here.runs.iterdir()
    sections = {section.title: section for section in report(RunView(RunFolder(folder)))}
    plot, table = sections["Sweep over spot"].content
    assert list(plot.series[0].x) == [80, 90, 100.5]
    assert [row[0] for row in table.rows] == ["80", "90", "100.5"]


def test_what_an_engine_does_not_give_is_left_empty_and_long_sweeps_are_cut(here: Any) -> None:
    from heliostat_methods.step_options.report.terminal import describe

    result = here.json("show", "last")["result"]
    many = {"variable": "rate", "engine": "pde", "values": [i / 100 for i in range(50)],
            "price": [1.0] * 50, "abs_error": [1e-3] * 50, "delta": [None] * 50,
            "gamma": [None] * 50}  # fmt: skip
    text = describe(result | {"sweep": many}, "a-run")
    assert "0.39" in text and "0.4 " not in text
    assert "10 more values: heliostat show a-run --json" in text


def test_a_sweep_of_paths_says_which_engine_gave_it(here: InProcess) -> None:
    done = here(*SWEEP, "-o", "method=mc_bridge", "-o", "n_paths=4096", "-o", "chunk=1024",
                "-o", "sweep=vol", "-o", "sweep_values=[0.2, 0.3]")  # fmt: skip
    assert "sweep over vol, by laplace" in done.stdout


def test_columns_of_engines_never_run_together(here: InProcess) -> None:
    done = here(
        "run", "step_options", "--workers", "serial", "--no-report", "-o", "greeks=false",
        "-o", "maturity=2", "-o", "barriers=[80, 125]", "-o", "rates=[5, 0, 5]", "-o", "gamma=-0.3",
        "-o", "dividend=0.01", "-o", "vol=0.1", "-o", 'cross_check=["path_integral_grid"]',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("laplace ")]
    name, price, error, kind = line.split()
    assert (name, kind) == ("laplace", "bound")
    assert float(price) == pytest.approx(0.01150665, rel=1e-6)
    assert float(error) < 1e-11
