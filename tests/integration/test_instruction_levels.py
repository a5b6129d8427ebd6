"""A run is at one instruction level, in driver and workers, and goes on at no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heliostat.contract.instructions import (
    LEVEL_VARIABLE,
    NATIVE,
    PORTABLE,
    lacking,
    portable_variables,
)

pytestmark = pytest.mark.skipif(bool(lacking()), reason="no AVX2 with FMA here")

METHOD = """
import os, sys
from heliostat import MethodConfig, MethodSpec, hookimpl, task
from heliostat.worker.instructions import loaded

class Config(MethodConfig):
    items: int = 3

@task("levels.seen")
def seen(item, ctx):
    import numpy
    umath = numpy._core._multiarray_umath
    wide = [n for n in umath.__cpu_dispatch__ if umath.__cpu_features__[n] and n != "X86_V3"]
    return {"torch": os.environ.get("ATEN_CPU_CAPABILITY", ""), "numpy": wide}

def search(config, run):
    return [outcome.unwrap() for outcome in run.map(seen, range(config.items))]

@hookimpl
def heliostat_methods():
    return [MethodSpec("levels", "what tasks see", "none", Config, search)]
"""
AT_PORTABLE = {"torch": "avx2", "numpy": []}


@pytest.fixture
def levels(cli: Any) -> Any:
    """The command line with a method that tells the level of its tasks, in a clean shell."""
    folder = cli.folder / "plugin"
    folder.mkdir()
    (folder / "levels_method.py").write_text(METHOD)
    for name in (*portable_variables(), LEVEL_VARIABLE):
        cli.environment.pop(name, None)
    cli.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    cli.environment["HELIOSTAT_LOAD"] = "levels_method"
    return cli


def run(cli: Any, *options: str) -> Any:
    return cli.json("run", "levels", "--workers", "serial", "--no-report", *options)


def refused(done: Any, *parts: str) -> None:
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    for part in ("instruction level (numerics)", *parts):
        assert part in done.stderr


def test_both_levels_are_recorded_and_named_wherever_runs_are_compared(levels: Any) -> None:
    portable, native = run(levels), run(levels, "--numerics", NATIVE)
    texts = [account["environment"]["numerics"] for account in (portable, native)]
    assert texts[0] == "portable (AVX2 with FMA)"
    assert texts[1].startswith("native (")
    assert portable["result"][0] == AT_PORTABLE
    assert native["result"][0]["torch"] == ""
    names = [account["run"] for account in (portable, native)]
    assert levels.json("compare", *names)["numerics"] == texts
    assert f"numerics  {texts[1]}" in levels("show", names[1]).stdout
    folders = [Path(account["folder"]) for account in (portable, native)]
    for folder, level in zip(folders, (PORTABLE, NATIVE), strict=True):
        assert f'numerics = "{level}"' in (folder / "config.toml").read_text()
    again = run_file(levels, folders[1])
    assert (again["digest"], again["environment"]["numerics"]) == (native["digest"], texts[1])


def run_file(cli: Any, folder: Path) -> Any:
    options = ("--workers", "serial", "--no-report")
    return cli.json("run", str(folder / "config.toml"), *options)


def test_another_level_is_refused_with_the_reason_and_the_runs_own_is_taken(levels: Any) -> None:
    levels("run", "levels", "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=1")
    last = ("resume", "last", "--workers", "serial", "--no-report")
    refused(
        levels(*last, "--numerics", NATIVE),
        "was portable (AVX2 with FMA), is native (", "use --numerics portable",
    )  # fmt: skip
    went_on = levels.json(*last, **{LEVEL_VARIABLE: NATIVE})
    assert went_on["environment"]["numerics"] == "portable (AVX2 with FMA)"
    assert went_on["result"] == [AT_PORTABLE] * 3
    assert levels.json("verify", "last", **{LEVEL_VARIABLE: NATIVE})["equal"] == 3
    path = levels.only_run() / "config.toml"
    path.write_text(path.read_text().replace('"portable"', '"native"'))
    refused(levels("verify", "last"), "was portable", "is native", "--numerics portable")


def test_blocking_a_plugin_loads_no_library_before_the_level(levels: Any) -> None:
    options = ("run", "levels", "--workers", "serial", "--no-report", "--numerics", NATIVE)
    account = levels.json("--no-plugin", "tune", *options)
    assert account["environment"]["numerics"].startswith("native")


CLUSTER = """
import json, subprocess, sys
from ray.cluster_utils import Cluster

made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
try:
    command = [sys.executable, "-m", "heliostat.submit", "run", "levels", "--no-report", "--json"]
    done = subprocess.run([*command, "--address", made.address], capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]))
finally:
    made.shutdown()
"""


@pytest.mark.ray
def test_a_worker_of_a_cluster_whose_shell_says_nothing_has_it_before_numpy_loads(
    levels: Any,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER],
        cwd=levels.folder,
        env=levels.environment,
        capture_output=True,
        text=True,
    )
    code, out, err = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, err
    assert json.loads(out)["result"] == [AT_PORTABLE] * 3
