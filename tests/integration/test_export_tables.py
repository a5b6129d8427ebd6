"""`heliostat export` for other programs: outcomes as a Parquet table, metrics for TensorBoard."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess

from heliostat.errors import StoreError
from heliostat.export.tensorboard import crc32c, write_events
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView

SERIAL = ("--workers", "serial", "--no-report")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(command line, name) of a run with sub-searches, failures and shared data."""
    here = InProcess(tmp_path_factory.mktemp("export"))
    return here, here.json("run", "everything", *SERIAL)["run"]


def test_a_parquet_table_has_what_the_lines_have(finished: Any) -> None:
    import pyarrow.parquet as pq

    here, run = finished
    done = here("export", run, "--parquet", "outcomes.parquet")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in here("export", run).stdout.splitlines()]
    table = pq.read_table(here.folder / "outcomes.parquet")
    assert table.num_rows == len(lines) > 50
    assert f"wrote {len(lines)} outcomes" in done.stderr
    for row, line in zip(table.to_pylist(), lines, strict=True):
        failure = line.pop("failure") or {"kind": None, "message": None}
        assert (row.pop("failure_kind"), row.pop("failure_message")) == (
            failure["kind"], failure["message"],
        )  # fmt: skip
        assert row == line
    digest = here.json("show", run)["digest"]
    assert table.schema.metadata[b"digest"].decode() == digest
    assert sorted(path.name for path in here.folder.glob("outcomes*")) == ["outcomes.parquet"]


@pytest.mark.parametrize(
    ("option", "target", "said"),
    [
        ("--parquet", "there", "exists already"),
        ("--parquet", "nowhere/outcomes.parquet", "cannot write"),
        ("--tensorboard", "a-file", "cannot write"),
    ],
)
def test_what_cannot_be_written_is_told_and_nothing_is_left(
    finished: Any, option: str, target: str, said: str
) -> None:
    here, run = finished
    (here.folder / "there").mkdir(exist_ok=True)
    (here.folder / "a-file").touch()
    before = sorted(here.folder.rglob("*"))
    done = here("export", run, option, target)
    assert done.returncode == 5
    assert said in done.stderr and "Traceback" not in done.stderr
    assert sorted(here.folder.rglob("*")) == before


def test_without_pyarrow_the_package_is_named(
    finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, run = finished
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = here("export", run, "--parquet", "none.parquet")
    assert done.returncode == 5
    assert "pip install 'heliostat[parquet]'" in done.stderr


def test_event_files_have_every_metric_of_every_search(finished: Any) -> None:
    here, run = finished
    done = here("export", run, "--tensorboard", "board")
    assert done.returncode == 0, done.stderr
    assert "tensorboard --logdir board" in done.stderr
    view = RunView(RunFolder(here.runs / run))
    assert len(view.scopes()) > 1
    for scope in view.scopes():
        folder = here.folder / "board" / run / ".".join(map(str, scope))
        (path,) = folder.glob("events.out.tfevents.*")
        expected = [
            (name, step, single(value))
            for name, points in view.metrics(scope).items()
            for step, value in points
        ]
        assert list(scalars(path)) == expected
    again = here("export", run, "--tensorboard", "board")
    assert again.returncode == 5 and "exists already" in again.stderr


class Reported:
    """What an export reads of a run whose metrics are odd."""

    id, created = "20260101-000000-odd-0000", 1.5

    def __init__(self, *points: tuple[int, float]) -> None:
        self.points = list(points)

    def scopes(self) -> list[Any]:
        return [()] if self.points else []

    def metrics(self, scope: Any) -> Any:
        return {"löss/x": self.points}


def test_numbers_of_any_size_are_written(tmp_path: Path) -> None:
    odd = [(0, math.inf), (-1, -1e300), (2**40, 5e-324), (7, 0.1)]
    path = write_events(Reported(*odd), tmp_path)  # type: ignore[arg-type]
    (file,) = path.iterdir()
    assert list(scalars(file)) == [
        ("löss/x", 0, math.inf), ("löss/x", -1, -math.inf), ("löss/x", 2**40, 0.0),
        ("löss/x", 7, single(0.1)),
    ]  # fmt: skip


def test_a_run_without_metrics_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="reported no metrics"):
        write_events(Reported(), tmp_path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_check_of_a_record_is_crc32c() -> None:
    # RFC 3720, B.4: 32 zeros, 32 ones, 0 to 31; and the check value of the algorithm's catalogue
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


def single(value: float) -> float:
    """Return a number as single precision has it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]  # type: ignore[no-any-return]


def scalars(path: Path) -> Iterator[tuple[str, int, float]]:
    """Yield (name, step, value) of an event file after its first record."""
    content, at, number = path.read_bytes(), 0, 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        event = fields(content[at + 12 : at + 12 + length])
        at += length + 16
        if number:
            scalar = fields(fields(event[5])[1])
            step = event[2] - (1 << 64 if event[2] >> 63 else 0)
            yield scalar[1].decode(), step, struct.unpack("<f", scalar[2])[0]
        else:
            assert event[3] == b"brain.Event:2"
        number += 1


def fields(message: bytes) -> dict[int, Any]:
    """Return {number: content} of a protocol buffer, each of whose fields occurs once."""
    found: dict[int, Any] = {}
    at = 0

    def whole() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = whole()
        if tag & 7 == 0:
            found[tag >> 3] = whole()
            continue
        size = {1: 8, 5: 4}.get(tag & 7) or whole()
        found[tag >> 3] = message[at : at + size]
        at += size
    return found
