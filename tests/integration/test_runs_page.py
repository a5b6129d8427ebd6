"""Commands of the page on runs, and of the Slurm section, are ones that the command line takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from heliostat.cli.main import heliostat

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.M | re.S)


def commands() -> list[str]:
    page = (DOCS / "runs.md").read_text()
    slurm = (DOCS / "clusters.md").read_text().partition("## Slurm")[2]
    lines = [line for text in (page, slurm) for block in BLOCKS.findall(text)
             for line in block.splitlines()]  # fmt: skip
    lines = [line.replace("sbatch examples/clusters/slurm.sh", "heliostat") for line in lines]
    return [line for line in lines if line.startswith("heliostat ")]


def test_the_pages_have_commands() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize("line", commands())
def test_a_command_is_taken(line: str) -> None:
    _, verb, *words = shlex.split(line, comments=True)
    found = heliostat.get_command(heliostat.make_context("heliostat", ["ls"]), verb)
    assert found is not None
    found.make_context(verb, words)


@pytest.mark.parametrize("page", ["runs.md", "clusters.md", "index.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (DOCS / page).read_text())
    assert [link for link in links if "://" not in link and not (DOCS / link).exists()] == []
