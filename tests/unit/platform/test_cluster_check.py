"""`heliostat cluster check`: each thing that keeps a cluster from starting is named and mended."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ClusterError
from heliostat.ops.cluster.checks import check
from heliostat.ops.cluster.file import PROVIDERS, read
from heliostat.ops.cluster.nodes import Node, described, interpreter, ssh_command
from heliostat.ops.cluster.step import Step

ROOT = Path(__file__).resolve().parents[3]
WELL = Node(
    "",
    True,
    python=(3, 11, 7),
    python_path="/usr/bin/python3.11",
    free_bytes=50 << 30,
    rsync=True,
    registers_as="10.0.0.2",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a key and a token, and a temporary folder of its own."""
    key, token = tmp_path / ".ssh" / "id_ed25519", tmp_path / ".ray" / "auth_token"
    for path, text in ((key, "a key"), (token, "a token")):
        path.parent.mkdir()
        path.write_text(text)
        path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda tool, path=None: f"/usr/bin/{tool}")
    return tmp_path


def steps(folder: Path, *changes: tuple[str, str], node: Node = WELL) -> dict[str, Step]:
    """Return the steps for the example file with these changes, by name."""
    text = (ROOT / "cluster.yaml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "cluster.yaml"
    path.write_text(text)
    found = check(path, lambda file, address: Node(**{**node.__dict__, "address": address}))
    return {step.name: step for step in found}


def failed(found: dict[str, Step]) -> list[str]:
    return [name for name, step in found.items() if not step.ok]


def test_the_example_file_is_ready_once_keys_and_nodes_are_there(home: Path) -> None:
    found = steps(home)
    assert failed(found) == []
    assert {"10.0.0.2 ssh", "10.0.0.3 ssh", "10.0.0.3 disk", "10.0.0.3 python"} <= set(found)


V1 = "RAY_enable_autoscaler_v2=0"
START = (
    "ray start --head --port=6379 --dashboard-host=127.0.0.1 "
    "--autoscaling-config=~/ray_bootstrap_config.yaml"
)
HEAD_START = f"{V1} RAY_health_check_period_ms=1000 {START}"
BASHRC = "export PATH=~/venv/bin:$PATH RAY_AUTH_MODE=token"
WORKER_START = "ray start --address=$RAY_HEAD_IP:6379"
WORKER_LINE = (
    f"RAY_gcs_rpc_server_reconnect_timeout_s=20 setsid nohup sh -c '{WORKER_START} --block; "
    "pkill -KILL -s $$' > /tmp/ray-worker.log 2>&1 & sleep 1"
)


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        (("max_workers:", "max_worker:"), "schema", "did you mean 'max_workers'?"),
        (("  ssh_user:", "  ssh_usr:"), "schema", "did you mean 'ssh_user'?"),
        (("  worker_ips:", "  workers_ips:"), "schema", "did you mean 'worker_ips'?"),
        (("  head_ip:", "  #"), "schema", "provider.head_ip is missing"),
        (("[10.0.0.3]", "10.0.0.3"), "schema", "expected a list of addresses"),
        (("[10.0.0.3]", "[10.0.0.2]"), "schema", "10.0.0.2 is named twice"),
        (("max_workers: 1", "max_workers: 0"), "schema", "the other workers never start"),
        (("max_workers: 1", "max_workers: many"), "schema", "max_workers"),
        (("RAY_enable_autoscaler_v2=0 ", ""), "autoscaler", "never starts workers"),
        (("RAY_AUTH_MODE=token", ""), "token mode", "not set"),
        (('  "~/.ray/auth_token": "~/.ray/auth_token"', ""), "token sent", "does not send it"),
        (("~/.ssh/id_ed25519", "~/.ssh/nowhere"), "ssh key", "does not exist"),
        (("type: local", "type: locl"), "schema", "did you mean 'local'?"),
        (("cluster_name: heliostat", "cluster_name: ../../etc/x y"), "schema", "letters, digits"),
        (('"~/heliostat": "."', '"~/heliostat": "./nowhere"'), "files sent", "./nowhere"),
        (('"~/heliostat": "."', '"~/heliostat": "~nobody-here/x"'), "files sent", "~nobody-here/x"),
        (("~/.ssh/id_ed25519", "~nobody-here/key"), "ssh key", "does not exist"),
        (('"~/.ray/auth_token":', '"/etc/token":'), "token sent", "to /etc/token, where Ray does"),
        ((BASHRC, BASHRC.replace("RAY_AUTH", "A=1 #RAY_AUTH")), "token mode", "not set"),
        ((HEAD_START, f"'export {V1} # {START}'"), "head start", "no ray start"),
        ((HEAD_START, f"echo {START}x"), "head start", "no ray start"),
        ((HEAD_START, HEAD_START.replace(" --head", "")), "head start", "without --head"),
        ((" --autoscaling-config=~/ray_bootstrap_config.yaml", ""), "head start", "no worker"),
        ((HEAD_START, f'{HEAD_START} "'), "head start", "No closing quotation"),
        ((HEAD_START, f"export {V1}\n  - {START}"), "autoscaler", "never starts workers"),
        ((HEAD_START, f"{V1}; {START}"), "autoscaler", "never starts workers"),
        ((WORKER_START, "sleep 1"), "worker start", "no ray start"),
        ((WORKER_START, "ray start --head"), "worker start", "without --address"),
        (("--port=6379", "--port=6380"), "worker start", "port 6379, the head listens at 6380"),
        ((WORKER_START, "ray start --address=$RAY_HEAD_IP"), "worker start", "no port"),
    ],
)
def test_a_mistake_in_the_file_is_the_one_step_that_fails(
    home: Path, change: tuple[str, str], step: str, said: str
) -> None:
    found = steps(home, change)
    assert failed(found) == [step]
    assert said in found[step].found
    assert found[step].mend


@pytest.mark.parametrize(
    "change",
    [
        (HEAD_START, f"ulimit -n 65536; export {V1} && {START}"),
        (HEAD_START, f"env {V1} ~/venv/bin/{START}"),
        (HEAD_START, f"bash -lc '{V1} {START}'"),
        (HEAD_START, f"{V1} {START.replace('--port=6379', '--port 6379')}"),
        (HEAD_START, f"{V1} {START.replace(' --port=6379', '')}"),
        (WORKER_START, "ray start --address ${RAY_HEAD_IP}:6379 --num-cpus 4"),
        (WORKER_START, "ray start --address=$RAY_HEAD_IP:$PORT"),
        (WORKER_LINE, "|\n    nohup ray start \\\n      --address='$RAY_HEAD_IP:6379' &"),
        ('"~/.ray/auth_token":', '"/home/ubuntu/.ray/auth_token":'),
        ("cluster_name: heliostat", "cluster_name: our-lab_2.b"),
    ],
)  # fmt: skip
def test_other_ways_to_write_the_same_are_ready(home: Path, change: tuple[str, str]) -> None:
    assert failed(steps(home, change)) == []


def test_a_token_at_another_place_is_found_by_the_variable_that_names_it(home: Path) -> None:
    found = steps(
        home,
        ('"~/.ray/auth_token":', '"/etc/token":'),
        ("RAY_AUTH_MODE=token", "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=/etc/token"),
    )
    assert failed(found) == []


def test_start_commands_that_are_left_out_are_those_of_ray(home: Path) -> None:
    text = (ROOT / "cluster.yaml").read_text()
    worker = text[text.index("worker_start_ray_commands:") :]
    assert failed(steps(home, (worker, ""))) == []
    assert failed(steps(home, (worker, ""), ("--port=6379", "--port=6380"))) == ["worker start"]


def test_the_providers_are_those_of_the_ray_that_is_installed() -> None:
    import ast
    import importlib.util

    spec = importlib.util.find_spec("ray")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).parent / "autoscaler" / "_private" / "providers.py"
    (known,) = [
        ast.unparse(node.value)
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_NODE_PROVIDERS"
    ]
    names = [key.value for key in ast.parse(known, mode="eval").body.keys]  # type: ignore[attr-defined]
    assert sorted(PROVIDERS) == sorted(names)


def test_a_key_that_others_can_read_fails(home: Path) -> None:
    (home / ".ssh" / "id_ed25519").chmod(0o640)
    found = steps(home)
    assert failed(found) == ["ssh key"]
    assert "640" in found["ssh key"].found
    assert "chmod 600" in found["ssh key"].mend


@pytest.mark.parametrize("text", [None, "  \n"])
def test_a_missing_or_empty_token_fails(home: Path, text: str | None) -> None:
    token = home / ".ray" / "auth_token"
    token.unlink()
    if text is not None:
        token.write_text(text)
    found = steps(home)
    assert failed(found) == ["token"]
    assert found["token"].mend == "ray get-auth-token --generate"


def test_missing_tools_are_named_with_their_packages(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda tool, path=None: None)
    found = steps(home)
    assert failed(found) == ["ssh here", "rsync here", "ray here"]
    assert "apt-get install rsync" in found["rsync here"].mend


def test_the_launchers_state_of_other_machines_fails(home: Path) -> None:
    state = home / "ray" / "cluster-heliostat.state"
    state.parent.mkdir()
    state.write_text(json.dumps({"10.0.0.2": {}, "10.0.0.3": {}}))
    assert failed(steps(home)) == []
    state.write_text(json.dumps({"192.168.1.1": {}}))
    found = steps(home)
    assert failed(found) == ["launcher state"]
    assert found["launcher state"].mend == f"rm {state}"


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        ({"reached": False, "error": "Permission denied"}, "ssh", "Permission denied"),
        ({"python": ()}, "python", "none"),
        ({"free_bytes": 1 << 30}, "disk", "1.1 GB"),
        ({"rsync": False}, "rsync", "missing"),
        ({"registers_as": "127.0.0.1"}, "address", "127.0.0.1"),
    ],
)
def test_what_a_node_lacks_is_said_for_each_node(
    home: Path, change: dict[str, Any], step: str, said: str
) -> None:
    found = steps(home, node=Node(**{**WELL.__dict__, **change}))
    assert failed(found) == [f"10.0.0.2 {step}", f"10.0.0.3 {step}"]
    assert said in found[f"10.0.0.2 {step}"].found


def test_nodes_with_different_pythons_fail(home: Path) -> None:
    path = home / "cluster.yaml"
    path.write_text((ROOT / "cluster.yaml").read_text())
    versions = {"10.0.0.2": (3, 11, 7), "10.0.0.3": (3, 12, 1)}

    def ask(file: Any, address: str) -> Node:
        return Node(**{**WELL.__dict__, "address": address, "python": versions[address]})

    found = {step.name: step for step in check(path, ask)}
    assert failed(found) == ["same python"]
    assert "10.0.0.3: 3.12" in found["same python"].found


def test_a_cloud_has_no_addresses_to_ask_and_keeps_keys_of_its_own(home: Path) -> None:
    def never(file: Any, address: str) -> Node:
        raise AssertionError("asked a node")

    path = home / "cluster.yaml"
    text = (ROOT / "cluster.yaml").read_text()
    for old, new in (
        ("type: local", "type: aws\n  region: eu-central-1\n  vpc_of_ours: 3"),
        ("  head_ip: 10.0.0.2 # edit\n  worker_ips: [10.0.0.3] # edit\n", ""),
        ("RAY_enable_autoscaler_v2=0 ", ""),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    found = {step.name: step for step in check(path, never)}
    assert failed(found) == []
    assert "autoscaler" not in found
    assert "skipped" in found["nodes"].found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "no YAML in line"),
        ("- a\n- b", "holds a list"),
        ("!!python/object/apply:os.getpid []", "no YAML"),
        (None, "cannot read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_failed_step(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "cluster.yaml"
    if text is not None:
        path.write_text(text)
    (step,) = check(path)
    assert not step.ok
    assert said in step.found
    with pytest.raises(ClusterError):
        read(path)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just([]), st.just({"a": [1]}),
    st.lists(st.text("a~#'\"\\ ;&|\n=$\0", max_size=9), max_size=2),
    st.dictionaries(st.text(max_size=3), st.text("~x/\0", max_size=4), max_size=2),
)  # fmt: skip


@cache
def example_file() -> dict[Any, Any]:
    """Return the example's content; reading YAML takes longer than checking it."""
    import yaml

    content: dict[Any, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return content


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_gives_steps_and_no_exception(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    import yaml

    place = values = copy.deepcopy(example_file())
    if data.draw(st.booleans()):
        place = values[data.draw(st.sampled_from(["provider", "auth"]))]
    key = data.draw(st.sampled_from([*place, 7]))
    odd = data.draw(ODD)
    place[key] = odd
    path = tmp_path_factory.getbasetemp() / "odd.yaml"
    path.write_text(yaml.safe_dump(values))
    found = list(check(path, lambda file, address: Node(address, False, "ssh", "not asked")))
    assert all(isinstance(step, Step) and step.found for step in found)


def test_ssh_never_asks_and_uses_the_files_user_key_and_proxy(home: Path) -> None:
    path = home / "cluster.yaml"
    text = (ROOT / "cluster.yaml").read_text()
    path.write_text(text.replace("auth:", "auth:\n  ssh_proxy_command: ssh -W %h:%p gate"))
    command = ssh_command(read(path), "10.0.0.3")
    assert "BatchMode=yes" in command
    assert "ProxyCommand=ssh -W %h:%p gate" in command
    assert command[command.index("-i") + 1] == str(home / ".ssh" / "id_ed25519")
    assert command[-1] == "ubuntu@10.0.0.3"
    assert interpreter(read(path)) == "python3.11"


def test_what_a_node_says_of_itself_is_understood() -> None:
    said = "python 3.12.4 /opt/py/bin/python\naddress 10.0.0.3\ndisk 1048576\nrsync yes\nend\n"
    node = described("10.0.0.3", said)
    assert node.python == (3, 12, 4)
    assert (node.free_bytes, node.rsync, node.registers_as) == (1 << 30, True, "10.0.0.3")
    bare = described("10.0.0.3", "disk \nend\n")
    assert (bare.python, bare.free_bytes, bare.rsync) == ((), 0, False)


def test_the_command_exits_6_without_a_traceback_and_its_json_has_every_step(cli: Any) -> None:
    text = (ROOT / "cluster.yaml").read_text().replace("10.0.0.2", "256.0.0.1")
    (cli.folder / "cluster.yaml").write_text(text.replace("[10.0.0.3]", "[]"))
    done = cli("cluster", "check", "cluster.yaml", "--json", HOME=str(cli.folder))
    assert done.returncode == 6
    assert "Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert said["ready"] is False
    wrong = {step["name"]: step for step in said["steps"] if not step["ok"]}
    assert {"ssh key", "token", "256.0.0.1 ssh"} <= set(wrong)
    assert all(step["mend"] for step in wrong.values())
    missing = cli("cluster", "check", "nowhere.yaml")
    assert missing.returncode == 6
    assert "cannot read nowhere.yaml" in missing.stdout


def test_the_kubernetes_example_has_the_ray_that_is_tested() -> None:
    import yaml

    pins = (ROOT / "constraints.txt").read_text().split()
    (version,) = [pin.removeprefix("ray==") for pin in pins if pin.startswith("ray==")]
    folder = ROOT / "examples" / "clusters" / "kuberay"
    job, claim = yaml.safe_load_all((folder / "rayjob.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == version
    assert f"rayproject/ray:{version}-" in (folder / "Dockerfile").read_text()
    volumes = cluster["headGroupSpec"]["template"]["spec"]["volumes"]
    assert volumes[0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    nodes = 1 + sum(group["replicas"] for group in cluster["workerGroupSpecs"])
    assert f"--min-nodes {nodes} " in job["spec"]["entrypoint"]
    assert (folder / "rayjob.yaml").read_text().startswith("# NOT RUN")


def test_the_image_takes_nothing_along_that_git_leaves_out() -> None:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    # docker's patterns begin at the top and name folders without a slash at the end
    wanted = {f"**/{line.rstrip('/')}" for line in lines if line and not line.startswith("#")}
    left_out = set((ROOT / ".dockerignore").read_text().splitlines())
    assert {"**/.venv", "**/runs"} < wanted
    assert sorted({*wanted, ".git"} - left_out) == []
    assert not [line for line in left_out if line.startswith("!")]
    image = ROOT / "examples" / "clusters" / "kuberay" / "Dockerfile"
    assert "COPY --chown=ray . " in image.read_text()


def test_what_a_job_sends_along_is_what_the_wheel_has() -> None:
    import tomllib

    import yaml

    sent = yaml.safe_load((ROOT / "examples" / "jobs" / "runtime-env.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sent["py_modules"] == wheel


@pytest.mark.parametrize("mounts", [{"": "~\x00"}, {"/here": "~nobody\x00/x"}])
def test_a_nul_in_a_place_is_no_exception(tmp_path: Path, mounts: dict[str, str]) -> None:
    import yaml

    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(example_file() | {"file_mounts": mounts}))
    found = list(check(path, lambda file, address: Node(address, False, "ssh", "not asked")))
    assert all(step.found for step in found)
