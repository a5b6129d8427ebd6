"""Commands that a reader copies from the pages work, and give what the pages say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

ROOT = Path(__file__).parents[2]
STEP_OPTIONS = (ROOT / "docs" / "methods" / "step_options.md").read_text()
README = (ROOT / "README.md").read_text()
QUICK = ("--workers", "serial", "--no-report")


@pytest.fixture
def here(tmp_path: Path) -> InProcess:
    """`heliostat` in this process, in a folder of its own."""
    return InProcess(tmp_path)


def words(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", " "))[1:]


def test_an_option_of_one_s_own_has_the_price_of_the_page(here: InProcess) -> None:
    command, after = re.search(
        r"^(heliostat run step_options -o kind=put.*?)\n```\n\n(.*?)$", STEP_OPTIONS, re.S | re.M
    ).groups()
    price, delta = map(float, re.findall(r"-?\d+\.\d{6,}", after)[:2])
    account = here.json(*words(command), "-o", "greeks=false", *QUICK)
    first, second = account["result"]["engines"]
    assert first["price"] == pytest.approx(price, rel=1e-9)
    assert first["delta"] == pytest.approx(delta, rel=1e-8)
    assert second["agrees"]


def test_the_readme_s_own_option_is_priced(here: InProcess) -> None:
    (command,) = re.findall(r"`(heliostat run step_options -o spot=[^`]*)`", README)
    assert here.json(*words(command), "-o", "greeks=false", *QUICK)["result"]["price"] > 0


@pytest.mark.parametrize("page", [README, STEP_OPTIONS], ids=["README", "step_options"])
def test_the_tuning_of_the_pages_lowers_the_error(here: InProcess, page: str) -> None:
    (command,) = re.findall(r"(heliostat tune step_options [^`\n]*)", page)
    space = re.search(r"```toml\n(steps = .*?)```", page, re.S)
    assert space is not None
    (here.folder / "space.toml").write_text(space.group(1))
    account = here.json(*words(command), "-o", "n_paths=8192", "-o", "chunk=4096",
                        "--trials", "3", *QUICK)  # fmt: skip
    result = account["result"]
    assert dict(result["objectives"]) == {"abs_error": "min"}
    assert result["best"]["values"] == min(trial["values"] for trial in result["trials"])


def test_the_book_of_the_page_is_priced_checked_and_summed(here: InProcess) -> None:
    (command,) = re.findall(r"^(heliostat run step_options -o book=.*?) --workers 2$",
                            STEP_OPTIONS, re.M)  # fmt: skip
    (book,) = re.findall(r"```\n(id,desk,.*?)```", STEP_OPTIONS, re.S)
    (here.folder / "contracts.csv").write_text(book)
    account = here.json(*words(command), "-o", "n_paths=4096", "-o", "cross_check=occupation",
                        *QUICK)  # fmt: skip
    result = account["result"]
    assert result["bad_rows"] == [] and result["count"] == 3
    prices = {row[1]: row[2] for row in result["rows"]}
    assert prices["knock-out"] == pytest.approx(8.510761494328, rel=1e-9)
    assert [row[0] for row in result["totals"]["rows"]] == ["all", "eq", "fx"]
    assert {row["id"] for row in result["cross_check"]["checks"]} == {"soft", "knock-out"}
    assert all(row["agrees"] for row in result["cross_check"]["checks"])
    assert len(result["ladder"]["values"]) == 5
    table = here("export", account["run"], "--product", "prices.csv").stdout
    for column in ("gamma_greek", "theta_greek", "d_levels", "desk"):
        assert column in table.splitlines()[0].split(",")


def test_the_units_of_the_page_are_those_of_the_output() -> None:
    from heliostat_methods.step_options.book.units import UNITS

    (table,) = re.findall(r"\| \| unit \|\n\|---\|---\|\n(.*?)\n\n", STEP_OPTIONS, re.S)
    said = {name: unit for line in table.splitlines()
            for names, unit in [line.strip("| ").split(" | ")]
            for name in names.split(", ")}  # fmt: skip
    assert said == UNITS


def test_the_example_of_effort_finds_settings_whose_prices_hold(cli: Any) -> None:
    assert "python examples/step_options_effort.py" in STEP_OPTIONS
    script = str(ROOT / "examples" / "step_options_effort.py")
    done = subprocess.run(
        [sys.executable, script, "--trials", "3", "--seeds", "5"],
        cwd=cli.folder, env=cli.environment, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"the same error in 1/[\d.]+ of the time \(95 %: 1/", done.stdout)
    (worst,) = re.findall(r"off by more than ([\d.]+) of its standard errors", done.stdout)
    assert float(worst) < 5
