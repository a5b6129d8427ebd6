"""The GPUs of this machine, those that this process may use, and torch's name for them.

Nothing here imports torch until a task that was granted a GPU asks for its device: files of the
driver and `nvidia-smi` tell what there is. GPUs are NVIDIA's; others are not looked for.

`installed` and `torch_refuses` are all that is asked of the machine. A test replaces them, by
`monkeypatch.setattr(devices, "installed", lambda: (Gpu("one"),))`, and every part of the core
believes it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from heliostat.contract.task import Resources
from heliostat.errors import ResourceError

CPU = "cpu"
NONE = "none"
VISIBLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia")
_QUERY = ("--query-gpu=name,uuid,memory.total,driver_version", "--format=csv,noheader,nounits")
_QUERY_SECONDS = 20


@dataclass(frozen=True)
class Gpu:
    """One GPU; `memory` in bytes, 0 where only `nvidia-smi` could tell and was not asked."""

    name: str
    uuid: str = ""
    memory: int = 0
    driver: str = ""


@lru_cache(maxsize=1)
def installed() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine (of this container), by the driver's files where it has any.

    They stand in the order of the bus, as CUDA counts them under CUDA_DEVICE_ORDER=PCI_BUS_ID.
    """
    return of_files(_DRIVER) or of_listing(_listing())


def with_memory() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine with their memory, which takes `nvidia-smi` a second."""
    return of_listing(_listing()) if installed() else ()


def of_files(folder: Path) -> tuple[Gpu, ...]:
    """Return what the driver's files say: `gpus/*/information` and `version` in `folder`."""
    try:
        version = (folder / "version").read_text()
        texts = [path.read_text() for path in sorted(folder.glob("gpus/*/information"))]
    except OSError:
        return ()
    number = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", version)
    driver = "" if number is None else number.group()
    found = []
    for text in texts:
        lines = (line.partition(":") for line in text.splitlines())
        said = {name.strip(): value.strip() for name, _, value in lines}
        found.append(Gpu(said.get("Model", "unknown"), said.get("GPU UUID", ""), 0, driver))
    return tuple(found)


def of_listing(text: str) -> tuple[Gpu, ...]:
    """Return what `nvidia-smi` lists: a line of name, uuid, memory in MiB and driver for each."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return tuple(
        Gpu(name, uuid, int(memory) << 20 if memory.isdigit() else 0, driver)
        for name, uuid, memory, driver in (row for row in rows if len(row) == 4)
    )


def _listing() -> str:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ""
    try:
        done = subprocess.run(
            [command, *_QUERY], capture_output=True, text=True, timeout=_QUERY_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def visible(
    variables: Mapping[str, str] | None = None, there: Sequence[Gpu] | None = None
) -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA would show a process with these variables, by default this one.

    `CUDA_VISIBLE_DEVICES` names them by number, by the beginning of a uuid, or as slices (MIG-...);
    the first name that fits none ends the list, as it does for CUDA.
    """
    gpus = installed() if there is None else there
    names = (os.environ if variables is None else variables).get(VISIBLE)
    if names is None:
        return tuple(gpus)
    found: list[Gpu] = []
    for name in (part.strip() for part in names.split(",")):
        if name.isdecimal() and int(name) < len(gpus):
            found.append(gpus[int(name)])
        elif name.startswith("MIG-") and gpus:
            found.append(Gpu(name))
        else:
            fits = [gpu for gpu in gpus if name.startswith("GPU-") and gpu.uuid.startswith(name)]
            if len(fits) != 1:
                break
            found += fits
    return tuple(found)


def torch_refuses() -> str:
    """Return why torch cannot compute on a GPU that is there, empty if it can; imports torch."""
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} was built without CUDA"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no GPU that works with its CUDA"
    return ""


def torch_device(resources: Resources) -> str:
    """Return torch's name for the device of an item with these resources: "cuda:0" or "cpu".

    Raises ResourceError where GPUs are needed and this process has none that torch can use.
    """
    if not resources.gpus:
        return CPU
    why = torch_refuses() if visible() else "no GPU in this process"
    if not why:
        return "cuda:0"
    if resources.or_cpu:
        return CPU
    raise ResourceError(str(resources), why, "heliostat doctor lists GPUs")


def summary(gpus: Sequence[Gpu]) -> str:
    """Return the GPUs in a few words, "none" without any: 2 x NVIDIA A100 (driver 550.54.15)."""
    kinds = Counter((gpu.name, gpu.driver) for gpu in gpus)
    return (
        ", ".join(
            (f"{count} x " if count > 1 else "") + name + (f" (driver {driver})" if driver else "")
            for (name, driver), count in kinds.items()
        )
        or NONE
    )
