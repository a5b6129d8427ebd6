"""Commands that a reader copies from the pages work, and give what the pages say."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

ROOT = Path(__file__).parents[2]
STEP_OPTIONS = (ROOT / "docs" / "methods" / "step_options.md").read_text()
FAMS = (ROOT / "docs" / "methods" / "fams.md").read_text()
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


LIBRARY, AUDIT = FAMS.split("## Use it as a library")[1].split("## `heliostat audit`")
TELLS = re.compile(r"^(?P<expression>\S.*)  # (?P<value>'.*'|[\d.]+|\(.*\))$", re.M)


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.fixture(scope="module")
def people() -> dict[str, Any]:
    """What the first example of the page draws."""
    names: dict[str, Any] = {}
    exec(compile(python_blocks(LIBRARY)[0], "fams.md", "exec"), names)
    return names


def told(block: str, names: dict[str, Any]) -> int:
    """Compare expressions of a block with what the comments behind them say; return how many."""
    found = list(TELLS.finditer(block))
    for match in found:
        value, said = eval(match["expression"], names), ast.literal_eval(match["value"])
        if isinstance(said, float):
            value = round(float(value), len(match["value"].partition(".")[2]))
        assert value == said, match["expression"]
    return len(found)


def test_the_library_of_fams_gives_what_its_page_says(people: dict[str, Any]) -> None:
    names = dict(people)
    metrics, groups, estimators, searched, pieces, *_ = python_blocks(LIBRARY)
    assert told(metrics, names) == 3
    for block, values in ((groups, 2), (estimators, 4), (searched, 1), (pieces, 1)):
        exec(compile(block, "fams.md", "exec"), names)
        assert told(block, names) == values


def test_the_audit_of_the_page_prints_what_the_page_says(
    here: InProcess, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.folder)
    exec(compile(python_blocks(AUDIT)[0], "fams.md", "exec"), dict(people))
    first, second = re.findall(r"^(heliostat audit .*)$", AUDIT, re.M)
    (printed,) = re.findall(r"The first prints\n\n```\n(.*?)```", AUDIT, re.S)
    assert here(*words(first)).stdout == printed
    assert here(*words(second)).returncode == 0
    assert "Black" in (here.folder / "out.html").read_text()


def test_a_table_of_one_s_own_leaves_a_model_that_needs_no_group(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, n = np.random.default_rng(0), 800
    rows = zip(rng.choice(["A", "B"], n, p=[0.85, 0.15]), rng.choice(["F", "M"], n),
               rng.integers(18, 90, n), rng.random(n).round(3), rng.choice(["yes", "no"], n),
               strict=True)  # fmt: skip
    lines = ["race,sex,age,u,ill", *(",".join(map(str, row)) for row in rows)]
    (here.folder / "people.csv").write_text("\n".join(lines))
    (command,) = re.findall(r"^(heliostat run fams -o 'dataset=\{name=\"csv:.*?)\n```$", FAMS,
                            re.S | re.M)  # fmt: skip
    small = ("methods=['fams', 'logistic']", "reference=logistic", "trials=1", "seeds=2",
             "fams.rounds=2", "hidden=[4]", "permutations=20")  # fmt: skip
    account = here.json(*words(command), *(x for one in small for x in ("-o", one)), *QUICK)
    result = account["result"]
    assert (result["rows"], result["groups"]) == (n, 10) and result["smallest"] >= 40
    assert [one["refused"] for one in result["contestants"]] == ["", ""]
    monkeypatch.setenv("HELIOSTAT_RUNS", str(here.runs))
    block = python_blocks(LIBRARY)[-1].replace("found_model(", "scores = found_model(")
    names: dict[str, Any] = {"inputs": np.zeros((3, 4))}  # two columns of sex, age, u
    exec(compile(block, "fams.md", "exec"), names)
    assert names["scores"].shape == (3,) and np.all(np.abs(names["scores"] - 0.5) < 0.5)


def test_the_page_s_own_bilevel_search_finds_its_center(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = (block for block in python_blocks(LIBRARY) if "own_bilevel" in block)
    (tmp_path / "own_bilevel.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    account = InProcess(tmp_path, "own_bilevel").json("run", "own_bilevel", *QUICK)
    # means of groups 0 to 11 of five rows each: deviation 1 / sqrt(60)
    assert np.abs(np.array(account["result"]["center"]) - 5.5).max() < 5 / np.sqrt(60)
