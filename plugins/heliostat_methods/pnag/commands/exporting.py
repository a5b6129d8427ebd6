"""A network as a file: written whole or not at all, read back and compared first."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from heliostat.contract import regular_file
from heliostat.errors import ConfigError, DataError, StoreError, did_you_mean
from heliostat_methods.pnag.found.networks import FoundNetwork, FoundNetworks
from heliostat_methods.pnag.supernet import weights
from heliostat_methods.pnag.supernet.exporting import (
    TOLERANCE,
    check_onnx,
    check_torchscript,
    to_onnx,
    to_torchscript,
)
from heliostat_methods.pnag.supernet.part_cost import as_shipped

IMAGES = 2
"""Images that a file is compared on."""


@dataclass(frozen=True)
class Format:
    """How a module becomes bytes, and how bytes are compared with it: relative difference."""

    write: Callable[[nn.Module, Tensor], bytes]
    compare: Callable[[bytes, nn.Module, Tensor], float]


def exported(
    found: FoundNetworks, network: FoundNetwork, form: str, path: Path, force: bool = False
) -> float:
    """Write a network and return the largest difference of the file's logits from the module's.

    Relative to the greatest logit, on random images. Raises ConfigError for an unknown format and a
    file that is there already unless `force`, DataError for one that does not give the logits back,
    StoreError for one that cannot be written.
    """
    kind = format_of(form)
    _check_place(path, force)
    module = found.module(network).eval()
    images = torch.randn(
        IMAGES, *found.layout.input_shape, generator=torch.Generator().manual_seed(0)
    )
    data = _written(kind, form, module, images)
    return _placed(path, data, force, lambda read: kind.compare(read, module, images))


def _written(kind: Format, form: str, module: nn.Module, images: Tensor) -> bytes:
    """Return a module in a format; DataError where its layer parts have no such form."""
    if form == "safetensors" or not any(hasattr(one, "shipped") for one in module.modules()):
        return kind.write(module, images)
    try:
        with redirect_stdout(io.StringIO()):  # torch prints a graph that it cannot write
            return kind.write(as_shipped(module), images)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise DataError(
            f"{form}: a layer part of the network has no such form ({why}); safetensors holds its "
            "numbers"
        ) from error


def format_of(form: str) -> Format:
    """Return a format by its name; ConfigError names the nearest."""
    if form not in FORMATS:
        raise ConfigError("--format", form, "a format of files", did_you_mean(form, FORMATS))
    return FORMATS[form]


def _weights(module: nn.Module, images: Tensor) -> bytes:
    return weights.save(module)


def _compare_weights(data: bytes, module: nn.Module, images: Tensor) -> float:
    """Return the difference after the weights are read into a copy that has lost its own."""
    import copy

    again = copy.deepcopy(module)
    with torch.no_grad():
        for values in (*again.parameters(), *again.buffers()):
            values.zero_()
        weights.load(again, data)
        wanted, got = module(images), again(images)
    apart = float((got - wanted).abs().max() / wanted.abs().max().clamp(min=1.0))
    if not apart <= TOLERANCE:
        raise DataError(f"safetensors: logits differ by {apart:.2g} from what was written")
    return apart


FORMATS: Mapping[str, Format] = {
    "safetensors": Format(_weights, _compare_weights),
    "torchscript": Format(to_torchscript, check_torchscript),
    "onnx": Format(to_onnx, check_onnx),
}


def _check_place(path: Path, force: bool) -> None:
    try:
        if path.is_dir():
            raise ConfigError("--output", str(path), "a file, and this is a folder")
        if os.path.lexists(path):
            if not force:
                raise ConfigError("--output", str(path), "a file that is not there yet",
                                  "--force writes over it")  # fmt: skip
            regular_file(path)
    except OSError as error:
        raise _unwritten(path, error) from error


def _placed(path: Path, data: bytes, force: bool, compare: Callable[[bytes], float]) -> float:
    """Write a file under another name, compare what is read back, then give it its name."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        apart = compare(partial.read_bytes())
        if force:
            os.replace(partial, path)
        else:
            os.link(partial, path)  # unlike a replace it fails where a file has come meanwhile
        return apart
    except FileExistsError as error:
        raise StoreError(f"cannot write {path}: it is there by now") from error
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _unwritten(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path}: {error.strerror}")
