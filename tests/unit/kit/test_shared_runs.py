"""A run that several rules share: what it costs, and that no mistake hides in it.

The method here is one number, which is another one under the circumstances of each case.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heliostat.store.journal import FAULT_VARIABLE
from heliostat_kit.exam.command import CommandRun
from heliostat_kit.exam.exam import SET_ORDERS, Exam
from heliostat_kit.rules.methods import RULES, judge
from heliostat_kit.verdict import SORTED, Verdict

ONE_PROCESS = ("repeatable", "set-order", "threads", "kill-and-resume")
ON_RAY = ("one-worker", "two-workers")


@dataclass(frozen=True)
class Start:
    """One process: the how-manieth it is, and what it was started with."""

    number: int
    verb: str
    workers: str
    order: str
    threads: bool


class Machine(CommandRun):
    """Gives the account of a run without running anything; a killed one goes on in `resume`."""

    def __init__(self, folder: Path, differs: Callable[[Start], bool], outcomes: int = 8) -> None:
        super().__init__(folder)
        self.differs = differs
        self.outcomes = outcomes
        self.killed: list[Start] = []

    def command(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        noted: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        given = dict(environment or {})
        self.started.append(arguments)
        start = Start(
            number=len(self.started),
            verb=arguments[0],
            workers=arguments[arguments.index("--workers") + 1],
            order=given["PYTHONHASHSEED"],
            threads="NUMBA_NUM_THREADS" in given,
        )
        if FAULT_VARIABLE in given and self.outcomes > 1:
            self.killed = [start]
            return subprocess.CompletedProcess(arguments, -9, "", "")
        starts = [*self.killed, start] if start.verb == "resume" else [start]
        seed = arguments[arguments.index("--seed") + 1] if "--seed" in arguments else "1"
        account = {
            "digest": f"of seed {seed}",
            "result": int(any(self.differs(one) for one in starts)),
            "outcomes": self.outcomes,
            "starts": len(starts),
            "replayed": self.outcomes // 2 if start.verb == "resume" else 0,
        }
        return subprocess.CompletedProcess(arguments, 0, json.dumps(account), "")


def tried(
    folder: Path, rules: tuple[str, ...], differs: Callable[[Start], bool], **machine: Any
) -> tuple[dict[str, Verdict], list[str]]:
    """Return the verdicts, and the verbs and workers of what was started."""
    exam = Exam("number", folder, judged=rules)
    commands = Machine(folder, differs, **machine)
    exam.__dict__["commands"] = commands
    verdicts = judge(exam, [rule for rule in RULES if rule.name in rules])
    found = {verdict.rule: verdict for verdict in verdicts}
    started = [f"{a[0]} {a[a.index('--workers') + 1]}" for a in commands.started]
    return found, started


@pytest.mark.parametrize(
    ("rules", "processes"),
    [
        ((*ONE_PROCESS, *ON_RAY, "seed"), ["serial", "serial", "resume", "serial", "2"]),
        (ONE_PROCESS, ["serial", "serial", "resume"]),
        (("repeatable", "two-workers"), ["serial", "serial", "2"]),
        (("threads",), ["serial", "serial"]),
        (("kill-and-resume",), ["serial", "serial", "resume"]),
        (("one-worker",), ["serial", "1"]),
        (("set-order",), ["serial"] * (1 + len(SET_ORDERS))),
    ],
)
def test_rules_that_are_kept_share_their_runs(
    tmp_path: Path, rules: tuple[str, ...], processes: list[str]
) -> None:
    found, started = tried(tmp_path, rules, lambda start: False)
    assert {verdict.state for verdict in found.values()} == {"kept"}
    assert sorted(started) == sorted(
        "resume serial" if how == "resume" else f"run {how}" for how in processes
    )


SETS = "with sets in another order (PYTHONHASHSEED={})"
MISTAKES: list[tuple[str, Callable[[Start], bool], str, str]] = [
    ("full cache", lambda s: s.number > 1, "repeatable", "a second, equal run"),
    ("sets before the kill", lambda s: s.order == "3", "set-order", SETS.format(3)),
    ("sets after the kill", lambda s: s.order == "4", "set-order", SETS.format(4)),
    ("sets on Ray", lambda s: s.order == "5", "two-workers", SETS.format(5)),
    ("threads", lambda s: s.threads, "threads", "with four threads in the environment"),
    (
        "threads in one process",
        lambda s: s.threads and s.workers == "serial",
        "threads",
        "with four threads in the environment",
    ),
    (
        "threads on Ray",
        lambda s: s.threads and s.workers != "serial",
        "two-workers",
        "with 2 Ray workers, with four threads in the environment and sets in another order",
    ),
    ("second start", lambda s: s.verb == "resume", "kill-and-resume", "killed in the middle and "),
    (
        "threads of a second start",
        lambda s: s.verb == "resume" and s.threads,
        "kill-and-resume",
        "killed in the middle and resumed, with four threads in the environment and sets in other",
    ),
    ("Ray", lambda s: s.workers != "serial", "one-worker", "with 1 Ray worker:"),
    ("two workers", lambda s: s.workers == "2", "two-workers", "with 2 Ray workers:"),
]


@pytest.mark.parametrize(
    ("differs", "rule", "seen"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_circumstance_that_changes_the_result_breaks_the_rule_that_is_about_it(
    tmp_path: Path, differs: Callable[[Start], bool], rule: str, seen: str
) -> None:
    found, _ = tried(tmp_path, (*ONE_PROCESS, *ON_RAY), differs)
    broken = [verdict for verdict in found.values() if verdict.state == "broken"]
    assert [verdict.rule for verdict in broken] == [rule]
    assert broken[0].seen.startswith(seen)
    if seen.startswith("with sets"):  # whichever rule meets it, the advice is about sets
        assert broken[0].mend == SORTED
    names = list(found)
    assert {found[name].state for name in names[: names.index(rule)]} <= {"kept"}


def test_a_run_too_short_to_be_killed_is_judged_by_its_other_rules(tmp_path: Path) -> None:
    found, _ = tried(tmp_path, ONE_PROCESS, lambda start: False, outcomes=1)
    assert [found[rule].state for rule in ONE_PROCESS] == ["kept"] * 3 + ["not judged"]
    assert found["kill-and-resume"].seen == (
        "the run ended before its driver could be killed after 1 outcomes"
    )
    found, _ = tried(tmp_path, ONE_PROCESS, lambda start: start.threads, outcomes=1)
    assert found["threads"].state == "broken"
