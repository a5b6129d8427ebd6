"""`heliostat networks`: what it lists, what it writes, and what it refuses; budgets of a real run.

The search itself is replaced: it leaves a small supernet of random weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from in_process import InProcess
from pnag_outcomes import TEXTS, outcome
from pnag_problems import left_networks
from safetensors.torch import load_file

from heliostat.errors import ConfigError, DataError, StoreError
from heliostat_methods.pnag import search as steps
from heliostat_methods.pnag.commands import exporting
from heliostat_methods.pnag.commands.exporting import exported
from heliostat_methods.pnag.commands.saved_networks import found_networks
from heliostat_methods.pnag.comparison.outcome import Outcome

RUN = ("run", "pnag", "--preset", "smoke", "--workers", "serial", "--no-report")


def ended(folder: Path, made: Outcome) -> InProcess:
    """A finished run of that outcome, with its networks where it has trained any."""

    def search(config: Any, run: Any) -> Any:
        if made.dataset:
            run.save("networks", left_networks(made.front), kind="model")
        return made.plain()

    here = InProcess(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "search", search)
        done = here(*RUN)
    assert done.returncode == 0, done.stderr
    return here


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    yield ended(tmp_path_factory.mktemp("trained"), outcome())


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    made = outcome(dataset="", images=[], retrained=[], losses=[], rank_correlation=None)
    yield ended(tmp_path_factory.mktemp("known"), made)


@pytest.fixture
def export(trained: InProcess) -> Callable[..., Any]:
    return lambda *words: trained("networks", "export", "last", *words)


def test_networks_are_listed_by_rising_cost(trained: InProcess) -> None:
    done = trained("networks", "list", "last")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "4 networks by rising MAdds:"
    assert [line for line in lines if line in TEXTS] == list(TEXTS)
    assert lines[2] == "  250k MAdds, 3k params; 80.0 % on validation images, 79.0 % on test"
    rows = trained.json("networks", "list", "last")
    assert [row["architecture"] for row in rows] == list(TEXTS)
    assert rows[1]["costs"] == {"madds": 5e5, "params": 3001.0}


@pytest.mark.parametrize("form", ["safetensors", "torchscript", "onnx"])
def test_a_network_is_written_read_back_and_compared(
    export: Callable[..., Any], tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"network.{form}"
    done = export("--budget", "600k", "--format", form, "-o", str(file))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{file}: {file.stat().st_size:,} bytes"
    assert lines[1] == f"network: {TEXTS[1]}"
    assert lines[3].startswith("read back: logits differ by at most ")
    assert float(lines[3].split()[7]) <= 1e-4
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.filterwarnings("ignore:.*torch.jit.load")
def test_what_was_written_is_the_module_of_the_run(trained: InProcess, tmp_path: Path) -> None:
    found = found_networks("last", trained.runs)
    module = found.module(found.networks[3])
    exported(found, found.networks[3], "safetensors", tmp_path / "a", False)
    exported(found, found.networks[3], "torchscript", tmp_path / "b", False)
    saved = load_file(tmp_path / "a")
    assert all(torch.equal(saved[name], values) for name, values in module.state_dict().items())
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(5))
    again = torch.jit.load(tmp_path / "b")  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(again(images).detach(), module(images).detach(), atol=1e-5)


def test_an_export_says_what_images_the_network_takes(
    trained: InProcess, export: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("--budget", "600k", "--format", "safetensors", "-o")
    said = export(*words, str(tmp_path / "a")).stdout
    assert "images: 1 x 8 x 8, float32, standardised: (pixel - 0.0) / 1.0" in said
    found = trained.json("networks", "export", "last", *words, str(tmp_path / "b"))
    assert (found["architecture"], found["file"]) == (TEXTS[1], str(tmp_path / "b"))
    assert found["image_shape"] == [1, 8, 8] and found["difference"] == 0


def test_a_network_is_taken_by_its_text(export: Callable[..., Any], tmp_path: Path) -> None:
    file = str(tmp_path / "n")
    done = export("--arch", TEXTS[2], "--format", "safetensors", "-o", file)
    assert f"network: {TEXTS[2]}" in done.stdout
    done = export("--arch", "1,1:7,0,3,0:2,0,2,0", "--format", "safetensors", "-o", file, "--force")
    assert done.returncode == 2
    assert "one of the 4 networks of the run's front" in done.stderr
    assert "heliostat networks list last" in done.stderr


def test_a_file_that_is_there_is_kept_unless_it_is_forced(
    export: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "mine"
    file.write_text("precious")
    words = ("--budget", "600k", "--format", "safetensors", "-o", str(file))
    done = export(*words)
    assert done.returncode == 2
    assert "expected a file that is not there yet; --force writes over it" in done.stderr
    assert file.read_text() == "precious"
    assert export(*words, "--force").returncode == 0
    assert len(load_file(file)) > 4


def test_a_file_that_does_not_give_the_logits_back_gets_no_name(
    trained: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_networks("last", trained.runs)
    wrong = found.module(found.networks[1])
    with torch.no_grad():
        next(wrong.parameters()).mul_(2)
    broken = exporting.Format(
        lambda module, images: exporting.weights.save(wrong),
        exporting.FORMATS["safetensors"].compare,
    )
    monkeypatch.setattr(exporting, "FORMATS", {"safetensors": broken})
    with pytest.raises(DataError, match=r"safetensors: logits differ by .* from what was written"):
        exported(found, found.networks[1], "safetensors", tmp_path / "n")
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written_are_named(trained: InProcess, tmp_path: Path) -> None:
    found = found_networks("last", trained.runs)
    network = found.networks[0]
    with pytest.raises(ConfigError, match=r"--output = .*: expected a file, and this is a folder"):
        exported(found, network, "onnx", tmp_path)
    with pytest.raises(StoreError, match=r"cannot write .*absent/n: No such file or directory"):
        exported(found, network, "safetensors", tmp_path / "absent" / "n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match=r"cannot write .*pipe: it is a FIFO"):
        exported(found, network, "safetensors", tmp_path / "pipe", force=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--budget", "600k", "--format", "onx"), "--format = 'onx'.*did you mean 'onnx'?"),
        (("--budget", "600k", "--format", "torch"), "did you mean 'torchscript'?"),
        (("--budget", "fast", "--format", "onnx"), "--budget = 'fast': expected a cost such as"),
        (("--budget", "1k", "--format", "onnx"), "expected at least 250kMAdds, the cheapest"),
        (("--budget", "12ms", "--format", "onnx"), "one of what the run measured: madds, params"),
        (("--format", "onnx"), "expected either --budget or --arch"),
        (("--budget", "1M", "--arch", TEXTS[0], "--format", "onnx"), "either --budget or --arch"),
    ],
)
def test_what_cannot_be_exported_is_named(
    export: Callable[..., Any], tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = export(*words, "-o", str(tmp_path / "n"))
    assert done.returncode == 2
    first, _, last = message.partition(".*")
    assert first in done.stderr and last in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_run_on_a_known_space_has_no_networks(known: InProcess) -> None:
    for words in (("list", "last"), ("export", "last", "--budget", "1M", "--format", "onnx",
                                     "-o", "n")):  # fmt: skip
        done = known("networks", *words)
        assert done.returncode == 2
        assert "expected a run of pnag that has trained networks" in done.stderr
        assert "a space whose results are known and trained nothing" in done.stderr
    assert "1,2:3,0,3,5" in known("show", "last", "--budget", "600k").stdout


def test_a_run_of_another_method_is_named(tmp_path: Path) -> None:
    here = InProcess(tmp_path)
    done = here("run", "count", "--workers", "serial", "--no-report")
    assert done.returncode == 0, done.stderr
    done = here("networks", "list", "last")
    assert done.returncode == 2
    assert "expected a run of pnag that has trained networks" in done.stderr
    assert "it is a run of count" in done.stderr


def test_a_run_that_was_never_made_is_named(trained: InProcess) -> None:
    done = trained("networks", "list", "nowhere")
    assert done.returncode != 0 and "nowhere" in done.stderr


# The same run through the commands that every method has


def test_budgets_are_answered_by_show(trained: InProcess) -> None:
    done = trained("show", "last", "--budget", "600k")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == TEXTS[1]
    found = trained.json("show", "last", "--budget", "1k")
    assert found["feasible"] is False and found["found"]["architecture"] == TEXTS[0]
    text = trained("show", "last", "--budget", "1k").stdout
    assert "fits the budget 1k" in text.splitlines()[0]


def test_a_report_is_drawn_from_what_was_stored(trained: InProcess) -> None:
    page = Path(trained.json("report", "last")["report"]).read_text(encoding="utf-8")
    for text in ("The front", "Any budget", "Shared weights", "data:image/svg+xml", "Settings"):
        assert text in page
