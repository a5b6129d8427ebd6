"""Run the tests of this folder in namespaces: `make test-cluster`.

Ends with 77 and the reason where that is not possible; with --or-say-why it ends with 0 then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hosts


def main(arguments: list[str]) -> int:
    """Check what is needed, then start again as the first process of fresh namespaces."""
    say_why = "--or-say-why" in arguments
    chosen = [a for a in arguments if a != "--or-say-why"]
    reason = hosts.why_not()
    if reason:
        print(f"tests/cluster NOT RUN (two hosts over ssh): {reason}", file=sys.stderr)
        return 0 if say_why else 77
    inner = [sys.executable, __file__, "--inside", *chosen]
    # in this process's place: what ends it ends everything
    os.execvp("unshare", ["unshare", *hosts.NAMESPACES, *inner])


def inside(arguments: list[str]) -> int:
    """Be the client's machine: run pytest with a home and /tmp that nobody else sees."""
    os.environ[hosts.MARK] = "1"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    hosts.privatize("client")
    hosts.make_network()
    named = any(not argument.startswith("-") for argument in arguments)
    tests = [*arguments, *([] if named else [str(Path(__file__).parent)])]
    options = ["-q", "-p", "no:cacheprovider", "--timeout=280"]
    os.chdir(hosts.ROOT)
    return hosts.as_first_process([sys.executable, "-m", "pytest", *options, *tests])


if __name__ == "__main__":
    begin = sys.argv[1:2] == ["--inside"]
    sys.exit(inside(sys.argv[2:]) if begin else main(sys.argv[1:]))
