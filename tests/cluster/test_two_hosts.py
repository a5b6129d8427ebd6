"""docs/clusters.md, followed to the letter on two hosts: the tests are its steps, in order."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import hosts
from client import object_in

SUBMIT = "ray submit cluster.yaml platform/heliostat/submit.py --"
JOIN = "--address auto --min-nodes 2 --wait 120"
PHASES = "phases -o rounds=2 -o trainings=4 -o epochs=24"
COUNTED = "phases -o rounds=16 -o items=40"


def nodes_of(account: dict[str, Any]) -> dict[str, int]:
    """Return how many items each address evaluated."""
    found: dict[str, int] = {}
    for worker in account["workers"]:
        address = worker["worker"].split()[1]
        found[address] = found.get(address, 0) + worker["items"]
    return found


def read_until(process: subprocess.Popen[str], text: str) -> str:
    said = ""
    for line in process.stdout:  # type: ignore[union-attr]
        said += line
        if text in line:
            return said
    raise AssertionError(f"{text!r} was not said:\n{said}")


def epochs(host: hosts.Host) -> dict[int, list[int]]:
    """Return the epochs of each training that a host noted in its own /tmp."""
    notes = host.files / "tmp" / "heliostat-epochs.txt"
    found: dict[int, list[int]] = {}
    for line in notes.read_text().splitlines() if notes.exists() else ():
        training, epoch, _ = line.split()
        found.setdefault(int(training), []).append(int(epoch))
    return found


def test_the_check_names_each_thing_that_is_missing(client: Any, pair: Any) -> None:
    key = hosts.HOME / ".ssh" / "id_ed25519"
    key.chmod(0o644)
    broken = client.folder / "broken.yaml"
    text = (client.folder / "cluster.yaml").read_text()
    broken.write_text(text.replace("max_workers:", "max_worker:").replace("10.77.0.3", "10.77.0.9"))
    said = client("heliostat cluster check broken.yaml", expect=6)
    key.chmod(0o600)
    assert "max_worker is no key that Ray knows; did you mean 'max_workers'?" in said
    assert "chmod 600" in said
    assert "failed token " in said
    assert "ray get-auth-token --generate" in said
    assert "failed 10.77.0.9 ssh" in said
    assert "Traceback" not in said


def test_the_check_finds_both_hosts_ready(client: Any, pair: Any) -> None:
    client.documented_run("ray get-auth-token")
    command = client.command("heliostat cluster check")
    found = client.json(f"{command} --json")
    assert found["ready"], found
    names = [step["name"] for step in found["steps"]]
    assert {"10.77.0.2 python", "10.77.0.3 python", "10.77.0.3 disk"} <= set(names)


def test_a_documented_run_on_both_hosts_has_the_serial_digest(
    client: Any, pair: Any, serial_digest: Any
) -> None:
    expected = serial_digest("evomal --preset smoke")
    for host in pair:  # kernels compiled here are good there: equal sources at equal paths
        host.give(hosts.HOME / ".cache" / "heliostat")
    client.documented_run("ray up")
    command = client.command("ray submit cluster.yaml platform/heliostat/submit.py -- run")
    assert command == f"{SUBMIT} run evomal --preset smoke {JOIN}"
    said = client(f"{command} --json")
    assert "cluster: 2 of 2 nodes are there (10.77.0.2, 10.77.0.3)" in said
    assert "cluster: the run begins with 2 nodes (10.77.0.2, 10.77.0.3)" in said
    account = object_in(said)
    assert account["executor"]["nodes"] == 2
    assert account["digest"] == expected
    assert "2 local.cluster.node" in client.documented_run("ray exec")


def test_another_token_code_or_constraint_file_on_a_node_is_told(client: Any, pair: Any) -> None:
    home = hosts.HOME.relative_to("/")
    changed = {
        pair[0].files / home / ".ray" / "auth_token": "another token",
        pair[1].files / home / "heliostat" / "constraints.txt": "numpy==1\n",
        pair[1].files / home / "heliostat" / "platform" / "heliostat" / "names.py": "",
    }
    before = {path: path.read_bytes() for path in changed}
    for path, text in changed.items():
        path.write_text(text)
    try:
        found = client.json("heliostat cluster check cluster.yaml --json", expect=6)
        wrong = {step["name"]: step for step in found["steps"] if not step["ok"]}
        # the head's machine holds a token that the running head does not take
        assert set(wrong) == {"10.77.0.2 token", "10.77.0.3 files", "10.77.0.2 ray"}
        assert "constraints.txt, platform/heliostat/names.py" in wrong["10.77.0.3 files"]["found"]
        assert "ray up -y cluster.yaml" in wrong["10.77.0.3 files"]["mend"]
        said = client(f"{SUBMIT} run phases --address auto", expect=1)
        assert "the cluster has another token" in said
        assert "gcs_client.cc" not in said
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    found = client.json("heliostat cluster check cluster.yaml --json")
    (head,) = [step for step in found["steps"] if step["name"] == "10.77.0.2 ray"]
    assert head["found"] == "2 of 2 nodes have joined: 10.77.0.2, 10.77.0.3"


def test_too_few_nodes_end_the_wait_with_their_names(client: Any, pair: Any) -> None:
    said = client(f"{SUBMIT} run phases --address auto --min-nodes 3 --wait 1", expect=1)
    assert "--min-nodes 3: 2 joined within 1 s (10.77.0.2, 10.77.0.3)" in said


def test_a_killed_host_changes_no_digest_and_its_trainings_go_on_elsewhere(
    client: Any, pair: Any, serial_digest: Any
) -> None:
    driver = client.popen(f"{SUBMIT} run {PHASES} {JOIN} --checkpoint-seconds 0 --json")
    read_until(driver, "step 2/2")
    until = time.monotonic() + 60
    while min((max(e) for e in epochs(pair[1]).values()), default=0) < 4:
        assert time.monotonic() < until, "no training reached the second host"
        time.sleep(0.1)
    (raylet,) = pair[1].processes("raylet")
    raylet.kill()
    said, _ = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    account = object_in(said)
    lost, went_on = epochs(pair[1]), epochs(pair[0])
    assert lost, "the second host had no training"
    for training, before in lost.items():
        after = went_on[training]
        assert after[0] > 0, "it began anew"
        assert after[0] <= max(before) + 1
        assert after[-1] == 23
    assert set(nodes_of(account)) == {"10.77.0.2", "10.77.0.3"}
    assert account["executor"]["lost_chunks"] >= len(lost)
    assert account["failures"] == 0
    assert account["digest"] == serial_digest(PHASES)


def test_a_fetched_run_is_the_heads(client: Any, pair: Any, serial_digest: Any) -> None:
    said = client.documented_run("heliostat cluster fetch")
    assert serial_digest(PHASES) in said
    assert "state     finished" in client.documented_run("heliostat show last")
    assert "here already" in client("heliostat cluster fetch cluster.yaml last")
    assert [p for p in (client.folder / "runs").iterdir() if p.name.startswith(".")] == []


def test_a_run_goes_on_after_its_cluster_was_stopped_and_nodes_that_differ_are_named(
    client: Any, pair: Any, serial_digest: Any
) -> None:
    driver = client.popen(f"{SUBMIT} run {COUNTED} --numerics native --address auto --json")
    read_until(driver, "step 1/16")
    client.documented_run("ray down")
    said, _ = driver.communicate(timeout=60)
    assert driver.returncode != 0
    assert "Traceback" not in said
    bashrc = pair[1].files / Path(hosts.HOME).relative_to("/") / ".bashrc"
    bashrc.write_text(bashrc.read_text() + "export MKL_CBWR=COMPATIBLE\n")
    client.documented_run("ray up")
    command = client.command("ray submit cluster.yaml platform/heliostat/submit.py -- resume")
    assert command == f"{SUBMIT} resume last {JOIN}"
    said = client(f"{command} --json")
    account = object_in(said)
    assert account["replayed"] >= 40
    assert account["evaluated"] >= 40
    assert set(nodes_of(account)) == {"10.77.0.2", "10.77.0.3"}
    assert account["failures"] == 0
    assert account["digest"] == serial_digest(COUNTED)
    (warning,) = [line for line in said.splitlines() if "results may differ" in line]
    for part in ("10.77.0.2", "10.77.0.3", "MKL_CBWR", "COMPATIBLE"):
        assert part in warning
    client("ray down -y cluster.yaml")


def test_nothing_of_ray_is_left_a_minute_after_the_cluster_was_stopped(pair: Any) -> None:
    until = time.monotonic() + 60
    while (left := [host.of_ray() for host in pair]) != [[], []]:
        assert time.monotonic() < until, left
        time.sleep(0.5)


def test_every_documented_command_was_used(client: Any, pair: Any) -> None:
    elsewhere = [line for line in client.commands() if line.startswith("ray job submit")]
    assert sorted(client.used | set(elsewhere)) == sorted(client.commands())
