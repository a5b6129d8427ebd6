"""The nodes of a Ray cluster, asked for through a process of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.amounts import size
from heliostat.ui.child_process import ChildFailed, ChildProcess
from heliostat.ui.frame import name_of, page
from heliostat.ui.markup import Html, element

SECONDS = 40.0
"""How long a cluster may take to answer: the process joins it first."""
KEPT_SECONDS = 5.0


class Nodes:
    """What a cluster at an address says of its nodes; an answer holds for some seconds."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._child = ChildProcess("heliostat.executors.ray.looking", SECONDS, address)
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any]] | None = None

    def page(self) -> str:
        """Return the page, with a sentence for a cluster that is not there."""
        with self._lock:
            now = time.monotonic()
            if self._known is None or now > self._known[0] + KEPT_SECONDS:
                try:
                    answer = self._child.ask("nodes")
                except ChildFailed as error:
                    answer = {"why": f"No Ray cluster answers at {self.address}: {error}"}
                self._known = time.monotonic(), answer if isinstance(answer, dict) else {}
            return nodes_page(self.address, self._known[1])

    def close(self) -> None:
        """Leave the cluster."""
        self._child.close()


def nodes_page(address: str, answer: Mapping[str, Any]) -> str:
    """Return the page of an answer: `nodes`, or `why` there are none."""
    head = element("header", element("h1", "Nodes of Ray"), element("p", "at ", name_of(address)))
    nodes = answer.get("nodes")
    if not isinstance(nodes, list):
        why = answer.get("why") or "The cluster did not answer as expected."
        return page("Nodes", head, element("p", why), trail=" / nodes")
    alive = sum(node.get("alive") is True for node in nodes)
    count = f"{alive} of {len(nodes)} nodes are alive."
    return page("Nodes", head, element("p", count), _table(nodes), trail=" / nodes", wide=True)


def _table(nodes: Sequence[Mapping[str, Any]]) -> Html:
    names = ("node", "state", "CPUs", "GPUs", "memory", "object store", "other")
    heads = [element("th", name, scope="col") for name in names]
    return element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *[_line(node, names) for node in nodes]),
        class_="runs",
    )


def _line(node: Mapping[str, Any], names: Sequence[str]) -> Html:
    has = node.get("resources")
    has = dict(has) if isinstance(has, Mapping) else {}
    memory, store = has.pop("memory", None), has.pop("object_store_memory", None)
    values = (
        node.get("address", "–"),
        "alive" if node.get("alive") is True else "dead",
        _number(has.pop("CPU", None)),
        _number(has.pop("GPU", None)),
        _bytes(memory),
        _bytes(store),
        ", ".join(f"{k} {_number(v)}" for k, v in has.items() if not k.startswith("node:")) or "–",
    )
    cells = [
        element("td", value, data_label=name) for name, value in zip(names, values, strict=True)
    ]
    return element("tr", *cells)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "–"


def _bytes(value: object) -> str:
    return size(int(value)) if isinstance(value, int | float) and value >= 0 else "–"
