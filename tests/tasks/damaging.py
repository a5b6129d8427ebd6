"""Bytes of a run folder that flip or go missing, and what the commands then may say."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in_process import InProcess

COPY = "20200101-000000-damaged-0000"


@dataclass(frozen=True)
class Kept:
    """A run as it is, and what it comes to."""

    folder: Path
    digest: str
    result: Any


def files_of(run: Path) -> list[Path]:
    """Return what is damaged: the journal with its log, artifacts and the configuration."""
    names = ("run.db", "run.db-wal", "config.toml")
    found = [run / name for name in names if (run / name).exists()]
    artifacts = sorted(p for p in (run / "artifacts").rglob("*") if p.is_file())
    # most of what matters lies in the journal
    return [*found, *found[:2], *found[:2], *artifacts]


def damage(run: Path, rng: random.Random) -> str:
    """Flip one bit of a file, or a few, or cut the file; return what was done."""
    file = rng.choice(files_of(run))
    content = bytearray(file.read_bytes())
    if not content:
        return f"nothing: {file.name} is empty"
    at = rng.randrange(len(content))
    if rng.random() < 0.2:
        file.write_bytes(content[:at])
        return f"{file.name} cut at {at} of {len(content)}"
    flips = rng.choice((1, 1, 1, 8))
    for place in (at, *(rng.randrange(len(content)) for _ in range(flips - 1))):
        content[place] ^= 1 << rng.randrange(8)
    file.write_bytes(content)
    return f"{file.name}: {flips} bits flipped, the first at {at}"


def try_damaged(cli: InProcess, kept: Kept, rng: random.Random) -> str:
    """Damage a copy of a run, read and resume it; return how it ended.

    Raises AssertionError for a wrong digest, a wrong result or an error that nobody expected.
    """
    copy = cli.runs / COPY
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(kept.folder, copy)
    done_to_it = damage(copy, rng)
    for command in (["export", COPY], ["show", COPY, "--json"]):
        done = cli(*command)
        _expected(done, done_to_it, command)
        if done.returncode:
            continue
        if command[0] == "show":
            shown = json.loads(done.stdout)
            assert shown["digest"] in (None, kept.digest), (done_to_it, shown["digest"])
            assert shown["digest"] is None or shown["result"] == kept.result, done_to_it
        elif (
            json.loads(cli("show", COPY, "--json").stdout or '{"state": ""}')["state"] == "finished"
        ):
            assert digest_of(done.stdout) == kept.digest, done_to_it
    command = ["resume", COPY, "--workers", "serial", "--no-report", "--json"]
    done = cli(*command)
    _expected(done, done_to_it, command)
    if done.returncode:
        return "refused: " + done.stderr.strip().splitlines()[-1].split("damaged-0000")[-1][:90]
    account = json.loads(done.stdout)
    assert account["digest"] == kept.digest, (done_to_it, account["digest"])
    assert account["result"] == kept.result, (done_to_it, account["result"])
    return "made anew" if account["evaluated"] else "as it was"


def digest_of(exported: str) -> str:
    """Return the digest that an export says."""
    total = hashlib.sha256()
    for line in exported.splitlines():
        row = json.loads(line)
        if not row["observed"]:
            kind = row["failure"] and row["failure"]["kind"]
            parts = [row["key"], row["function"], row["item"], row["shared"], row["value"], kind]
            total.update((json.dumps(parts, separators=(",", ":")) + "\n").encode())
    return total.hexdigest()


def _expected(done: Any, done_to_it: str, command: list[str]) -> None:
    said = done.stderr
    assert done.returncode in (0, 2, 3, 5), (done_to_it, command, said)
    assert "Traceback" not in said and "unexpected error" not in said, (done_to_it, command, said)
