"""Which nodes a running head knows: it is asked on its own machine, under its own token."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

ASK_SECONDS = 60
_JOINED, _REFUSED = "joined", "refused"
# as `ray submit` starts a script, in an interactive login shell: path and token are those of runs
_ASK = f"""
grep -qx gcs_server /proc/[0-9]*/comm 2>/dev/null || {{ echo end; exit 0; }}
bash --login -i -c 'source ~/.bashrc; timeout {ASK_SECONDS - 15} python -' 2>&1 <<'ask'
import ray

try:
    ray.init(address="auto", log_to_driver=False, logging_level="CRITICAL")
    alive = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]
except BaseException as error:
    lines = [line for line in str(error).splitlines() if line.strip()]
    print("\\n{_REFUSED}", type(error).__name__, *lines[:1])
else:
    print("\\n{_JOINED}", *sorted(alive))
ask
echo end
"""


@dataclass(frozen=True)
class Head:
    """A head's answer: whether Ray runs there, which nodes have joined, or why it does not say."""

    runs: bool
    joined: tuple[str, ...] = ()
    error: str = ""


def ask_head(command: Sequence[str]) -> Head:
    """Ask the head that `command` logs in to, if it runs."""
    try:
        done = subprocess.run(
            [*command, "sh -s"],
            input=_ASK,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Head(True, error=f"no answer in {ASK_SECONDS} s")
    return answered(done.stdout)


def answered(text: str) -> Head:
    """Return what the head's output means."""
    lines = [line.split() for line in text.splitlines() if line.split()]
    for first, *rest in lines:
        if first == _JOINED:
            return Head(True, joined=tuple(rest))
        if first == _REFUSED:
            return Head(True, error=" ".join(rest))
    said = [" ".join(words) for words in lines if words != ["end"]]
    return Head(bool(said), error=said[-1] if said else "")
