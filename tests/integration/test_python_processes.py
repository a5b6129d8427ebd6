"""Scripts that start runs: under `spawn`, stopped by Ctrl-C, with numpy loaded before heliostat."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest
from command_line import LIMIT_SECONDS

from heliostat.contract.instructions import LEVEL_VARIABLE, lacking, portable_variables

SPAWNING = """
import json, multiprocessing
import heliostat

def drive(seed):
    run = heliostat.run("group_means", rounds=2, seed=seed, workers="serial", progress=False)
    return run.digest

if __name__ == "__main__":
    own = [drive(1), drive(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(json.dumps([own, pool.map(drive, [1, 2])]))
"""

STOPPED = """
import json
import heliostat

try:
    heliostat.run("count", rounds=500, items=1, seconds=0.02, workers="serial")
except heliostat.Interrupted as stopped:
    run = heliostat.open(stopped.run)
    print(json.dumps([str(stopped), run.id, run.state, run.digest, len(list(run.outcomes())) > 0]))
"""

PLUGIN = """
import time
import heliostat
from heliostat import MethodConfig, MethodSpec

def sleeps(item, ctx):
    while True:
        try:
            print("asleep", flush=True)
            time.sleep(60)
        except Exception:
            pass

def starts_another(item, ctx):
    return heliostat.run("count").id

@heliostat.hookimpl
def heliostat_methods():
    def spec(name, search):
        return MethodSpec(name, name, "none", MethodConfig, search)

    return [
        spec("stubborn", lambda config, run: run.call(sleeps, 0).unwrap()),
        spec("nested", lambda config, run: run.call(starts_another, 0).failure.kind),
    ]
"""

STUBBORN = """
import json, sys
import heliostat

try:
    heliostat.run("stubborn", workers="serial")
except heliostat.Interrupted as stopped:
    print(json.dumps([heliostat.open(stopped.run).state, "the process lives on"]))
"""

NESTED = """
import json
import heliostat

run = heliostat.run("nested", workers=1)
print(json.dumps([run.result, next(run.outcomes()).failure.message]))
"""

EARLY = """
import json
{first}
import heliostat
from heliostat.errors import ConfigError
try:
    heliostat.run("count", rounds=1, workers="serial", numerics="portable", progress=False)
    refused = ""
except ConfigError as error:
    refused = str(error)
runs = [heliostat.run("count", rounds=1, workers="serial") for _ in range(2)]
import numpy
umath = numpy._core._multiarray_umath
wide = [n for n in umath.__cpu_dispatch__ if umath.__cpu_features__[n] and n != "X86_V3"]
print(json.dumps([runs[0].numerics, refused, bool(wide)]))
"""


@pytest.fixture
def script(cli: Any) -> Any:
    """Start a script of this text in the folder of the test."""

    def start(text: str, **environment: str) -> subprocess.Popen[str]:
        path = Path(cli.folder) / "script.py"
        path.write_text(text)
        (path.parent / "started_here.py").write_text(PLUGIN)
        more = {"HELIOSTAT_LOAD": cli.environment["HELIOSTAT_LOAD"] + ",started_here"}
        more["PYTHONPATH"] = os.pathsep.join([str(path.parent), os.environ["PYTHONPATH"]])
        return subprocess.Popen(
            [sys.executable, str(path)],
            cwd=cli.folder,
            env={**cli.environment, **more, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[Any, str]:
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, err
    return json.loads(out), err


def wait_for(stream: IO[str] | None, word: str) -> None:
    for line in stream or ():
        if word in line:
            return
    raise AssertionError(f"ended without {word}")


def test_processes_that_are_spawned_start_runs_of_their_own(script: Any) -> None:
    (own, theirs), _ = ended(script(SPAWNING))
    assert own == theirs and own[0] != own[1]


def test_ctrl_c_raises_interrupted_with_the_run_that_goes_on(script: Any, cli: Any) -> None:
    process = script(STOPPED)
    wait_for(process.stderr, "step")
    process.send_signal(signal.SIGINT)
    (said, run, state, digest, some), _ = ended(process)
    assert (state, digest, some) == ("interrupted", None, True)
    assert said == (
        f"run {run} was stopped; what was done is kept. Go on with: heliostat.resume({run!r})"
    )


def test_a_second_ctrl_c_ends_the_run_and_not_the_process(script: Any) -> None:
    process = script(STUBBORN)
    wait_for(process.stdout, "asleep")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)  # so that the first is no second
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == ["interrupted", "the process lives on"]


@pytest.mark.skipif(bool(lacking()), reason="no AVX2 with FMA here")
@pytest.mark.parametrize(
    ("first", "level"), [("import numpy", "native"), ("import heliostat, numpy", "portable")]
)
def test_the_level_is_that_at_which_numpy_was_loaded_and_is_told(
    first: str, level: str, script: Any, cli: Any
) -> None:
    for name in (*portable_variables(), LEVEL_VARIABLE):
        cli.environment.pop(name, None)
    (label, refused, wide), said = ended(script(EARLY.format(first=first)))
    assert label.startswith(level)
    assert said.count("note: numpy was loaded before heliostat") == (level == "native")
    assert refused.startswith("numerics = 'portable': expected native") == (level == "native")
    if level == "portable":
        assert refused == "" and not wide


@pytest.mark.ray
def test_a_worker_starts_no_run_either(script: Any) -> None:
    (kind, message), _ = ended(script(NESTED))
    assert kind.endswith("MisuseError") and "tasks of run" in message
