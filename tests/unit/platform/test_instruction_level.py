"""A process is held to one instruction level before its libraries load, or refused.

Each process of these tests is a fresh one, without the variables that the tests' own is held by.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import heliostat
from heliostat.contract import instructions
from heliostat.contract.instructions import (
    LEVEL_VARIABLE,
    NATIVE,
    PORTABLE,
    level_in,
    portable_variables,
    variables_to_set,
)
from heliostat.errors import ConfigError
from heliostat.executors.ray.nodes import differences
from heliostat.ops import doctor
from heliostat.store.record import RunRecord
from heliostat.worker import instructions as holding

needs_portable = pytest.mark.skipif(bool(instructions.lacking()), reason="no AVX2 with FMA here")


def without_level(**more: str) -> dict[str, str]:
    """Return this process's variables without those of a level."""
    names = {*portable_variables(), LEVEL_VARIABLE}
    return {name: value for name, value in os.environ.items() if name not in names} | more


def in_fresh_process(code: str, **variables: str) -> Any:
    """Run code that prints JSON, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, os, sys\n{code}"],
        env=without_level(**variables),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SEEN = """
import numba, numpy, torch, scipy.linalg
from numba.core.codegen import JITCPUCodegen
from threadpoolctl import threadpool_info
features = numpy._core._multiarray_umath.__cpu_features__
names = numpy._core._multiarray_umath.__cpu_dispatch__
code = JITCPUCodegen("test")
print(json.dumps({
    "level": level,
    "numpy": [name for name in names if features[name] and ("512" in name or name == "X86_V4")],
    "torch": torch.backends.cpu.get_cpu_capability(),
    "openblas": [pool.get("architecture") for pool in threadpool_info() if "openblas" in
                 pool.get("internal_api", "")],
    "numba": [code._get_host_cpu_name(), "avx512" in code._get_host_cpu_features()],
}))
"""


@needs_portable
def test_every_library_is_at_the_level_that_was_held_before_it_loaded() -> None:
    seen = in_fresh_process(
        "from heliostat.worker.instructions import hold, loaded\n"
        f"assert not loaded()\nlevel = hold()\nassert not loaded()\n{SEEN}"
    )
    assert seen["level"] == PORTABLE
    assert seen["numpy"] == []
    assert seen["torch"] == "AVX2"
    assert set(seen["openblas"]) == {"Haswell"}
    assert seen["numba"] == ["haswell", False]


def test_an_imported_driver_holds_the_level_and_one_that_comes_late_keeps_what_there_is() -> None:
    early = "import heliostat.driver.start\n"
    late = f"import numpy\n{early}"
    say = (
        "from heliostat.contract.instructions import own_level\n"
        "from heliostat.worker.instructions import hold\nprint(json.dumps([hold(), own_level()]))"
    )
    expected = NATIVE if instructions.lacking() else PORTABLE
    assert in_fresh_process(early + say) == [expected] * 2
    door = "from heliostat import TaskContext\nassert 'numpy' in sys.modules\n"
    assert in_fresh_process(door + early + say) == [expected] * 2
    assert in_fresh_process(late + say) == [NATIVE] * 2
    assert in_fresh_process(early + say, **{LEVEL_VARIABLE: NATIVE}) == [NATIVE] * 2


@needs_portable
def test_whoever_imports_heliostat_first_has_the_level_when_a_library_is_loaded() -> None:
    untouched = in_fresh_process(
        "import os\nbefore = dict(os.environ)\nimport heliostat\n"
        "print(json.dumps(before == dict(os.environ)))"
    )
    assert untouched
    say = (
        "from heliostat.contract.instructions import own_level\n"
        "from heliostat.worker.instructions import hold\nprint(json.dumps([hold(), own_level()]))"
    )
    first, later = "import heliostat\n", "import numpy\n"
    assert in_fresh_process(first + later + say) == [PORTABLE] * 2
    assert in_fresh_process(later + first + say) == [NATIVE] * 2
    assert in_fresh_process(first + later + say, **{LEVEL_VARIABLE: NATIVE}) == [NATIVE] * 2
    assert heliostat._DISPATCHING == instructions.DISPATCHING


@needs_portable
def test_a_level_that_comes_too_late_is_refused_with_the_reason() -> None:
    said = in_fresh_process(
        "import numpy\nfrom heliostat.worker.instructions import hold\n"
        "from heliostat.errors import ConfigError\n"
        "try: hold('portable')\nexcept ConfigError as error: print(json.dumps(str(error)))"
    )
    assert "--numerics = 'portable': expected native, at which numpy was loaded" in said


@pytest.mark.parametrize("name", ["--numerics", LEVEL_VARIABLE, "job.toml: numerics"])
def test_an_unknown_level_is_refused_with_the_nearest(name: str, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text('method = "step_options"\nnumerics = "protable"\n')
    what = {
        "--numerics": ["step_options", "--numerics", "protable"],
        LEVEL_VARIABLE: ["step_options"],
        "job.toml: numerics": ["job.toml"],
    }[name]
    more = {LEVEL_VARIABLE: "protable"} if name == LEVEL_VARIABLE else {}
    done = subprocess.run(
        [sys.executable, "-m", "heliostat.submit", "run", *what],
        cwd=tmp_path,
        env=without_level(**more),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"{name} = 'protable': expected portable or native; did you mean" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cpu_without_the_instructions_is_native_and_refuses_portable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding, "lacking", lambda: ["AVX2", "FMA"])
    monkeypatch.setattr(holding, "loaded", list)
    monkeypatch.setattr(holding, "_held", None)
    monkeypatch.setattr(os, "environ", without_level())
    assert holding.hold() == NATIVE
    with pytest.raises(ConfigError, match="native here: this machine lacks AVX2 and FMA"):
        holding.hold(PORTABLE)
    found = doctor.numerics(NATIVE, ["AVX2", "FMA"])
    assert (found.state, "lacks AVX2 and FMA" in found.found) == ("warning", True)


def test_native_leaves_no_variable_of_portable_and_keeps_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding, "loaded", list)
    monkeypatch.setattr(holding, "_held", None)
    held = variables_to_set()
    monkeypatch.setattr(os, "environ", without_level(**held))
    assert level_in(os.environ) == PORTABLE
    holding.hold(NATIVE)
    assert {name for name in held if name in os.environ} <= {"MKL_CBWR"}
    assert os.environ.get("MKL_CBWR") != "COMPATIBLE"
    monkeypatch.setattr(os, "environ", without_level(ONEDNN_MAX_CPU_ISA="SSE41"))
    holding.hold(NATIVE)
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "SSE41"


def test_portable_takes_away_what_would_contradict_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "lacking", list)
    monkeypatch.setattr(holding, "loaded", list)
    monkeypatch.setattr(holding, "_held", None)
    own = {"NPY_ENABLE_CPU_FEATURES": "X86_V4", "MKL_CBWR": "AVX512,STRICT"}
    monkeypatch.setattr(os, "environ", without_level(**own))
    assert holding.hold(PORTABLE) == PORTABLE
    assert level_in(os.environ) == PORTABLE
    assert "NPY_ENABLE_CPU_FEATURES" not in os.environ


def test_a_level_that_is_asked_for_counts_more_than_the_shells() -> None:
    code = (
        "from heliostat.worker.instructions import hold\n"
        "print(json.dumps([hold('native'), hold()]))"
    )
    assert in_fresh_process(code, **{LEVEL_VARIABLE: PORTABLE}) == [NATIVE] * 2


def test_nodes_of_other_cpus_are_no_difference_to_a_portable_run() -> None:
    first = {"cpu": {"model": "A"}, "numerics": "portable (AVX2 with FMA)"}
    other = {**first, "cpu": {"model": "B"}}
    assert differences({"10.0.0.2": first, "10.0.0.3": other}) == []
    native = {**other, "numerics": "native (AVX2)"}
    assert len(differences({"10.0.0.2": first, "10.0.0.3": native})) == 2


def test_doctor_names_the_level() -> None:
    (found,) = [finding for finding in doctor.examine() if finding.name == "numerics"]
    assert instructions.own_level() in found.found
    assert "--numerics" in found.found


def test_runs_before_there_was_a_choice_have_no_level() -> None:
    assert RunRecord("m", {}).numerics == ""
