"""Commands that a reader copies from the pages work, and give what the pages say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

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
