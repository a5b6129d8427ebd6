"""GPUs: read from the machine, granted to items, told of in a run's record. None is needed here.

A test that needs GPUs pretends them, as `heliostat.worker.devices` says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive, worker_side
from in_process import InProcess

from heliostat import Resources
from heliostat.driver.summary import ON_GPU
from heliostat.errors import ResourceError
from heliostat.executors.serial import SerialExecutor
from heliostat.ops import doctor
from heliostat.worker import devices
from heliostat.worker.devices import Gpu

ONE = Gpu("NVIDIA A100", "GPU-aa11", 40 << 30, "550.54.15")
TWO = Gpu("NVIDIA A100", "GPU-bb22", 40 << 30, "550.54.15")

# The layout of these texts is that of NVIDIA's driver (README, chapter "proc interface") and of
# nvidia-smi --format=csv,noheader,nounits.
INFORMATION = """Model: \t\t NVIDIA A100
IRQ:   \t\t 48
GPU UUID: \t GPU-{}
Video BIOS: \t 92.00.36.00.01
Device Minor: \t 0
"""
VERSION = """NVRM version: NVIDIA UNIX {}  550.54.15  Tue Mar  5 22:23:56 UTC 2024
GCC version:  gcc version 11.4.0
"""
LISTING = """NVIDIA A100, GPU-aa11, 40960, 550.54.15
NVIDIA A100, GPU-bb22, [N/A], 550.54.15
"""

Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Let the core believe that this machine has these GPUs, and that torch takes them."""

    def machine(*gpus: Gpu, refuses: str = "") -> None:
        monkeypatch.delenv(devices.VISIBLE, raising=False)
        monkeypatch.setattr(devices, "installed", lambda: gpus)
        monkeypatch.setattr(devices, "with_memory", lambda: gpus)
        monkeypatch.setattr(devices, "torch_refuses", lambda: refuses)

    return machine


# --- what the machine says -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["x86_64 Kernel Module", "Open Kernel Module for x86_64"])
def test_the_drivers_files_name_each_gpu_and_the_driver(tmp_path: Path, kind: str) -> None:
    (tmp_path / "version").write_text(VERSION.format(kind))
    for bus, uuid in (("0000:41:00.0", "bb22"), ("0000:01:00.0", "aa11")):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
        (tmp_path / "gpus" / bus / "information").write_text(INFORMATION.format(uuid))
    assert devices.of_files(tmp_path) == (
        Gpu("NVIDIA A100", "GPU-aa11", 0, "550.54.15"),
        Gpu("NVIDIA A100", "GPU-bb22", 0, "550.54.15"),
    )


def test_a_machine_without_the_driver_has_no_gpu(tmp_path: Path) -> None:
    assert devices.of_files(tmp_path / "none") == ()
    assert devices.of_listing("") == ()


def test_a_listing_gives_memory_where_it_is_known() -> None:
    assert devices.of_listing(LISTING) == (ONE, Gpu("NVIDIA A100", "GPU-bb22", 0, "550.54.15"))


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (None, (ONE, TWO)),
        ("", ()),
        ("-1", ()),
        ("1", (TWO,)),
        ("1,0", (TWO, ONE)),
        ("1, 7, 0", (TWO,)),
        ("GPU-bb", (TWO,)),
        ("GPU-", ()),
        ("MIG-5,1", (Gpu("MIG-5"), TWO)),
        ("NoDevFiles", ()),
    ],
)
def test_a_process_sees_what_cuda_would_show_it(names: str | None, seen: tuple[Gpu, ...]) -> None:
    variables = {} if names is None else {devices.VISIBLE: names}
    assert devices.visible(variables, (ONE, TWO)) == seen


def test_gpus_in_a_few_words() -> None:
    assert devices.summary(()) == "none"
    assert devices.summary((ONE, TWO)) == "2 x NVIDIA A100 (driver 550.54.15)"
    assert devices.summary((ONE, Gpu("other"))) == "NVIDIA A100 (driver 550.54.15), other"


# --- the device of an item -----------------------------------------------------------------------


def test_an_item_without_gpus_is_on_the_cpu_and_loads_no_torch(
    python: Callable[..., Any], pretend: Pretend
) -> None:
    pretend(ONE)
    assert devices.torch_device(Resources()) == "cpu"
    program = (
        "import sys; from heliostat import Resources; from heliostat.worker import devices; "
        "devices.installed = lambda: (devices.Gpu('one'),); "
        "print(devices.torch_device(Resources()), 'torch' in sys.modules)"
    )
    assert python("-c", program).stdout.split() == ["cpu", "False"]


def test_an_item_with_gpus_is_on_the_first_that_its_process_sees(pretend: Pretend) -> None:
    pretend(ONE, TWO)
    assert devices.torch_device(Resources(gpus=1)) == "cuda:0"
    assert devices.torch_device(Resources(gpus=0.5, or_cpu=True)) == "cuda:0"


@pytest.mark.parametrize(("gpus", "why"), [((), "no GPU in this process"), ((ONE,), "no CUDA")])
def test_a_gpu_that_is_not_to_be_had_is_an_error_unless_the_cpu_will_do(
    pretend: Pretend, gpus: tuple[Gpu, ...], why: str
) -> None:
    pretend(*gpus, refuses="no CUDA")
    assert devices.torch_device(Resources(gpus=1, or_cpu=True)) == "cpu"
    with pytest.raises(ResourceError, match=why):
        devices.torch_device(Resources(gpus=1))


def test_torch_of_this_environment_says_why_it_takes_no_gpu() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        assert devices.torch_refuses() == ""
    else:
        assert torch.__version__ in devices.torch_refuses()


# --- in one process ------------------------------------------------------------------------------


def places(run: Any, resources: Resources) -> list[str]:
    return [o.unwrap() for o in run.map(tasks.computes_on, range(2), resources=resources)]


def test_one_process_grants_the_gpus_that_it_sees(tmp_path: Path, pretend: Pretend) -> None:
    pretend(ONE, TWO)
    done = drive(lambda run: places(run, Resources(gpus=2)), tmp_path)
    assert done.result == ["cuda:0", "cuda:0"]
    with pytest.raises(ResourceError, match=r"wanted cpus=1, gpus=3, available .*gpus=2"):
        drive(lambda run: places(run, Resources(gpus=3)), tmp_path / "more")


def test_gpus_that_the_shell_hides_are_refused(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(ONE)
    monkeypatch.setenv(devices.VISIBLE, "")
    with pytest.raises(ResourceError, match=r"gpus=0 in one process"):
        drive(lambda run: places(run, Resources(gpus=1)), tmp_path)


def test_without_a_gpu_an_item_that_may_runs_on_the_cpu_and_another_is_refused(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend()
    done = drive(lambda run: places(run, Resources(gpus=1, or_cpu=True)), tmp_path / "may")
    assert done.result == ["cpu", "cpu"]
    with pytest.raises(ResourceError, match=r"gpus=0"):
        drive(lambda run: places(run, Resources(gpus=1)), tmp_path / "must")
    with pytest.raises(ResourceError, match="cpus=9999"):
        few = Resources(cpus=9999, gpus=1, or_cpu=True)
        drive(lambda run: places(run, few), tmp_path / "cpus")


def test_resources_may_be_required_before_any_work_without_taking_a_key(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend(ONE)

    def search(run: Any) -> Any:
        run.require(Resources(gpus=1))
        return run.map(tasks.draw, range(2))

    plain = drive(lambda run: run.map(tasks.draw, range(2)), tmp_path / "plain")
    assert drive(search, tmp_path / "required").digest == plain.digest
    pretend()
    with pytest.raises(ResourceError):
        drive(search, tmp_path / "refused")


def test_where_an_item_ran_is_told_before_its_reply_is_handed_over(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend(ONE)
    order: list[str] = []

    class Told(SerialExecutor):
        def wait(self, *how: Any) -> Any:
            replies = super().wait(*how)
            order.extend("reply" for _ in replies)
            return replies

    executor = Told(worker_side(tmp_path, 0), on_gpu=lambda: order.append("gpu"))
    drive(lambda run: places(run, Resources(gpus=1)), tmp_path, executor=executor)
    assert order[:2] == ["gpu", "reply"]


# --- in a run's record ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpus", "or_cpu", "label"),
    [((ONE,), "false", [ON_GPU]), ((ONE,), "true", [ON_GPU]), ((), "true", [])],
)
def test_a_run_is_labelled_when_items_had_a_gpu(
    tmp_path: Path, pretend: Pretend, gpus: tuple[Gpu, ...], or_cpu: str, label: list[str]
) -> None:
    pretend(*gpus)
    cli = InProcess(tmp_path)
    account = cli.json("run", "uses_a_gpu", "--workers", "serial", "--set", f"or_cpu={or_cpu}")
    assert account["result"] == ["cuda:0" if gpus else "cpu"] * 3
    assert account["labels"] == label
    assert cli.json("show", "last")["labels"] == label
    assert account["environment"].get("gpu") == (devices.summary(gpus) if gpus else None)


def test_a_run_that_leaves_its_gpu_alone_has_no_label(tmp_path: Path, pretend: Pretend) -> None:
    pretend(ONE)
    account = InProcess(tmp_path).json("run", "count", "--workers", "serial")
    assert account["labels"] == []


# --- doctor --------------------------------------------------------------------------------------


def test_doctor_lists_gpus_with_memory_and_driver(pretend: Pretend) -> None:
    pretend(ONE, TWO)
    (found,) = (f for f in doctor.examine({}) if f.name == "GPUs")
    assert found.state == "ok"
    assert found.found == "NVIDIA A100 with 43 GB, NVIDIA A100 with 43 GB; driver 550.54.15"


def test_doctor_says_none_without_one(pretend: Pretend) -> None:
    pretend()
    (found,) = (f for f in doctor.examine({}) if f.name == "GPUs")
    assert (found.state, found.found) == ("ok", "none; tasks use the CPU")


def test_doctor_tells_of_a_gpu_that_no_task_will_get(pretend: Pretend) -> None:
    pretend(ONE, TWO, refuses="torch 1 was built without CUDA")
    built = doctor.gpus((ONE, TWO), {})
    assert built.state == "warning"
    assert "torch 1 was built without CUDA" in built.found
    assert "install torch for CUDA" in built.mend
    hidden = doctor.gpus((ONE, TWO), {devices.VISIBLE: ""})
    assert hidden.state == "warning"
    assert "leaves 0" in hidden.found
    assert f"unset {devices.VISIBLE}" in hidden.mend
    pretend(ONE, TWO)
    some = doctor.gpus((ONE, TWO), {devices.VISIBLE: "1"})
    assert (some.state, "leaves 1" in some.found) == ("ok", True)
