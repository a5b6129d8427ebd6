"""What tasks compute with on each node, and in what two nodes differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.contract.instructions import PORTABLE, level_text
from heliostat.worker import devices
from heliostat.worker.instructions import hold
from heliostat.worker.numerics import environment, prepare_environment


def survey(numerics: str = "") -> dict[str, Any]:
    """Return what tasks will compute with on the node that this process is on."""
    hold(numerics or None, "the run's numerics")
    prepare_environment()  # as every task does: what a shell left unset counts as its default
    return environment() | {"gpu": devices.summary(devices.installed())}


def differences(environments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each way in which a node differs from the first one.

    CPU, GPU, Python, libraries and the variables that choose the instructions of a library. Which
    CPU it is does not matter at the level `portable`.
    """
    found: list[str] = []
    nodes = list(environments)
    for node in nodes[1:]:
        levels = {environments[name].get("numerics") for name in (nodes[0], node)}
        ours = [] if levels == {level_text(PORTABLE)} else ["cpu"]
        for what in (*ours, "gpu", "python", "versions", "numerics", "variables"):
            first, other = environments[nodes[0]].get(what), environments[node].get(what)
            if isinstance(first, Mapping) and isinstance(other, Mapping):
                apart = [k for k in first if first[k] != other.get(k)]
                apart += [k for k in other if k not in first]
                first = {k: first.get(k) for k in apart}
                other = {k: other.get(k) for k in apart}
            if first != other:
                found.append(f"{what} of {node} is {other}, that of {nodes[0]} is {first}")
    return found


def cannot_run(node: str, error: BaseException) -> str:
    """Return the message for a node on which not even a survey runs."""
    text = next(line for line in reversed(str(error).splitlines()) if line.strip())
    return (
        f"node {node} cannot run Heliostat: {text.strip()}; install it there as cluster.yaml does, "
        "or send it along with a runtime environment (docs/clusters.md)"
    )
