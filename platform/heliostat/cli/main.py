"""The `heliostat` command: its verbs, and how errors become messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

from heliostat.errors import HeliostatError, Interrupted, did_you_mean, shown

VERBS: dict[str, tuple[str, str]] = {
    "run": ("heliostat.cli.run", "Run a method, or a configuration file."),
    "resume": ("heliostat.cli.run", "Go on with a run that was stopped or killed."),
    "tune": ("heliostat.cli.tune", "Search a method's configuration for its best result."),
    "ls": ("heliostat.cli.inspect", "List runs, newest first."),
    "show": ("heliostat.cli.inspect", "Show a run, or one of its outcomes."),
    "compare": ("heliostat.cli.inspect", "Compare two runs: configuration, digest, result."),
    "report": ("heliostat.cli.inspect", "Write the HTML report of a run."),
    "export": ("heliostat.cli.export", "Write a run's outcomes as JSON lines or CSV."),
    "verify": ("heliostat.cli.verify", "Evaluate journaled items again and compare bytes."),
    "methods": ("heliostat.cli.plugins", "List methods, or describe one."),
    "parts": ("heliostat.cli.plugins", "List data sets, models, losses and other parts."),
    "plugins": ("heliostat.cli.plugins", "List plugins and what became of each."),
    "config": ("heliostat.cli.config", "Write or check configuration files."),
    "cluster": ("heliostat.cli.cluster", "Check a cluster file; fetch runs from a cluster."),
    "doctor": ("heliostat.cli.doctor", "Check this machine and say what to mend."),
}
"""Verb: the module that implements it, imported only when it is used, and its help."""


class LazyGroup(click.Group):
    """Imports a verb when it is called, so that help needs no method and no heavy library."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the verb's command, or one that a plugin adds."""
        if name in VERBS:
            module = importlib.import_module(VERBS[name][0])
            command: click.Command = getattr(module, name)
            return command
        return None if name.startswith("-") else self._plugin_command(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb for one that does not exist."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            from heliostat.plugins import VERBS as PLUGIN_VERBS

            ctx.fail(f"no command {shown(name)}; {did_you_mean(name, [*VERBS, *PLUGIN_VERBS])}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a reader that has enough (`export | head`) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        from heliostat.plugins import VERBS as PLUGIN_VERBS

        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])
        with formatter.section("Commands of methods"):
            formatter.write_dl([(name, text) for name, (_, text) in PLUGIN_VERBS.items()])

    @staticmethod
    def _plugin_command(name: str) -> click.Command | None:
        from heliostat.plugins import registry

        return registry().command(name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliostat", prog_name="heliostat")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--no-plugin", "blocked", multiple=True, metavar="NAME", help="Do not load a plugin.")
def heliostat(debug: bool, blocked: tuple[str, ...]) -> None:
    """Run research methods as plugins: the same result on a laptop and on a cluster.

    Begin with: heliostat methods, then heliostat run METHOD --preset smoke.
    """
    if debug:
        os.environ["HELIOSTAT_DEBUG"] = "1"
    if blocked:
        from heliostat.plugins import registry

        registry().block(blocked, known=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake shows no traceback."""
    try:
        result: Any = heliostat.main(args=arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except Interrupted as error:
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except HeliostatError as error:
        if os.environ.get("HELIOSTAT_DEBUG"):
            traceback.print_exc()
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except Exception as error:
        if os.environ.get("HELIOSTAT_DEBUG"):
            traceback.print_exc()
        else:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            click.echo(
                f"unexpected error: {type(error).__name__}: {error} "
                f"(in {frame.name}, line {frame.lineno} of {os.path.basename(frame.filename)}); "
                "this is a bug of Heliostat or of the method: run again as heliostat --debug ... "
                "and report it",
                err=True,
            )
        return 1
