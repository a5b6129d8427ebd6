"""A network of NAS-Bench-Graph in words: what each node takes up, and what is joined at the end."""

from __future__ import annotations

import re

from heliostat_methods.pnag.spaces.graph_isomorphism import LINKS
from heliostat_methods.pnag.spaces.nas_bench_graph import OPERATIONS

_KEY = re.compile(r"[0-8]{5}")


def graph_words(space: str, key: str) -> str:
    """Return "nodes: 1 cheb of input, 2 sage of 1, ...; joined: 2, 3", "" in other spaces."""
    if not space.startswith("nas_bench_graph(") or not _KEY.fullmatch(key):
        return ""
    link = LINKS[int(key[0])]
    nodes = [
        f"{node} {OPERATIONS[int(sign)]} of {source or 'input'}"
        for node, (source, sign) in enumerate(zip(link, key[1:], strict=True), 1)
    ]
    ends = [str(node) for node in range(1, len(link) + 1) if node not in link]
    return f"nodes: {', '.join(nodes)}; joined: {', '.join(ends)}"
