"""The Slurm script starts a head, workers and one command, with stand-ins for Slurm and Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "examples" / "clusters" / "slurm.sh"

# each notes how it was called; a step runs what it is given here
STAND_INS = {
    "scontrol": 'printf "node%s\\n" 1 2 3',
    "srun": 'while [[ $1 == --* ]]; do shift; done; "$@"',
    "hostname": "echo fe80::1 10.0.0.7 192.168.0.7",
    "ray": 'if [[ $* == *--block* ]]; then exec sleep 60; fi; [[ $1 != get-auth-token ]] || '
    "{ mkdir -p ~/.ray; echo token > ~/.ray/auth_token; }",
    "heliostat": "if [[ $1 == wait ]]; then trap 'sleep 0.2; exit 130' TERM; touch waiting; "
    "while true; do sleep 0.05; done; fi; exit ${CODE:-0}",
}  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> Path:
    bin_folder, venv = tmp_path / "bin", tmp_path / ".venv" / "bin"
    bin_folder.mkdir()
    venv.mkdir(parents=True)
    (venv / "activate").touch()
    for name, body in STAND_INS.items():
        file = bin_folder / name
        log = tmp_path / "calls"
        file.write_text(f'#!/bin/bash\necho "{name} $*" >> {log}\n{body}\n')
        file.chmod(0o755)
    return tmp_path


def started(job: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": f"{job / 'bin'}:/usr/bin:/bin",
        "HOME": str(job),
        "SLURM_JOB_ID": "123456",
        "SLURM_JOB_NODELIST": "node[1-3]",
        "SLURM_CPUS_PER_TASK": "4",
        **variables,
    }
    return subprocess.Popen(
        ["bash", str(SCRIPT), *words], cwd=job, env=environment, stderr=subprocess.PIPE, text=True
    )


def test_the_script_is_one_that_bash_reads() -> None:
    done = subprocess.run(["bash", "-n", str(SCRIPT)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(SCRIPT, os.X_OK)


def test_a_head_workers_and_one_command_are_started(job: Path) -> None:
    with started(job, "run", "evomal", "--preset", "demo") as process:
        assert process.wait(60) == 0, process.stderr and process.stderr.read()
    calls = (job / "calls").read_text().splitlines()
    port = 20000 + 123456 % 20000
    starts = [line for line in calls if line.startswith("ray start")]
    assert sum("--head" in line for line in starts) == 1
    head = next(line for line in starts if "--head" in line)
    assert f"--node-ip-address=10.0.0.7 --port={port}" in head
    workers = [line for line in starts if f"--address=10.0.0.7:{port}" in line]
    assert len(workers) == 2 and all("--num-cpus=4" in line for line in workers)
    for node in ("node1", "node2", "node3"):
        assert any(line.startswith("srun") and f"--nodelist={node} ray" in line for line in calls)
    (command,) = [line for line in calls if line.startswith("heliostat")]
    assert command == (
        f"heliostat run evomal --preset demo --address 10.0.0.7:{port} --min-nodes 3 --wait 300"
    )


def test_the_job_ends_as_its_command(job: Path) -> None:
    with started(job, "run", "evomal", CODE="7") as process:
        assert process.wait(60) == 7


def test_a_job_whose_time_is_up_stops_its_run_and_waits_for_it(job: Path) -> None:
    with started(job, "wait") as process:
        until = time.monotonic() + 60
        while not (job / "waiting").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130


def test_what_the_command_is_given_are_options_that_it_has() -> None:
    from heliostat.cli.verbs.run import resume, run

    for verb in (run, resume):
        options = {name for parameter in verb.params for name in parameter.opts}
        assert {"--address", "--min-nodes", "--wait"} <= options
