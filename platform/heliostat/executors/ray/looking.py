"""A process that joins a cluster to look at its nodes, once, for as long as it is asked.

As a module it is that process: each line of JSON is answered with the nodes, or why there are none.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from heliostat.errors import HeliostatError
from heliostat.executors.ray.executor import import_ray, resolved
from heliostat.executors.ray.reaching import why_unreachable


def nodes_at(address: str) -> dict[str, Any]:
    """Return {"nodes": [...]} of the cluster at an address, or {"why": a sentence}."""
    none = f"No Ray cluster answers at {address}"
    try:
        ray = import_ray()
    except HeliostatError as error:
        return {"why": str(error)}
    try:
        if not ray.is_initialized():
            where = resolved(address)
            silent = why_unreachable(where)
            if silent is not None:
                return {"why": f"{none}: {silent}."}
            ray.init(address=where, log_to_driver=False, logging_level="CRITICAL")
        return {
            "nodes": [
                {
                    "address": node["NodeManagerAddress"],
                    "alive": bool(node["Alive"]),
                    "resources": dict(node["Resources"]),
                }
                for node in ray.nodes()
            ]
        }
    except Exception as error:  # Ray raises errors of many kinds, some only of its own
        lines = [line for line in str(error).splitlines() if line.strip()]
        return {"why": f"{none}: {lines[0] if lines else type(error).__name__}"}


def answer(address: str) -> None:
    """Answer lines of standard input until there are no more."""
    from heliostat.process.output import reserve

    reserve()
    answers, sys.stdout = sys.stdout, sys.stderr  # what Ray prints is no answer
    for _ in sys.stdin:
        answers.write(json.dumps(nodes_at(address)) + "\n")
        answers.flush()


if __name__ == "__main__":
    answer(sys.argv[1])
