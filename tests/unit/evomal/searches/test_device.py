"""Where a search's networks are trained: `device`, without a GPU and with a pretended one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_runs import Done, drive

from heliostat import ConfigError, PartRef, Resources
from heliostat.executors.serial import SerialExecutor
from heliostat.plugins.registry import registry
from heliostat.worker import devices
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.method import SMOKE
from heliostat_methods.evomal.search import search
from heliostat_methods.evomal.searches.settings import needs

SMALL: dict[str, Any] = {
    **SMOKE,
    "population": 4,
    "tournament": 2,
    "generations": 1,
    "meta_steps": 3,
    "filter_steps": 20,
    "base_steps": 6,
    "test_steps": 4,
    "test_seeds": 2,
    "test_block": 2,
    "landscape_seeds": 0,
}
DROPOUT = {"datasets": "digits", "model": {"name": "cnn", "channels": [2], "dropout": 0.2}}


def part(kind: str, ref: PartRef) -> Any:
    spec = registry().part(kind, ref.name)
    return spec.build(spec.config.model_validate(dict(ref.params)))


def run(folder: Path, device: str, granted: list[str] | None = None, **changes: Any) -> Done:
    config = EvoMALConfig.model_validate({**SMALL, **changes, "device": device})
    told = [] if granted is None else granted
    return drive(
        lambda r: search(config, r),
        folder,
        build_part=part,
        executor=lambda side: SerialExecutor(side, on_gpu=lambda: told.append("gpu")),
    )


def standard_values(done: Done) -> list[float]:
    """Return the test metrics of the standard loss: they depend on no search."""
    (problem,) = done.result["problems"]
    values: list[float] = problem["comparison"]["losses"][0]["values"]
    return values


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "installed", tuple)


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is the CPU by another name: all that is done for a device is done."""
    monkeypatch.delenv(devices.VISIBLE, raising=False)
    monkeypatch.setattr(devices, "installed", lambda: (devices.Gpu("pretended"),))
    monkeypatch.setattr(devices, "torch_device", lambda r: "cpu:0" if r.gpus else "cpu")


@pytest.mark.parametrize("changes", [{}, DROPOUT])
@pytest.mark.usefixtures("without_gpu")
def test_auto_is_the_cpu_without_a_gpu(tmp_path: Path, changes: dict[str, Any]) -> None:
    cpu = run(tmp_path / "cpu", "cpu", **changes)
    auto = run(tmp_path / "auto", "auto", **changes)
    assert (auto.digest, auto.result) == (cpu.digest, cpu.result)


@pytest.mark.usefixtures("without_gpu")
def test_cuda_is_refused_without_a_gpu_before_anything_is_computed(tmp_path: Path) -> None:
    for name, changes in (("search", {}), ("study", {"study": STUDY})):
        with pytest.raises(ConfigError) as caught:
            run(tmp_path / name, "cuda", **changes)
        assert (caught.value.field, caught.value.got) == ("device", "cuda")
        assert "'cpu' or 'auto'" in str(caught.value)
        assert "gpus=0 in one process" in str(caught.value)
        resumed = drive(lambda r: None, tmp_path / name)
        assert resumed.stored == []


STUDY = {"datasets": ["diabetes"], "models": ["linear"], "baselines": ["none"]}


@pytest.mark.usefixtures("pretended_gpu")
def test_auto_takes_the_gpu_and_draws_what_the_cpu_draws(tmp_path: Path) -> None:
    granted: list[str] = []
    cpu = run(tmp_path / "cpu", "cpu", granted, reject="off", **DROPOUT)
    assert not granted
    auto = run(tmp_path / "auto", "auto", granted, reject="off", **DROPOUT)
    trained = [row for row in auto.stored if "describe" not in row.function]
    assert len(granted) == len(trained)
    assert standard_values(auto) == standard_values(cpu)


@pytest.mark.usefixtures("pretended_gpu")
def test_closed_forms_hold_no_gpu_unless_it_is_asked_for(tmp_path: Path) -> None:
    granted: list[str] = []
    auto = run(tmp_path / "auto", "auto", granted)
    assert not granted
    cuda = run(tmp_path / "cuda", "cuda", granted)
    assert granted
    assert standard_values(cuda) == pytest.approx(standard_values(auto), rel=1e-4)


@pytest.mark.usefixtures("pretended_gpu")
def test_a_loss_network_is_tuned_on_the_gpu_whatever_the_model(tmp_path: Path) -> None:
    granted: list[str] = []
    small = {"baseline": "ml3", "network_hidden": [3], "network_restarts": 1}
    cpu = run(tmp_path / "cpu", "cpu", **small)
    auto = run(tmp_path / "auto", "auto", granted, **small)
    assert granted
    assert auto.result["test_metric"] == pytest.approx(cpu.result["test_metric"], rel=1e-4)


@pytest.mark.parametrize(
    ("device", "baseline", "hidden", "asked"),
    [
        ("cpu", "none", None, None),
        ("cuda", "none", (8,), Resources(gpus=1)),
        ("auto", "none", None, Resources(gpus=1, or_cpu=True)),
        ("auto", "none", (8,), None),
        ("auto", "ml3", (8,), Resources(gpus=1, or_cpu=True)),
    ],
)
def test_what_a_task_asks_for_follows_from_the_device_and_the_model(
    device: str, baseline: str, hidden: Any, asked: Any
) -> None:
    config = EvoMALConfig.model_validate({"device": device, "baseline": baseline})
    rows = (np.zeros((1, 2), np.float32), np.zeros(1, np.float32))
    data = ProblemData("d", "regression", 1, (2,), PartRef("mlp"), hidden, rows, rows, rows)
    assert needs(config, (data,)) == asked


def test_another_device_is_refused_with_the_choices() -> None:
    with pytest.raises(Exception, match="'cpu', 'cuda' or 'auto'"):
        EvoMALConfig.model_validate({"device": "tpu"})
