"""NAS-Bench-Graph: graph neural networks trained on nine graphs (Qin et al. 2022).

Read from the package `nas-bench-graph` 1.4.0 (Apache-2.0), which holds its tables: installed, as a
wheel, or as a folder. Accuracy, test accuracy and latency (seconds) of 26,206 networks of a graph,
2,021 of "proteins".
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError, did_you_mean
from heliostat_methods.pnag.spaces.graph_isomorphism import LINKS, canonical_codes
from heliostat_methods.pnag.spaces.restricted_unpickler import read_numbers
from heliostat_methods.pnag.spaces.space import Decision
from heliostat_methods.pnag.spaces.tabular import TabularSpace

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
PROTEIN_OPERATIONS = ("gcn", "sage", "arma", "fc", "skip")
DATASETS = (
    "cora",
    "citeseer",
    "pubmed",
    "cs",
    "physics",
    "photo",
    "computers",
    "arxiv",
    "proteins",
)
COLUMNS = ("valid_perf", "perf", "latency")
LARGEST_FILE = 64 * 2**20
"""Bytes; the package's own files have 2 million."""


def nas_bench_graph(dataset: str, path: str | None = None) -> TabularSpace:
    """Return the space of a graph; `path`: the package's wheel or folder instead of the installed.

    Raises ConfigError for an unknown graph or a path without tables, DataError for a table that
    is damaged or not of that package.
    """
    if dataset not in DATASETS:
        raise ConfigError("dataset", dataset, "a graph", did_you_mean(dataset, DATASETS))
    source, content = _content(f"{dataset}.bench", path)
    return read_table(content, dataset, source)


def read_table(content: bytes, dataset: str, source: str) -> TabularSpace:
    """Return the space that a table's bytes describe; DataError names `source`."""
    operations = PROTEIN_OPERATIONS if dataset == "proteins" else OPERATIONS
    canonical = canonical_codes(len(operations))
    codes = np.unique(canonical[canonical >= 0])
    digits = "".join(str(OPERATIONS.index(name)) for name in operations)
    values = _values(read_numbers(content, source), _keys(codes, digits), source)
    return TabularSpace(
        name=f"nas_bench_graph({dataset})",
        decisions=_decisions(operations),
        quantity="latency",
        digits=("012345678", *(digits,) * 4),
        canonical_codes=canonical,
        codes=codes,
        accuracies=values[:, 0],
        test_accuracies=values[:, 1],
        costs=values[:, 2],
    )


def _decisions(operations: tuple[str, ...]) -> tuple[Decision, ...]:
    links = tuple("".join(map(str, link)) for link in LINKS)
    nodes = (Decision(f"op{node}", "op", operations) for node in range(1, 5))
    return Decision("link", "link", links), *nodes


def _keys(codes: NDArray[np.int64], digits: str) -> list[int]:
    """Return the package's keys: decimal digits link, then operations of the full list."""
    link, *ops = np.unravel_index(codes, (len(LINKS), *(len(digits),) * 4))
    known = np.array([int(digit) for digit in digits])
    keys = link
    for op in ops:
        keys = keys * 10 + known[op]
    return [int(key) for key in keys]


def _values(table: object, keys: list[int], source: str) -> NDArray[np.float64]:
    if not isinstance(table, dict) or len(table) != len(keys):
        raise DataError(f"{source} holds no table of {len(keys):,} architectures")
    try:
        rows = [[table[key][column] for column in COLUMNS] for key in keys]
        values = np.array(rows, dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{source} lacks what is known of architecture or column {error}") from None
    accuracies, latencies = values[:, :2], values[:, 2]
    if not (np.all((accuracies >= 0) & (accuracies <= 1)) and np.all(np.isfinite(values))):
        raise DataError(f"{source} holds accuracies that are not between 0 and 1")
    if not np.all(latencies > 0):
        raise DataError(f"{source} holds latencies that are not above 0")
    return values


def _content(file: str, path: str | None) -> tuple[str, bytes]:
    """Return where a table was found, and its bytes."""
    if path is None:
        spec = find_spec("nas_bench_graph")
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(
                "path",
                None,
                "the package's wheel or folder",
                "or install it: pip install nas-bench-graph==1.4.0",
            )
        return _of_folder(Path(next(iter(spec.submodule_search_locations))), file)
    given = Path(path).expanduser()
    if given.is_dir():
        return _of_folder(given, file)
    if given.is_file() and zipfile.is_zipfile(given):
        return _of_wheel(given, file)
    raise ConfigError("path", path, "the wheel or folder of nas-bench-graph 1.4.0")


def _of_folder(folder: Path, file: str) -> tuple[str, bytes]:
    for inside in (".", "light", "nas_bench_graph/light"):
        found = folder / inside / file
        if found.is_file():
            if found.stat().st_size > LARGEST_FILE:
                raise DataError(f"{found} is larger than any table of nas-bench-graph")
            return str(found), found.read_bytes()
    raise ConfigError("path", str(folder), f"a folder with {file}, light/{file}")


def _of_wheel(wheel: Path, file: str) -> tuple[str, bytes]:
    member = f"nas_bench_graph/light/{file}"
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise ConfigError("path", str(wheel), f"a wheel with {member}")
        if archive.getinfo(member).file_size > LARGEST_FILE:
            raise DataError(f"{member} of {wheel} is larger than any table of nas-bench-graph")
        try:
            return f"{member} of {wheel}", archive.read(member)
        except zipfile.BadZipFile:
            raise DataError(f"{member} of {wheel} is damaged") from None
