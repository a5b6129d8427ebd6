"""Fields of a method as options of `heliostat run`."""

from __future__ import annotations

import click
import pytest
from in_process import InProcess

from heliostat.cli.field_options import as_overrides


@click.command()
@click.option("--preset")
@click.option("-o", "--set")
def run() -> None:
    """Stand for the verb."""


CONTEXT = click.Context(run)
FIELDS = ("relation", "batch_legs", "n")


def test_a_field_is_set_by_its_name_with_a_dash_or_an_underscore() -> None:
    given = ["--relation", "kk", "--batch-legs=5", "--batch_legs", "-3", "--n", "[4, 5]"]
    assert as_overrides(given, FIELDS, CONTEXT) == [
        "relation=kk", "batch_legs=5", "batch_legs=-3", "n=[4, 5]",
    ]  # fmt: skip
    assert as_overrides(["--relation="], FIELDS, CONTEXT) == ["relation="]
    assert as_overrides([], FIELDS, CONTEXT) == []


def test_other_names_words_and_missing_values_are_refused_and_what_is_near_is_named() -> None:
    with pytest.raises(click.NoSuchOption) as error:
        as_overrides(["--relatio", "kk"], FIELDS, CONTEXT)
    assert "--relation" in (error.value.possibilities or [])
    with pytest.raises(click.NoSuchOption) as error:
        as_overrides(["--presett", "demo"], FIELDS, CONTEXT)
    assert "--preset" in (error.value.possibilities or [])
    with pytest.raises(click.UsageError, match=r"unexpected extra argument \(kk\)"):
        as_overrides(["kk"], FIELDS, CONTEXT)
    with pytest.raises(click.UsageError, match="'--n' requires an argument"):
        as_overrides(["--relation", "kk", "--n"], FIELDS, CONTEXT)


def test_the_command_line_takes_them_and_refuses_what_is_none(here: InProcess) -> None:
    run = ("run", "evomal", "--preset", "smoke", "--workers", "serial", "--no-report")
    refused = here(*run, "--populatio", "4")
    assert refused.returncode == 2 and "--population" in refused.stderr
    wrong = here(*run, "--generations", "-3")
    assert wrong.returncode == 2 and "generations = -3" in wrong.stderr
    method = here("run", "--generations", "2")
    assert method.returncode == 2 and "Traceback" not in method.stderr
