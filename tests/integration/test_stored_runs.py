"""Runs outlive versions: what is stored today is read, shown, verified, exported and resumed.

`tests/fixtures/exact-run-schema-N` is the folder of a run of `heliostat_exact_methods.sums`, seed
7, preset smoke, written by a version with that schema of the journal. Its values are integers and
dyadic fractions, so they are the same on any CPU.

The digests below change only when what they cover changes on purpose: a task's or a stored type's
permanent name, the canonical text of a value, how keys are counted, how a stream's seed follows
from its name, or the digest's own definition. Any of these makes every stored run of every user
another run: say so in CHANGELOG.md, raise the journal's schema, and write the fixture anew with
`python tests/fixtures/write_exact_run.py`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

from heliostat.store.database.schema import SCHEMA

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = sorted((ROOT / "tests" / "fixtures").glob("exact-run-schema-*"))
SEED = "7"
DIGESTS = {
    "exact": "d8179f11caea7316220ef83cff29a752160ec408dee75cc51f1016579ba2213e",
    "exact_branches": "1a02ed299f23c1e1d51313a5d73238190924772e5d556396679dcdc0d31430c4",
    "exact_checkpoints": "200ae09b07fe63701738d8ba42f1bd635cdf8e3cd49ecc6a2d735ccbd786901d",
}
RESULT = {
    "kinds": ["value", "value", "value", "ValueError", "value"],
    "squares": [0, 1, 4, 9, 16, 25, 36, 49, 64],
    # sum over r < 3 of (1 + 3 - 5 + 1/8) / 2^(r + 1) = -7/8 * 7/8
    "value": -0.765625,
}


@pytest.fixture
def heliostat(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, "heliostat_exact_methods")


@pytest.fixture(params=FIXTURES, ids=lambda fixture: str(fixture.name))
def stored(heliostat: InProcess, request: pytest.FixtureRequest) -> tuple[InProcess, str]:
    """The command line with a copy of a stored run in its folder of runs, and the run's name."""
    folder = heliostat.runs / "20260101-000000-exact-0000"
    shutil.copytree(request.param, folder)
    return heliostat, folder.name


@pytest.mark.parametrize("method", DIGESTS)
def test_a_digest_is_what_it_was(heliostat: InProcess, method: str) -> None:
    account = heliostat.json(
        "run", method, "--preset", "smoke", "--seed", SEED, "--workers", "serial"
    )
    assert account["digest"] == DIGESTS[method]


def test_a_stored_run_is_listed_and_shown(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    (row,) = heliostat.json("ls")
    assert (row["run"], row["method"], row["state"]) == (run, "exact", "finished")
    shown = heliostat.json("show", run)
    assert shown["digest"] == DIGESTS["exact"]
    assert shown["result"] == RESULT
    outcome = heliostat.json("show", run, "0.1")
    assert outcome["function"] == "exact.halve"
    assert "1.5" in json.dumps(outcome)  # 3 / 2^1


def test_a_stored_run_is_verified(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    checked = heliostat.json("verify", run)
    assert (checked["checked"], checked["equal"], checked["different"]) == (26, 26, [])


def test_a_stored_run_is_exported_and_its_digest_follows(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    total = hashlib.sha256()
    for row in map(json.loads, heliostat("export", run).stdout.splitlines()):
        kind = row["failure"]["kind"] if row["failure"] else None
        parts: list[Any] = [row[n] for n in ("key", "function", "item", "shared", "value")]
        total.update((json.dumps([*parts, kind], separators=(",", ":")) + "\n").encode())
    assert total.hexdigest() == DIGESTS["exact"]


def test_a_stored_run_is_reported_and_its_product_written(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    assert heliostat("report", run).returncode == 0
    assert run in (heliostat.runs / run / "report.html").read_text()
    product = heliostat("export", run, "--product", "squares")
    assert json.loads(product.stdout) == RESULT["squares"]


def test_a_stored_run_is_resumed_to_the_same_digest(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    account = heliostat.json("resume", run, "--allow-code-change", "--workers", "serial")
    assert account["digest"] == DIGESTS["exact"]
    assert account["result"] == RESULT
    assert (account["evaluated"], account["replayed"]) == (0, 26)


def test_a_stored_run_grows(stored: tuple[InProcess, str]) -> None:
    heliostat, run = stored
    grown = heliostat.json(
        "resume", run, "--allow-code-change", "-o", "rounds=4", "--workers", "serial"
    )
    # (1 + 3 - 5 + 1/8) * (1/2 + 1/4 + 1/8 + 1/16)
    assert grown["result"]["value"] == -0.875 * 0.9375


def test_the_schema_of_today_has_a_fixture() -> None:
    assert f"exact-run-schema-{SCHEMA}" in [fixture.name for fixture in FIXTURES]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: str(fixture.name))
def test_the_fixture_says_nothing_of_the_machine_that_wrote_it(fixture: Path) -> None:
    files = [path for path in fixture.rglob("*") if path.is_file()]
    assert {"run.db", "config.toml", "log.jsonl"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        for place in (b"/home/", b"/root", b"site-packages", str(ROOT).encode()):
            assert place not in content, path
