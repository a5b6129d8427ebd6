"""Nodes whose CPU or libraries differ are named, because equal bits are promised on equal ones."""

import pytest

from heliostat.executors.ray.nodes import differences, survey
from heliostat.worker import devices

FIRST = {"cpu": {"model": "A", "vector": "AVX512"}, "python": "3.11.7", "versions": {"numpy": "2"}}


def test_equal_nodes_give_no_warning() -> None:
    assert differences({"10.0.0.2": FIRST, "10.0.0.3": {**FIRST}}) == []


def test_each_difference_names_both_nodes_and_what_they_have() -> None:
    other = {**FIRST, "cpu": {"model": "B", "vector": "AVX2"}, "python": "3.12.1"}
    said = differences({"10.0.0.3": other, "10.0.0.2": FIRST})
    assert len(said) == 2
    for part in ("cpu", "10.0.0.2", "10.0.0.3", "AVX512", "AVX2"):
        assert part in said[0]
    assert "3.12.1" in said[1]


def test_nodes_with_other_gpus_are_told_and_a_node_without_says_none() -> None:
    with_gpu = {**FIRST, "gpu": "2 x NVIDIA A100 (driver 550.54.15)"}
    (said,) = differences({"10.0.0.2": with_gpu, "10.0.0.3": {**FIRST, "gpu": "none"}})
    assert said == "gpu of 10.0.0.3 is none, that of 10.0.0.2 is 2 x NVIDIA A100 (driver 550.54.15)"
    assert differences({"10.0.0.2": with_gpu, "10.0.0.3": {**with_gpu}}) == []


def test_a_node_tells_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "installed", lambda: (devices.Gpu("NVIDIA A100"),))
    assert survey()["gpu"] == "NVIDIA A100"


def test_only_what_differs_is_said_variables_included() -> None:
    first = {**FIRST, "variables": {"OMP_NUM_THREADS": "1", "MKL_CBWR": "AVX2,STRICT"}}
    other = {**FIRST, "variables": {"OMP_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"}}
    (said,) = differences({"10.0.0.2": first, "10.0.0.3": other})
    assert "'MKL_CBWR': 'COMPATIBLE'" in said
    assert "'MKL_CBWR': 'AVX2,STRICT'" in said
    assert "OMP_NUM_THREADS" not in said
