"""Layers of two methods in an architecture search with latencies that were measured."""

from __future__ import annotations

from pathlib import Path

from in_process import InProcess

SPACE = (
    'space={name="elastic_conv", widths=[4, 6], strides=[1, 2], stem_channels=4, '
    'kernels=[3, "lutnn", "gmconv"]}'
)
LAYERS = 'layers=["lutnn", "gmconv"]'
ONE = (
    'space={name="elastic_conv", widths=[4, 6], strides=[1, 2], stem_channels=4, kernels=["lutnn"]}'
)
QUICK = ("--workers", "serial", "--no-report")


def test_a_search_takes_layer_parts_by_their_measured_latency(tmp_path: Path) -> None:
    here = InProcess(tmp_path)
    table = here(
        "latency", "build", *QUICK, "--name", "table", "-o", SPACE, "-o", LAYERS,
        *("-o", "networks=2", "-o", "rounds=1", "-o", "most_rounds=1", "-o", "repeats=1"),
    )  # fmt: skip
    assert table.returncode == 0, table.stderr
    run = ("run", "pnag", "--preset", "smoke", *QUICK, "-o", SPACE, "-o", "quantity=latency")
    done = here(*run, "-o", LAYERS, "-o", "latency=run:table")
    assert done.returncode == 0, done.stderr
    networks = here.json("networks", "list", "last")
    assert networks
    other = 'layers=[{name="lutnn", clusters=8}, "gmconv"]'
    refused = here(*run, "-o", other, "-o", "latency=run:table")
    assert refused.returncode == 2 and "layers" in refused.stderr, refused.stderr


def test_a_network_of_lookups_is_exported_as_it_is_shipped(tmp_path: Path) -> None:
    here = InProcess(tmp_path)
    run = ("run", "pnag", "--preset", "smoke", *QUICK, "-o", ONE, "-o", 'layers=["lutnn"]')
    assert here(*run).returncode == 0
    arch = here.json("networks", "list", "last")[0]["architecture"]
    export = ("networks", "export", "last", "--arch", arch)
    done = here(*export, "--format", "torchscript", "--output", str(tmp_path / "net.pt"))
    assert done.returncode == 0, done.stderr
    done = here(*export, "--format", "onnx", "--output", str(tmp_path / "net.onnx"))
    assert done.returncode == 2 and done.stdout == "", done.stdout
    assert "onnx: a layer part of the network has no such form" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "net.onnx").exists()
