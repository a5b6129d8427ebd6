"""A user without a home that can be written runs all the same; once it is told where caches are."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

NO_HOME = {"HOME": "/dev/null", "XDG_CACHE_HOME": "", "HELIOSTAT_CACHE": ""}


def ended(cli: Any, *options: str, **environment: str) -> tuple[Any, list[str]]:
    """Return the account of a run and what it warned of."""
    done = cli("run", "group_means", "--preset", "smoke", "--no-report", "--json", *options,
               **environment)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "cache folder" in line]
    return json.loads(done.stdout), said


def test_a_run_without_a_home_has_the_digest_of_any_other_and_one_warning(cli: Any) -> None:
    temporary = cli.folder / "tmp"
    temporary.mkdir()
    usual, nothing = ended(cli, "--workers", "serial")
    account, said = ended(cli, "--workers", "serial", TMPDIR=str(temporary), **NO_HOME)
    assert account["digest"] == usual["digest"]
    assert nothing == [] and len(said) == 1
    assert f"{temporary}/heliostat-cache-{os.getuid()}" in said[0]
    assert said[0].removeprefix("warning: ") in account["warnings"]


@pytest.mark.ray
def test_workers_without_a_home_compile_in_the_same_folder(cli: Any) -> None:
    usual, _ = ended(cli, "--workers", "serial")
    account, said = ended(cli, "--workers", "2", **NO_HOME)
    assert account["digest"] == usual["digest"]
    assert len(said) == 1
