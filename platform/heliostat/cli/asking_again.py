"""The sentence that says which failures of a run were the machine's, and how to ask them again."""

from __future__ import annotations

from collections.abc import Mapping

from heliostat.contract.commands import next_command


def asking_again(kinds: Mapping[str, int], run: str) -> str:
    """Return how many failures of each kind there are, and the command that asks them again."""
    from heliostat.values.outcome import LOST, counted

    retry = [word for kind in kinds if kind not in LOST for word in ("--retry", kind)]
    return f"{counted(kinds)}; ask again with: {next_command('resume', run, *retry)}"
