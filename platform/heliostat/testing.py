"""The conformance kit: what every method has to pass, built-in or not.

A plugin's test file needs only this::

    from heliostat.testing import MethodContract

    class TestMyMethod(MethodContract):
        method = "my_method"

Runs are made through the command line in processes of their own, as users make them; items are
then evaluated again in this process, in other orders, to find state that should not be there.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from heliostat import config as configuration
from heliostat.encoding import decode, encode
from heliostat.errors import ConfigError
from heliostat.methods import MethodSpec
from heliostat.numerics import default_cache_dir, set_threads
from heliostat.plugins import registry
from heliostat.runs import RunFolder, RunView
from heliostat.store.journal import FAULT_VARIABLE, Row
from heliostat.task import Reply, Work, WorkerSide, resolve

TIMEOUT_SECONDS = 240

# Runs the command line and notes every file that Python opens for writing.
_AUDITED = """
import os, sys
noted = open(sys.argv.pop(1), "a", buffering=1)
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] is not None:
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            noted.write(os.path.abspath(os.fsdecode(arguments[0])) + "\\n")
    elif event in ("os.mkdir", "os.rename", "os.remove"):
        noted.write(os.path.abspath(os.fsdecode(arguments[0])) + "\\n")
sys.addaudithook(note)
from heliostat.cli import main
main()
"""


class CommandRun:
    """One run made through the command line, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"

    def command(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        audited: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `heliostat ARGUMENTS` and return what it printed; never raises on its exit code."""
        start = ["-c", _AUDITED, str(audited)] if audited else ["-m", "heliostat.submit"]
        return subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )

    def account(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the command with --json and return its object; fails with what it printed."""
        done = self.command(*arguments, "--json", **options)
        assert done.returncode == 0, done.stderr[-4000:]
        value: dict[str, Any] = json.loads(done.stdout)
        return value


class MethodContract:
    """Tests of one method; set `method`, and `preset` if "smoke" is not the quick one.

    `options` are further settings, ``("population=4",)``, for a second class that holds another
    path of the same method to the contract.
    """

    method: ClassVar[str]
    preset: ClassVar[str] = "smoke"
    options: ClassVar[Sequence[str]] = ()
    seed: ClassVar[int] = 1

    @pytest.fixture(scope="class")
    @classmethod
    def spec(cls) -> MethodSpec:
        """Return the method."""
        return registry().method(cls.method)

    @pytest.fixture(scope="class")
    @classmethod
    def command(cls, tmp_path_factory: pytest.TempPathFactory) -> CommandRun:
        """Return a folder in which commands run."""
        return CommandRun(tmp_path_factory.mktemp(cls.method))

    @classmethod
    def _arguments(cls, workers: str, seed: int | None = None) -> list[str]:
        chosen = cls.seed if seed is None else seed
        settings = [part for option in cls.options for part in ("-o", option)]
        return ["run", cls.method, "--preset", cls.preset, "--seed", str(chosen), "--workers",
                workers, *settings]  # fmt: skip

    @pytest.fixture(scope="class")
    @classmethod
    def serial(cls, command: CommandRun) -> dict[str, Any]:
        """Run the method once in one process."""
        return command.account(*cls._arguments("serial"))

    @pytest.fixture(scope="class")
    @classmethod
    def view(cls, command: CommandRun, serial: dict[str, Any]) -> Iterator[RunView]:
        """Open the serial run."""
        view = RunView(RunFolder(command.folder / serial["folder"]))
        yield view
        view.close()

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, view: RunView) -> list[Row]:
        """Return the serial run's outcomes, measurements left out."""
        return [row for row in view.outcomes() if not row.observed]

    def test_presets_are_valid_and_survive_toml(self, spec: MethodSpec) -> None:
        """Each preset validates; written as TOML and read back it is the same."""
        import tomllib

        import tomli_w

        for preset in spec.presets:
            values = configuration.plain(configuration.resolve(spec, registry(), preset=preset))
            again = tomllib.loads(tomli_w.dumps(configuration.without_none(values)))
            filled = configuration.with_none(again, values)
            assert configuration.plain(configuration.validate(spec.config, filled)) == values

    def test_unknown_key_is_refused(self, spec: MethodSpec) -> None:
        """A misspelt field is an error that names it."""
        with pytest.raises(ConfigError, match="no_such_field"):
            configuration.resolve(spec, registry(), overrides=["no_such_field=1"])

    def test_a_run_does_something(self, serial: dict[str, Any]) -> None:
        """The quick preset evaluates at least one task and finishes."""
        assert serial["state"] == "finished"
        assert serial["outcomes"] > 0

    @pytest.mark.ray
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_ray_equals_serial(
        self, command: CommandRun, serial: dict[str, Any], workers: str
    ) -> None:
        """The digest does not depend on where tasks run."""
        account = command.account(*self._arguments(workers))
        assert account["digest"] == serial["digest"]
        assert account["result"] == serial["result"]

    def test_another_seed_differs(self, command: CommandRun, serial: dict[str, Any]) -> None:
        """The seed reaches the tasks."""
        other = command.account(*self._arguments("serial", seed=self.seed + 1))
        assert other["digest"] != serial["digest"]

    def test_killed_and_resumed_equals_uninterrupted(
        self, command: CommandRun, serial: dict[str, Any]
    ) -> None:
        """The driver is killed in the middle; the resumed run ends with the same digest."""
        middle = max(1, serial["outcomes"] // 2)
        fault = {FAULT_VARIABLE: f"kill-after-commits={middle}"}
        killed = command.command(*self._arguments("serial"), environment=fault)
        assert killed.returncode == -9, killed.stderr[-2000:]
        resumed = command.account("resume", "last", "--workers", "serial")
        assert resumed["digest"] == serial["digest"]
        assert resumed["result"] == serial["result"]
        assert resumed["replayed"] > 0

    def test_threads_of_the_shell_change_nothing(
        self, command: CommandRun, serial: dict[str, Any]
    ) -> None:
        """Four threads asked for by the environment give the digest of one."""
        four = {name: "4" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                       "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}  # fmt: skip
        assert (
            command.account(*self._arguments("serial"), environment=four)["digest"]
            == (serial["digest"])
        )

    def test_cold_cache_equals_warm(self, command: CommandRun, serial: dict[str, Any]) -> None:
        """What is cached on a machine changes no result."""
        cold = {"HELIOSTAT_CACHE": str(command.cache)}
        first = command.account(*self._arguments("serial"), environment=cold)
        again = command.account(*self._arguments("serial"), environment=cold)
        assert first["digest"] == again["digest"] == serial["digest"]

    def test_writes_only_into_run_folder_and_cache(self, command: CommandRun) -> None:
        """Every file that Python opens for writing lies in the runs folder or in the cache."""
        noted = command.folder / "written.txt"
        environment = {"PYTHONDONTWRITEBYTECODE": "1", "HELIOSTAT_CACHE": str(command.cache)}
        done = command.command(*self._arguments("serial"), environment=environment, audited=noted)
        assert done.returncode == 0, done.stderr[-2000:]
        allowed = (str(command.folder / "runs"), str(command.cache), "/dev/")
        paths = sorted(set(noted.read_text().splitlines()))
        assert paths
        assert [path for path in paths if not path.startswith(allowed)] == []

    def test_items_in_reversed_order_give_equal_values(
        self, view: RunView, rows: list[Row]
    ) -> None:
        """One process that evaluates the items last to first gets the journaled bytes."""
        worker = _worker(view)
        for row in reversed(rows):
            assert _outcome(_evaluate(worker, view, row)) == _stored(view, row), row.key
        assert worker.altered_shared_data() == []

    def test_no_global_random_state_is_used(self, view: RunView, rows: list[Row]) -> None:
        """Tasks neither consume nor set the states of random, numpy.random and torch."""
        worker = _worker(view)
        _evaluate(worker, view, rows[0])  # imports may draw
        before = _global_random_state()
        for row in rows[:20]:
            _evaluate(worker, view, row)
        assert _global_random_state() == before

    def test_tasks_items_and_values_are_plain(self, view: RunView, rows: list[Row]) -> None:
        """Tasks are importable by name; items and values are what their own text decodes to."""
        for row in rows:
            resolve(row.function)
            for text in (row.item, row.value):
                if text is not None:
                    full = view.text(text)
                    assert encode(decode(full)) == full

    def test_digest_follows_from_the_export(
        self, command: CommandRun, serial: dict[str, Any]
    ) -> None:
        """Ten lines that share no code with the platform recompute the digest."""
        lines = command.command("export", serial["run"]).stdout.splitlines()
        total = hashlib.sha256()
        for line in lines:
            row = json.loads(line)
            if row["observed"]:
                continue
            kind = row["failure"]["kind"] if row["failure"] else None
            parts = [row["key"], row["function"], row["item"], row["shared"], row["value"], kind]
            total.update((json.dumps(parts, separators=(",", ":")) + "\n").encode())
        assert total.hexdigest() == serial["digest"]

    def test_report_renders(self, view: RunView, spec: MethodSpec) -> None:
        """The report is written and names the run."""
        from heliostat.report.build import write_report

        text = Path(write_report(view, spec, registry())).read_text(encoding="utf-8")
        assert view.id in text

    def test_nothing_is_pickled(self, command: CommandRun, serial: dict[str, Any]) -> None:
        """No file in the run's folder is a pickle."""
        for path in (command.folder / serial["folder"]).rglob("*"):
            if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm"):
                assert not path.read_bytes().startswith(b"\x80\x04"), path


def _worker(view: RunView) -> WorkerSide:
    artifacts = view.folder.artifacts
    set_threads(1)
    return WorkerSide(
        view.seed, default_cache_dir(), 0.0, fetch=lambda sha256: artifacts.get(sha256).decode()
    )


def _evaluate(worker: WorkerSide, view: RunView, row: Row) -> Reply:
    work = Work(row.key, row.key[: row.depth], row.function, view.text(row.item), row.shared)
    return worker.evaluate(work, "conformance kit", lambda state: None)


def _outcome(reply: Reply) -> tuple[str | None, str | None]:
    return reply.value, None if reply.failure is None else reply.failure.kind


def _stored(view: RunView, row: Row) -> tuple[str | None, str | None]:
    value = None if row.value is None else view.text(row.value)
    return value, None if row.failure is None else row.failure.kind


def _global_random_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    torch = sys.modules.get("torch")
    state = None if torch is None else torch.random.get_rng_state().numpy().tobytes()
    return random.getstate(), name, bytes(np.asarray(keys)), tuple(rest), state
