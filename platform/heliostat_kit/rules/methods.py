"""Every rule for methods, in the order in which they are judged: causes before consequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heliostat.errors import ConfigError, did_you_mean
from heliostat_kit.exam.calls import calls
from heliostat_kit.exam.exam import Exam
from heliostat_kit.rules import evaluations, repeats
from heliostat_kit.rules.rule import Rule
from heliostat_kit.verdict import SORTED, Broken, NotJudged, Verdict

RULES: tuple[Rule, ...] = (
    Rule(
        "presets",
        "every preset validates, survives TOML, and the quick one is called smoke",
        "correct the preset in MethodSpec.presets, or the field it sets in the configuration",
        evaluations.presets,
        test="presets_are_valid_and_survive_toml",
    ),
    Rule(
        "unknown-keys",
        "a misspelt field is refused by name",
        "derive the configuration from heliostat.MethodConfig, which forbids unknown keys",
        evaluations.unknown_keys,
        test="unknown_key_is_refused",
    ),
    Rule(
        "module-level-tasks",
        "a task is a function at module level that a worker can import by its name",
        "move the lambda, method or local function to a module, and what it captured into the "
        "item or into run.share(...)",
        evaluations.module_level_tasks,
        test="tasks_are_importable_by_name",
    ),
    Rule(
        "plain-values",
        "items, values, shared data and the result are plain: numbers, text, lists, tuples, "
        "dictionaries, arrays, tensors, dataclasses, pydantic models",
        "pass what the object is made of, and build the object inside the task",
        evaluations.plain_values,
        test="items_and_values_are_plain",
    ),
    Rule(
        "quick-run",
        "the quick preset runs to its end in one process and evaluates at least one task",
        "see where it ends: heliostat --debug run METHOD --preset smoke --workers serial",
        evaluations.quick_run,
        test="a_run_does_something",
    ),
    Rule(
        "global-random-state",
        "search and tasks draw from named streams and leave random, numpy.random and torch alone",
        "draw from ctx.rng(...) or ctx.torch_generator(...) in a task and from run.rng(...) in the "
        "search, and hand that generator to libraries that take one",
        evaluations.global_random_state,
        test="no_global_random_state_is_used",
    ),
    Rule(
        "repeatable",
        "an equal run in another process gives the same digest and result",
        "look for the clock, global random state, id(), process numbers, folder listings and sets "
        "of objects; in a search draw from run.rng(...)",
        repeats.repeatable,
        test="run_again_with_a_full_cache_is_equal",
        after=("global-random-state",),
    ),
    Rule(
        "set-order",
        "the order of sets decides nothing",
        SORTED,
        repeats.set_order,
        test="order_of_sets_decides_nothing",
        after=("global-random-state", "repeatable"),
    ),
    Rule(
        "shared-data",
        "shared data, items and values stay as they were given to a task or to the search",
        "work on a copy: data = dict(ctx.shared()), list(...) or array.copy()",
        evaluations.shared_data,
        test="shared_data_stay_as_they_are",
    ),
    Rule(
        "replay",
        "the search of a finished run, replayed from the journal, comes to the same result",
        "compute the result from outcomes, or keep in run.checkpoint(...) all that it needs: after "
        "a restore the search has seen nothing of what came before",
        evaluations.replayed,
        test="a_replay_comes_to_the_same_result",
    ),
    Rule(
        "item-order",
        "a task's value depends on its item, shared data and named streams alone",
        "look for module-level variables that a task changes, and for objects of ctx.cached that "
        "keep state between items",
        evaluations.item_order,
        test="items_in_reversed_order_give_equal_values",
        after=("global-random-state", "shared-data"),
    ),
    Rule(
        "writes",
        "nothing is written outside the run's folder and the cache",
        "keep results with run.save(...), and files of the machine in ctx.cache_dir",
        evaluations.writes,
        test="writes_only_into_run_folder_and_cache",
    ),
    Rule(
        "processes",
        "no other process is started; if one is, it is named, because it cannot be watched",
        "let tasks do the work themselves; Heliostat starts as many workers as are asked for",
        evaluations.processes,
        test="no_other_process_is_started",
    ),
    Rule(
        "report",
        "the report is written and names the run",
        "correct the method's report(view) or describe(result, run_id); try it on a finished run "
        "with heliostat --debug report RUN",
        evaluations.report,
        test="report_renders",
    ),
    Rule(
        "partial-report",
        "a run that was killed in the middle has a report too",
        "show what there is while view.result is None: view.metrics(), view.found(task), "
        "view.products(); what may be missing is asked for with .get",
        evaluations.partial_report,
        test="report_of_half_a_run_renders",
        after=("report",),
    ),
    Rule(
        "no-pickles",
        "no file in the run's folder is a pickle",
        "save plain values with run.save(...), or bytes of a format that is no program",
        evaluations.no_pickles,
        test="nothing_is_pickled",
    ),
    Rule(
        "export",
        "the digest follows from what heliostat export writes",
        "this is no mistake of the plugin: please report it",
        evaluations.digest_of_export,
        test="digest_follows_from_the_export",
        after=None,
    ),
    Rule(
        "seed",
        "another seed gives another digest",
        "draw what is random from run.rng(...) and ctx.rng(...) instead of a seed of its own",
        repeats.seed,
        test="another_seed_differs",
        after=None,
    ),
    Rule(
        "threads",
        "the shell's number of threads changes nothing",
        "leave threads to heliostat.Resources(cpus=...); set none in the task",
        repeats.threads,
        test="threads_of_the_shell_change_nothing",
        after=None,
    ),
    Rule(
        "kill-and-resume",
        "a run whose driver was killed goes on to the same digest and result",
        "everything that the search decides by has to come from config, run and outcomes; "
        "a checkpoint has to hold all of the search's state, and sets have no order to go by",
        repeats.kill_and_resume,
        test="killed_and_resumed_equals_uninterrupted",
        after=None,
    ),
    Rule(
        "one-worker",
        "one Ray worker gives the same digest and result as one process",
        "tasks may not rely on what the driver's process did: no module-level variables, no files",
        repeats.workers(1),
        test="ray_equals_serial",
        after=None,
        ray=True,
    ),
    Rule(
        "two-workers",
        "two Ray workers give the same digest and result as one process",
        "make how work is cut into items a field of the configuration; never look at the number "
        "of workers, cores or nodes",
        repeats.workers(2),
        test="ray_equals_serial",
        after=None,
        ray=True,
    ),
)


def chosen(names: Sequence[str], *, ray: bool = True) -> list[Rule]:
    """Return the rules of these names, or all; raises ConfigError for one that does not exist."""
    known = [rule.name for rule in RULES]
    for name in names:
        if name not in known:
            raise ConfigError("--only", name, "the name of a rule", did_you_mean(name, known))
    if names:
        return [rule for rule in RULES if rule.name in names]
    return [rule for rule in RULES if ray or not rule.ray]


def judge(exam: Exam, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """Yield a verdict for each rule; one mistake is to be one broken rule."""
    broken: list[str] = []
    for rule in rules:
        blamed = [name for name in broken if rule.after is None or name in rule.after]
        if blamed:
            yield Verdict(rule.name, rule.promise, "not judged", f"mend {blamed[0]} first")
            continue
        try:
            with calls("it"):
                rule.check(exam)
        except NotJudged as error:
            yield Verdict(rule.name, rule.promise, "not judged", str(error))
        except Broken as error:
            broken.append(rule.name)
            yield Verdict(rule.name, rule.promise, "broken", str(error), error.mend or rule.mend)
        else:
            yield Verdict(rule.name, rule.promise, "kept")
