"""The page on Python is executed as it stands: in a process, and as a notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heliostat.python.arguments import NATIVE_NOTE

INTERRUPTED = """
import os, signal, threading, time

def stop():
    while not any(run.metrics() for run in heliostat.runs(method="call_price")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop).start()
try:
    heliostat.run("call_price", standard_error=1e-9, most_blocks=10**6, workers="serial")
except heliostat.Interrupted as error:
    stopped = heliostat.open(error.run)
stopped.state
"""


@pytest.fixture
def blocks(root: Path) -> list[str]:
    page = (root / "docs" / "python.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HELIOSTAT_LOAD": "heliostat_teaching.plugin",
        "HELIOSTAT_PLUGINS": "none",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter"),
    }


@pytest.mark.slow  # where nobody has compiled evomal's kernels yet
def test_the_examples_work_as_they_stand(
    blocks: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "page.py").write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").glob("[0-9]*"))) == 4
    said = done.stdout.splitlines()
    assert said[0].startswith("finished ")
    assert any(line.startswith("preset = 'smok'") for line in said)
    (table,) = (tmp_path / "runs" / "tables").iterdir()
    assert said[-1] == f"['parquet:runs/tables/{table.name}']"
    assert NATIVE_NOTE.partition("{}")[2] not in done.stderr


def outputs(cell: Any) -> dict[str, str]:
    """Return what a cell shows, by kind: its display, its result, its streams."""
    found: dict[str, str] = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            found[output.name] = found.get(output.name, "") + output.text
        else:
            found[output.output_type] = output.data["text/plain"]
            found[f"{output.output_type} html"] = output.data.get("text/html", "")
    return found


def test_a_notebook_shows_progress_in_place_a_picture_and_what_is_interrupted(
    blocks: list[str], tmp_path: Path, environment: dict[str, str], monkeypatch: Any
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    cells = [*(text for text in blocks if "evomal" not in text), "run", INTERRUPTED, "1 + 1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": tmp_path}},
    )
    client.execute()
    first, *_, shown, stopped, after = map(outputs, notebook.cells)
    assert re.fullmatch(r"run \S+-group_means-\w{4}  finished in [\d.]+ s", first["display_data"])
    assert "stderr" not in first and first["stdout"].startswith("finished ")
    assert [o.output_type for o in notebook.cells[0].outputs].count("display_data") == 1
    assert shown["execute_result"].startswith("RunHandle(")
    assert 'src="data:image/svg+xml;base64,' in shown["execute_result html"]
    assert stopped["execute_result"] == "'interrupted'"
    assert "step" in stopped["display_data"]
    assert after["execute_result"] == "2"  # the kernel lives on


def test_what_the_page_says_of_a_handle_is_there(root: Path) -> None:
    import heliostat

    page = (root / "docs" / "python.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`run\.(\w+)", page))
    public = {name for name in dir(heliostat.RunHandle) if not name.startswith("_")}
    assert named == public | {"folder"}


def test_links_lead_somewhere(root: Path) -> None:
    page = (root / "docs" / "python.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", page)
    assert links and [link for link in links if not (root / "docs" / link).exists()] == []
    assert "(python.md)" in (root / "docs" / "index.md").read_text(encoding="utf-8")
