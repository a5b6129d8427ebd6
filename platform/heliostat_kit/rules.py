"""Every rule for methods, in the order in which they are judged: causes before consequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heliostat.errors import ConfigError, did_you_mean
from heliostat_kit import evaluations, repeats
from heliostat_kit.calls import calls
from heliostat_kit.rule import Broken, NotJudged, Rule, Verdict
from heliostat_kit.trial import Trial

RULES: tuple[Rule, ...] = (
    Rule(
        "presets",
        "every preset validates, survives TOML, and the quick one is called smoke",
        "correct the preset in MethodSpec.presets, or the field it sets in the configuration",
        evaluations.presets,
    ),
    Rule(
        "unknown-keys",
        "a misspelt field is refused by name",
        "derive the configuration from heliostat.MethodConfig, which forbids unknown keys",
        evaluations.unknown_keys,
    ),
    Rule(
        "module-level-tasks",
        "a task is a function at module level that a worker can import by its name",
        "move the lambda, method or local function to a module, and what it captured into the "
        "item or into run.share(...)",
        evaluations.module_level_tasks,
    ),
    Rule(
        "plain-values",
        "items, values, shared data and the result are plain: numbers, text, lists, tuples, "
        "dictionaries, arrays, tensors, dataclasses, pydantic models",
        "pass what the object is made of, and build the object inside the task",
        evaluations.plain_values,
    ),
    Rule(
        "quick-run",
        "the quick preset runs to its end in one process and evaluates at least one task",
        "see where it ends: heliostat --debug run METHOD --preset smoke --workers serial",
        evaluations.quick_run,
    ),
    Rule(
        "global-random-state",
        "search and tasks draw from named streams and leave random, numpy.random and torch alone",
        "draw from ctx.rng(...) or ctx.torch_generator(...) in a task and from run.rng(...) in the "
        "search, and hand that generator to libraries that take one",
        evaluations.global_random_state,
    ),
    Rule(
        "repeatable",
        "an equal run in another process gives the same digest and result",
        "look for the clock, global random state, id(), process numbers and folder listings; "
        "in a search draw from run.rng(...)",
        repeats.repeatable,
        after=("global-random-state",),
    ),
    Rule(
        "set-order",
        "the order of sets decides nothing",
        "loop over sorted(...) or over a dictionary instead of a set; use no hash()",
        repeats.set_order,
        after=("global-random-state", "repeatable"),
    ),
    Rule(
        "shared-data",
        "shared data, items and values stay as they were given to a task or to the search",
        "work on a copy: data = dict(ctx.shared()), list(...) or array.copy()",
        evaluations.shared_data,
    ),
    Rule(
        "item-order",
        "a task's value depends on its item, shared data and named streams alone",
        "look for module-level variables that a task changes, and for objects of ctx.cached that "
        "keep state between items",
        evaluations.item_order,
        after=("global-random-state", "shared-data"),
    ),
    Rule(
        "writes",
        "nothing is written outside the run's folder and the cache",
        "keep results with run.save(...), and files of the machine in ctx.cache_dir",
        evaluations.writes,
    ),
    Rule(
        "processes",
        "no other process is started; if one is, it is named, because it cannot be watched",
        "let tasks do the work themselves; Heliostat starts as many workers as are asked for",
        evaluations.processes,
    ),
    Rule(
        "report",
        "the report is written and names the run",
        "correct the method's report(view) or describe(result, run_id); try it on a finished run "
        "with heliostat --debug report RUN",
        evaluations.report,
    ),
    Rule(
        "no-pickles",
        "no file in the run's folder is a pickle",
        "save plain values with run.save(...), or bytes of a format that is no program",
        evaluations.no_pickles,
    ),
    Rule(
        "export",
        "the digest follows from what heliostat export writes",
        "this is no mistake of the plugin: please report it",
        evaluations.digest_of_export,
        after=None,
    ),
    Rule(
        "seed",
        "another seed gives another digest",
        "draw what is random from run.rng(...) and ctx.rng(...) instead of a seed of its own",
        repeats.seed,
        after=None,
    ),
    Rule(
        "threads",
        "the shell's number of threads changes nothing",
        "leave threads to heliostat.Resources(cpus=...); set none in the task",
        repeats.threads,
        after=None,
    ),
    Rule(
        "kill-and-resume",
        "a run whose driver was killed goes on to the same digest and result",
        "everything that the search decides by has to come from config, run and outcomes; "
        "a checkpoint has to hold all of the search's state",
        repeats.kill_and_resume,
        after=None,
    ),
    Rule(
        "one-worker",
        "one Ray worker gives the same digest and result as one process",
        "tasks may not rely on what the driver's process did: no module-level variables, no files",
        repeats.workers(1),
        after=None,
        ray=True,
    ),
    Rule(
        "two-workers",
        "two Ray workers give the same digest and result as one process",
        "make how work is cut into items a field of the configuration; never look at the number "
        "of workers, cores or nodes",
        repeats.workers(2),
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


def judge(trial: Trial, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """Yield a verdict for each rule; one mistake is to be one broken rule."""
    broken: list[str] = []
    for rule in rules:
        blamed = [name for name in broken if rule.after is None or name in rule.after]
        if blamed:
            yield Verdict(rule.name, rule.promise, "not judged", f"mend {blamed[0]} first")
            continue
        try:
            with calls("it"):
                rule.check(trial)
        except NotJudged as error:
            yield Verdict(rule.name, rule.promise, "not judged", str(error))
        except Broken as error:
            broken.append(rule.name)
            yield Verdict(rule.name, rule.promise, "broken", str(error), rule.mend)
        else:
            yield Verdict(rule.name, rule.promise, "kept")
