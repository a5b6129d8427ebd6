"""`heliostat losses`: the losses that runs have found, to look at, compare and take away.

A LOSS is a run (its name, a unique part of it, a path, or `last`), RUN/NAME for one of several
losses of a run, a built-in loss such as `ace` or `{name = "ace", phi1 = 1.25}`, a JSON file of
`losses export`, or a tree such as `square(sub(y, f))`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.contract import json_option, next_command, print_json, runs_option, say
from heliostat.errors import ConfigError, HeliostatError, StoreError

if TYPE_CHECKING:
    from heliostat_methods.evomal.commands.saved_losses import NamedLoss
    from heliostat_methods.evomal.losses.tree import Task

METHOD = "evomal"
METRICS = ("mse", "rmse", "mae", "error_rate", "balanced_error", "log_loss", "auc")

# Numerical libraries load inside the commands: the group itself is made for every help text.

task_option = click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    default="classification",
    show_default=True,
    help="What a tree that is typed in is for.",
)
classes_option = click.option(
    "--classes",
    type=click.IntRange(min=2),
    help="Number of classes [default: that of the run's data, else 10].",
)


@click.group()
def losses() -> None:
    """Look at the losses that runs have found, compare them and take them away.

    LOSS is a run or RUN/NAME, a built-in loss (ace, {name = "ace", phi1 = 1.25}), a JSON file of
    `losses export`, or a tree such as 'square(sub(y, f))'.
    """


@losses.command(name="list")
@runs_option
@json_option
def list_losses(runs: Path | None, as_json: bool) -> None:
    """List the losses of all runs, newest first; of a run that goes on, the best so far."""
    from heliostat.contract import RunView, folders, runs_root
    from heliostat_methods.evomal.commands.describing import number
    from heliostat_methods.evomal.commands.saved_losses import losses_of
    from heliostat_methods.evomal.report.formulas import cut

    rows: list[dict[str, Any]] = []
    going_on: list[str] = []
    for folder in folders(runs_root(runs)):
        try:
            view = RunView(folder)
            rows += [loss.row() for loss in losses_of(view)]
            if view.method == METHOD and view.state != "finished":
                going_on.append(f"{folder.id} is {view.state}: {view.so_far() or 'nothing yet'}")
            view.close()
        except HeliostatError as error:  # one run that cannot be read hides no other
            say(f"{folder.id}: {error}", err=True)
    rows.sort(key=lambda row: (row["created"], row["run"]), reverse=True)
    if as_json:
        print_json(rows)
        return
    if not rows and not going_on:
        command = next_command("run", METHOD)
        say(f"no losses in {runs_root(runs)}; find some with: {command}", err=True)
    for row in rows:
        say(f"{row['run']}/{row['name']}")
        day = time.strftime("%Y-%m-%d", time.localtime(row["created"]))
        so_far = "" if row["state"] == "finished" else f"  so far, {row['state']}"
        say(
            f"  {day}  {row['dataset']} ({row['task']})  "
            f"validation {number(row['fitness'])}  test {number(row['test'])}{so_far}"
        )
        say(cut(f"  m(y, f) = {row['formula']}"))
    say(*going_on)


@losses.command()
@click.argument("loss")
@classes_option
@task_option
@runs_option
@json_option
def show(loss: str, classes: int | None, task: Task, runs: Path | None, as_json: bool) -> None:
    """Show a loss: formula, curve, equilibrium, and gradients at the start and the end."""
    from heliostat_methods.evomal.analysis.behaviour import behaviour
    from heliostat_methods.evomal.commands.describing import account_text

    accounts = []
    for one in _named([loss], runs, task):
        account: dict[str, Any] = {"label": one.label, **one.row()}
        if one.expression is not None:
            account["latex"] = one.expression.to_latex()
            account["prefix"] = one.expression.to_prefix()
        account |= behaviour(one.loss, one.task, _classes(one, classes))
        accounts.append(account)
    if as_json:
        print_json(accounts)
        return
    for i, account in enumerate(accounts):
        say(*([""] if i else []), *account_text(account).split("\n"))


@losses.command()
@click.argument("names", metavar="LOSS...", nargs=-1, required=True)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="FILE.html or FILE.svg."
)
@click.option(
    "--curve",
    type=click.Choice(["sample", "target", "other"]),
    default="sample",
    show_default=True,
    help="What an SVG shows: the loss of a sample, of its target entry or of another entry.",
)
@click.option("--raw", is_flag=True, help="Do not divide the scale out of the curves.")
@classes_option
@task_option
@runs_option
def plot(
    names: Sequence[str],
    output: Path,
    curve: str,
    raw: bool,
    classes: int | None,
    task: Task,
    runs: Path | None,
) -> None:
    """Draw losses beside the usual ones: an HTML page of the whole analysis, or one SVG."""
    from heliostat_methods.evomal.analysis.behaviour import behaviour, references
    from heliostat_methods.evomal.report.plots import analysis_contents, loss_curves

    suffix = output.suffix.lower()
    if suffix not in (".html", ".svg"):
        raise ConfigError("--output", str(output), "a name that ends in .html or .svg")
    found = _named(names, runs, task)
    tasks = list(dict.fromkeys(one.task for one in found))
    if suffix == ".svg" and len(tasks) > 1:
        raise ConfigError("LOSS", list(names), "losses of one kind of task for an SVG", "use .html")
    pages = []
    for kind in tasks:
        mine = [one for one in found if one.task == kind]
        count = _classes(mine[0], classes)
        accounts = [(_short(one), behaviour(one.loss, kind, count)) for one in mine]
        shown = {one.formula for one in mine}
        accounts += [
            (name, behaviour(tree, kind, count))
            for name, tree in references(kind, count)
            if tree.formula() not in shown
        ]
        pages.append((kind, accounts))
    if suffix == ".svg":
        from heliostat.report import Plot, draw

        kept = "output" if tasks[0] == "regression" else curve
        one_kind = [
            (label, {**a, "curves": {k: c for k, c in a["curves"].items() if k == kept}})
            for label, a in pages[0][1]
        ]
        (picture,) = loss_curves(one_kind, scaled=not raw)
        assert isinstance(picture, Plot)
        _write(output, draw(picture) + "\n")
    else:
        from heliostat.report import Section, Text, render

        sections = [
            Section(
                f"Losses for {kind}",
                [
                    *(Text(f"{_short(one)}: m(y, f) = {one.formula}", code=True)
                      for one in found if one.task == kind and one.expression is not None),
                    *analysis_contents(accounts, scaled=not raw),
                ],
            )
            for kind, accounts in pages
        ]  # fmt: skip
        _write(output, render("Losses", sections, subtitle=", ".join(_short(f) for f in found)))
    say(str(output))


@losses.command()
@click.argument("names", metavar="LOSS...", nargs=-1, required=True)
@click.option("--dataset", help="Data set to train on [default: that of the first run].")
@click.option("--model", help="Model to train [default: that of the first run, else mlp].")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Most training steps [default: 120 passes over the training rows, 1000 to 10000 steps].",
)
@click.option(
    "--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Paired trainings."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Root of split, models and batches [default: that of the first run, else 0].",
)
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="Rate of SGD.")
@click.option(
    "--rate-drop",
    "drops",
    type=(int, float),
    multiple=True,
    metavar="STEP FACTOR",
    help="From that step on the rate is multiplied by the factor; may be given again.",
)
@click.option(
    "--rate-factor",
    "factors",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Multiples of the rate; give several: each loss trains at the one that is best for it on "
    "validation data, and more are tried while the best lies at an edge. One alone is taken as it "
    "is [default: 0.1, 0.3, 1, 3, 10].",
)
@click.option(
    "--metric",
    type=click.Choice(METRICS),
    help="What is compared [default: that of the first run, else mse or error_rate].",
)
@click.option(
    "--splits",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Splits of the data; with several the intervals cover the split, too.",
)
@runs_option
@json_option
def compare(
    names: Sequence[str],
    dataset: str | None,
    model: str | None,
    steps: int | None,
    seeds: int,
    seed: int | None,
    learning_rate: float | None,
    drops: tuple[tuple[int, float], ...],
    factors: tuple[float, ...],
    metric: str | None,
    splits: int,
    runs: Path | None,
    as_json: bool,
) -> None:
    """Train fresh models with losses and with the standard one, and compare them on test data.

    All losses get the same first models and batches, so differences are paired. Momentum, weight
    decay, batch size and learning rate are those of the first run, else the released code's.
    """
    from heliostat_methods.evomal.commands.comparing import compared, comparison_text

    account = compared(
        _named(names, runs, "classification"),
        dataset=dataset,
        model=model,
        steps=steps,
        seeds=seeds,
        seed=seed,
        learning_rate=learning_rate,
        drops=drops,
        factors=factors or (0.1, 0.3, 1.0, 3.0, 10.0),
        metric=metric,
        splits=splits,
        progress=lambda text: say(text, err=True),
    )
    if as_json:
        print_json(account)
    else:
        say(*comparison_text(account).split("\n"))


@losses.command()
@click.argument("loss")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "python", "latex", "torch"]),
    default="json",
    show_default=True,
    help="python: a function; torch: a module whose weights can be trained; both need PyTorch only",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File [default: standard output]."
)
@task_option
@runs_option
def export(loss: str, form: Any, output: Path | None, task: Task, runs: Path | None) -> None:
    """Write a loss as a file that works without Heliostat (json: that it reads again)."""
    from heliostat_methods.evomal.commands.exporting import exported
    from heliostat_methods.evomal.commands.saved_losses import first_of
    from heliostat_methods.evomal.losses.primitives import LossExpressionError

    found = first_of(_named([loss], runs, task))
    if len(found) > 1:
        choices = " or ".join(f"{one.run}/{one.name}" for one in found)
        raise ConfigError("LOSS", loss, "one loss", f"this run has several: {choices}")
    one = found[0]
    facts: dict[str, Any] = {}
    if one.run:
        facts = {"run": one.run, "dataset": one.dataset, "fitness": one.fitness}
    if one.labels is not None:
        facts["labels"] = dict(one.labels)
    if one.training is not None:
        facts["training"] = dict(one.training)
    try:
        text = exported(one.expression or one.loss, one.task, form, **facts)
    except LossExpressionError as error:
        if one.expression is None:
            hint = "a loss network exports as json" if hasattr(one.loss, "to_dict") else ""
            raise ConfigError("LOSS", loss, "a loss that is a tree", hint) from None
        raise ConfigError("--format", form, "json or latex for this loss", str(error)) from None
    if output is None:
        say(*text.splitlines())
    else:
        _write(output, text)


def _named(names: Sequence[str], runs: Path | None, task: Task) -> list[NamedLoss]:
    from heliostat.contract import runs_root
    from heliostat_methods.evomal.commands.saved_losses import named

    return [one for name in names for one in named(name, runs_root(runs), task)]


def _classes(loss: NamedLoss, given: int | None) -> int:
    return given or (loss.classes if (loss.classes or 0) >= 2 else None) or 10


def _short(loss: NamedLoss) -> str:
    """Return a label for a legend: the loss's own name and the last four characters of its run."""
    return f"{loss.name.removeprefix('loss-')} ({loss.run[-4:]})" if loss.run else loss.label


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
