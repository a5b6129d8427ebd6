"""Cluster files: what `ray up` reads, checked against the schema that comes with Ray."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat.contract.files import regular_file
from heliostat.errors import ClusterError, did_you_mean

LOCAL_ONLY = ("min_workers",)
"""Top-level keys that Ray takes for machines of one's own, though its schema lacks them."""
PROVIDERS = (
    "local", "aws", "gcp", "azure", "aliyun", "vsphere", "kuberay", "spark", "external",
    "readonly", "fake_multinode", "fake_multinode_docker",
)  # fmt: skip
"""Provider types that Ray 2.60 knows; its schema takes any text."""
PROVIDER_ONLY = ("coordinator_address", "external_head_ip")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class ClusterFile:
    """A cluster file that could be read; `problems` says what Ray would not accept."""

    path: Path
    values: dict[str, Any]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The cluster's name."""
        return str(self.values.get("cluster_name", "default"))

    @property
    def provider(self) -> dict[str, Any]:
        """What starts the machines: `type: local` for those that run already."""
        return _mapping(self.values.get("provider"))

    @property
    def auth(self) -> dict[str, Any]:
        """How ssh logs in."""
        return _mapping(self.values.get("auth"))

    @property
    def addresses(self) -> list[str]:
        """The head's address and those of the workers; empty for machines of a cloud."""
        workers = self.provider.get("worker_ips") or []
        head = self.provider.get("head_ip")
        return [str(x) for x in [head, *(workers if isinstance(workers, list) else [])] if x]

    @property
    def mounts(self) -> dict[str, str]:
        """What is sent to every node: {place there: file or folder here}."""
        mounts = _mapping(self.values.get("file_mounts"))
        return {str(target): str(source) for target, source in mounts.items()}

    def commands(self, *keys: str) -> list[str]:
        """Return the command lines of these lists; each is run by a shell of its own."""
        lists = [self.values.get(key) for key in keys]
        return [str(line) for x in lists if isinstance(x, list) for line in x]


def here(given: object) -> Path:
    """Return the place on this machine that a file names; of a user who is not here, as written."""
    try:
        return Path(os.path.expanduser(str(given)))
    except ValueError:  # a NUL in the user's name
        return Path(str(given))


def read(path: Path) -> ClusterFile:
    """Read a cluster file; raises ClusterError when it is missing or no YAML mapping."""
    yaml = _library("yaml")
    try:
        values = yaml.safe_load(regular_file(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ClusterError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where is not None else ""
        said = getattr(error, "problem", None) or str(error)
        raise ClusterError(f"{path} is no YAML{line}: {said}") from error
    if not isinstance(values, dict):
        raise ClusterError(f"{path} holds a {type(values).__name__}, expected keys and values")
    return ClusterFile(path, values, tuple(_problems(values)))


def _problems(values: dict[str, Any]) -> Iterator[str]:
    schema = _schema()
    kind, name = _mapping(values.get("provider")).get("type"), values.get("cluster_name")
    if isinstance(kind, str) and kind not in PROVIDERS:
        yield f"provider.type: Ray knows no provider {kind!r}; {did_you_mean(kind, PROVIDERS)}"
    if isinstance(name, str) and not _NAME.fullmatch(name):
        expected = "expected letters, digits, '-', '_' and '.', since files are named after it"
        yield f"cluster_name = {name!r}: {expected}"
    local = kind == "local"
    known = [*schema["properties"], *(LOCAL_ONLY if local else ())]
    yield from _unknown(values, known, "")
    for section, more in (("provider", PROVIDER_ONLY), ("auth", ())):
        names = [*schema["properties"][section]["properties"], *more]
        # clouds have keys of their own; machines of one's own have those of the schema
        if section == "auth" or local:
            yield from _unknown(_mapping(values.get(section)), names, f"{section}.")
    validator = _library("jsonschema").Draft7Validator(schema)
    for error in sorted(validator.iter_errors(values), key=lambda e: [str(p) for p in e.path]):
        if error.validator != "additionalProperties":
            where = ".".join(str(part) for part in error.absolute_path) or "the file"
            yield f"{where}: {error.message[:200]}"
    if local:
        yield from _local_problems(values)


def _local_problems(values: dict[str, Any]) -> Iterator[str]:
    provider = _mapping(values.get("provider"))
    if "coordinator_address" in provider:
        return
    head, workers = provider.get("head_ip"), provider.get("worker_ips")
    if not head:
        yield "provider.head_ip is missing: the address of the machine where runs are driven"
    if not isinstance(workers, list):
        yield f"provider.worker_ips = {workers!r}: expected a list of addresses, [] for none"
        return
    repeated = [ip for n, ip in enumerate([head, *workers]) if ip in [head, *workers][:n]]
    if repeated:
        yield f"provider: {repeated[0]} is named twice"
    wanted = values.get("max_workers", len(workers))
    if isinstance(wanted, int) and wanted < len(workers):
        yield f"max_workers = {wanted}: expected {len(workers)}, or the other workers never start"


def _unknown(values: dict[str, Any], known: list[str], prefix: str) -> Iterator[str]:
    for name in values:
        if name not in known:
            yield f"{prefix}{name} is no key that Ray knows; {did_you_mean(str(name), known)}"


def _schema() -> dict[str, Any]:
    spec = importlib.util.find_spec("ray")  # finds it without importing it
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError(_NO_RAY)
    path = Path(next(iter(spec.submodule_search_locations))) / "autoscaler" / "ray-schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


_NO_RAY = "Ray is not installed here; install it with: pip install 'ray>=2.60,<2.61'"


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:  # yaml and jsonschema come with Ray
        raise ClusterError(_NO_RAY) from error


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
