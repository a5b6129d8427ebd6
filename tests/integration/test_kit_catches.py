"""The conformance kit finds a mistake, and `heliostat plugins check` says which one in words."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_line import CommandLine

from heliostat import testing
from heliostat_kit.rules.methods import RULES


def check(cli: CommandLine, root: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    plugin = root / "tests" / "tasks" / "bad_methods" / f"{name}.py"
    return cli("plugins", "check", str(plugin), *more, HELIOSTAT_LOAD="")


def broken(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [entry["rule"] for entry in json.loads(done.stdout)["rules"] if entry["seen"]
            and entry["state"] == "broken"]  # fmt: skip


MISTAKES = [
    (
        "global_random",
        "global-random-state",
        "task global_random:draw changed the state of numpy.random",
        "draw from ctx.rng(...)",
    ),
    (
        "forgets",
        "replay",
        "came to another result than when the run finished: was",
        "keep in run.checkpoint(...) all that it needs",
    ),
    (
        "set_order",
        "set-order",
        "with sets in another order (PYTHONHASHSEED=1): first difference at 0.",
        "loop over sorted(...)",
    ),
    (
        "lambda_task",
        "module-level-tasks",
        "a task must be a function at module level, got 'search.<locals>.<lambda>'",
        "move the lambda, method or local function to a module",
    ),
    (
        "writes_outside",
        "writes",
        "/notes.txt",
        "keep results with run.save(...), and files of the machine in ctx.cache_dir",
    ),
    (
        "failing_report",
        "report",
        "it raised KeyError: 'loss' (report, line 21 of failing_report.py)",
        "correct the method's report(view)",
    ),
    (
        "unfinished_report",
        "partial-report",
        "the report of a run that was killed in the middle raised TypeError: 'NoneType' object is "
        "not subscriptable (report, line 21 of unfinished_report.py)",
        "show what there is while view.result is None",
    ),
    (
        "unserialisable_items",
        "plain-values",
        "item 0.0 of unserialisable_items:draw: value[1] of type _thread.lock cannot be stored",
        "pass what the object is made of",
    ),
    (
        "unserialisable_values",
        "plain-values",
        "task unserialisable_values:draws, item 0.0: value of type generator cannot be stored",
        "pass what the object is made of",
    ),
    (
        "changes_shared",
        "shared-data",
        "task changes_shared:take changed shared data in place (item 0.0)",
        "work on a copy",
    ),
    (
        "remembers",
        "item-order",
        "task remembers:count, item 0.3: evaluated last to first it gives 1.",
        "look for module-level variables that a task changes",
    ),
    (
        "own_seed",
        "seed",
        "seeds 1 and 2 give the same digest",
        "draw what is random from run.rng(...) and ctx.rng(...)",
    ),
    (
        "asks_the_clock",
        "repeatable",
        "first difference at 0.0 (asks_the_clock:draw): item is",
        "look for the clock",
    ),
]


@pytest.mark.parametrize(("name", "rule", "seen", "mend"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_what_was_seen_and_how_to_mend_it(
    cli: CommandLine, root: Path, name: str, rule: str, seen: str, mend: str
) -> None:
    done = check(cli, root, name, "--only", rule)
    promise = next(r.promise for r in RULES if r.name == rule)
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"BROKEN  {rule}" in done.stdout
    assert promise in done.stdout
    (seen_line,) = [line for line in done.stdout.splitlines() if "seen: " in line]
    (mend_line,) = [line for line in done.stdout.splitlines() if "mend: " in line]
    assert seen in seen_line
    assert mend in mend_line
    assert "1 broken, 0 kept, 0 not judged" in done.stdout
    assert f"{name}.py does not conform: 1 broken" in done.stderr
    assert "Traceback" not in done.stderr


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return state and what was seen, by subject and rule."""
    assert "Traceback" not in done.stderr
    return {
        (entry["subject"].partition(",")[0], entry["rule"]): (entry["state"], entry["seen"])
        for entry in json.loads(done.stdout)["rules"]
    }


def test_a_search_may_neither_draw_globally_nor_reach_out_of_its_folder(
    cli: CommandLine, root: Path
) -> None:
    rules = ("global-random-state", "writes", "processes")
    done = check(
        cli, root, "reaches_out", "--json", *(w for rule in rules for w in ("--only", rule))
    )
    found = verdicts(done)
    drawn, written, started = (found["method reaches_out", rule] for rule in rules)
    assert drawn == ("broken", "the search changed the state of numpy.random and random")
    assert written[0] == "broken"
    names = [path.rpartition("/methods/reaches_out/")[2] for path in written[1].split(", ")]
    assert names == ["hard", "renamed", "rows.db", "runs-evil/written", "symbolic"]
    assert started[0] == "not judged"
    assert "-c pass, a copy of its own process (os.fork); what other processes" in started[1]
    assert done.returncode == 3


def test_a_set_of_two_is_found_by_the_runs_that_other_rules_make(
    cli: CommandLine, root: Path
) -> None:
    rules = ("--only", "set-order", "--only", "threads", "--only", "kill-and-resume")
    found = verdicts(check(cli, root, "two_words", "--json", *rules))
    state, seen = found["method two_words", "set-order"]
    assert state == "broken"
    assert "with sets in another order (PYTHONHASHSEED=3): first difference at 0.0" in seen
    assert found["method two_words", "threads"] == ("not judged", "mend set-order first")


SHARED = ("repeatable", "threads", "kill-and-resume")


@pytest.mark.parametrize(
    ("name", "states", "words"),
    [
        (
            "reads_threads",
            ["kept", "broken", "not judged"],
            "with four threads in the environment: first difference at 5 (reads_threads:draw): "
            "value is 4.",
        ),
        (
            "forgets",
            ["kept", "kept", "broken"],
            "killed in the middle and resumed: all outcomes are equal, but the search returns",
        ),
    ],
)
def test_a_run_that_several_rules_share_hides_none_of_their_mistakes(
    cli: CommandLine, root: Path, name: str, states: list[str], words: str
) -> None:
    done = check(cli, root, name, "--json", *(w for rule in SHARED for w in ("--only", rule)))
    found = [verdicts(done)[f"method {name}", rule] for rule in SHARED]
    assert [state for state, _ in found] == states
    assert words in next(seen for state, seen in found if state == "broken")


ENDS = {
    "leaves": "its process ended after 0 outcomes with exit code 0, and the run was not done: look "
    "for os._exit",
    "dies_at_five": "its process ended after 5 outcomes with exit code 17",
    "crashes": "SIGSEGV ended its process after 0 outcomes",
}


def test_a_process_that_ends_badly_is_told_in_words_and_the_next_method_is_judged(
    cli: CommandLine, root: Path
) -> None:
    done = check(cli, root, "ends_badly", "--json", "--only", "quick-run", "--only", "shared-data")
    found = verdicts(done)
    for method, words in ENDS.items():
        state, seen = found[f"method {method}", "quick-run"]
        assert state == "broken"
        assert words in seen
        unjudged = found[f"method {method}", "shared-data"]
        assert unjudged == ("not judged", "the quick run does not finish")
    assert found["method overwrites", "quick-run"][0] == "not judged"
    state, seen = found["method overwrites", "shared-data"]
    assert state == "broken"
    assert "task ends_badly:overwrites, item 0" in seen
    assert "assignment destination is read-only" in seen
    assert done.returncode == 3


def test_a_run_that_does_not_end_is_stopped_at_the_limit(cli: CommandLine, root: Path) -> None:
    rules = ("--only", "quick-run", "--only", "writes", "--limit", "1.5")
    found = verdicts(check(cli, root, "never_ends", "--json", *rules))
    assert found["method never_ends", "quick-run"] == (
        "broken",
        "not done after 1.5 seconds and stopped: its search or a task does not end, or needs "
        "longer (then: --limit SECONDS, or `limit` in a test class)",
    )
    assert found["method never_ends", "writes"][0] == "not judged"


def test_an_import_that_changes_heliostat_is_found_and_a_print_at_the_end_does_no_harm(
    cli: CommandLine, root: Path
) -> None:
    """What is printed at the end goes to standard error, so the run's JSON stays whole."""
    done = check(cli, root, "says_goodbye", "--only", "quick-run", "--only", "report")
    assert "BROKEN  import" in done.stdout
    assert "heliostat.values.streams.seed64 is now seed64 of module says_goodbye" in done.stdout
    assert "standard output also holds" not in done.stdout
    assert "it raised SystemExit: 0 (<lambda>, line 39 of says_goodbye.py)" in done.stdout
    assert "2 broken, 1 kept, 0 not judged" in done.stdout
    assert done.returncode == 3


PARTS = {
    "sampler transposed": "points(8, 2, generator) has shape (2, 8), expected (8, 2)",
    "sampler too_wide": "points lie between 0.119 and 4.93, expected [0, 1)",
    "sampler global": "it changes the state of numpy.random",
    "sampler own": "called again with an equal generator, it gives other points",
    "sampler leaves": "it raised SystemExit: 0",
    "loss raises": "it raised RuntimeError: size mismatch",
    "loss per_sample": "its call gives shape (5,) for classification, expected a scalar tensor",
    "metric another": "called again with equal outputs and targets, it gives another number",
    "layer global": "it changes the state of torch",
    "model two_outputs": "its network gives (5, 2) for a batch of 5 and 3 outputs",
    "dataset drawn": "built again, its inputs or targets are others",
}


def test_parts_are_called_and_not_only_looked_at(cli: CommandLine, root: Path) -> None:
    found = verdicts(check(cli, root, "careless_parts", "--json"))
    assert {name for subject, name in found if subject == "parts"} == {
        f"part {name}" for name in PARTS
    }
    for name, words in PARTS.items():
        state, seen = found["parts", f"part {name}"]
        assert state == "broken"
        assert words in seen


@pytest.mark.ray
def test_a_search_that_counts_workers_is_found_by_two_of_them(cli: CommandLine, root: Path) -> None:
    done = check(cli, root, "counts_workers", "--only", "quick-run", "--only", "two-workers")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "kept    quick-run" in done.stdout
    assert "BROKEN  two-workers" in done.stdout
    assert (
        "with 2 Ray workers: first difference at 1.0 (counts_workers:mean): item is 60, "
        "in the first run 120" in done.stdout
    )
    assert "make how work is cut into items a field of the configuration" in done.stdout


def test_one_mistake_is_one_broken_rule(cli: CommandLine, root: Path) -> None:
    done = check(cli, root, "global_random", "--no-ray", "--json")
    assert done.returncode == 3
    assert broken(done) == ["global-random-state"]
    unjudged = [r for r in json.loads(done.stdout)["rules"] if r["state"] == "not judged"]
    assert {r["seen"] for r in unjudged} == {"mend global-random-state first"}


def test_a_run_that_ends_early_is_blamed_on_its_reason_alone(cli: CommandLine, root: Path) -> None:
    done = check(cli, root, "lambda_task", "--no-ray", "--json")
    assert broken(done) == ["module-level-tasks"]


def test_pytest_says_the_same_words(cli: CommandLine, root: Path, tmp_path: Path) -> None:
    test = tmp_path / "test_bad.py"
    test.write_text(
        "from heliostat.testing import MethodContract\n\n\n"
        "class TestBad(MethodContract):\n    method = 'set_order'\n"
    )
    bad = root / "tests" / "tasks" / "bad_methods"
    done = subprocess.run(
        [cli.command()[0], "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "sets", str(test)],
        cwd=tmp_path,
        env={**cli.environment, "HELIOSTAT_LOAD": "set_order", "PYTHONPATH": str(bad)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "set-order is broken: the order of sets decides nothing" in done.stdout
    assert "mend: loop over sorted(...)" in done.stdout


def test_the_tests_and_the_command_judge_by_the_same_rules() -> None:
    names = [name for name in vars(testing.MethodContract) if name.startswith("test_")]
    assert names == list(dict.fromkeys(f"test_{rule.test}" for rule in RULES))
    assert names == NAMES


NAMES = [
    "test_presets_are_valid_and_survive_toml",
    "test_unknown_key_is_refused",
    "test_tasks_are_importable_by_name",
    "test_items_and_values_are_plain",
    "test_a_run_does_something",
    "test_no_global_random_state_is_used",
    "test_run_again_with_a_full_cache_is_equal",
    "test_order_of_sets_decides_nothing",
    "test_shared_data_stay_as_they_are",
    "test_a_replay_comes_to_the_same_result",
    "test_items_in_reversed_order_give_equal_values",
    "test_writes_only_into_run_folder_and_cache",
    "test_no_other_process_is_started",
    "test_report_renders",
    "test_report_of_half_a_run_renders",
    "test_nothing_is_pickled",
    "test_digest_follows_from_the_export",
    "test_another_seed_differs",
    "test_threads_of_the_shell_change_nothing",
    "test_killed_and_resumed_equals_uninterrupted",
    "test_ray_equals_serial",
]
"""Authors select them by name."""
