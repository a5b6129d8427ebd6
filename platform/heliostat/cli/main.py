"""The `heliostat` command: its verbs, and how errors become messages and exit codes."""

from __future__ import annotations

import functools
import importlib
import io
import os
import sys
from typing import Any

import click

from heliostat.cli.long_text import shortened
from heliostat.cli.output import told_output
from heliostat.errors import (
    HeliostatError,
    Interrupted,
    PluginError,
    StoreError,
    did_you_mean,
    shown,
    told,
)
from heliostat.names import SUGGESTED, VERBS
from heliostat.store.last import tell_last
from heliostat.terminal import say


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
            from heliostat.plugins.registry import registry

            names = [*SUGGESTED, *registry().command_names()]
            ctx.fail(f"no command {shown(name)}; {did_you_mean(name, names)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a reader that has enough (`export | head`) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return 0
        except SystemExit as error:
            if ctx.invoked_subcommand not in VERBS:
                raise  # a plugin's own verb may end as it likes
            what = f"heliostat {ctx.invoked_subcommand}: code of a plugin raised {told(error)}"
            raise PluginError(what) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them, and the plugins whose verbs are not known."""
        from heliostat.plugins.allowed import built_in, installed

        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])
        with formatter.section("Commands of methods"):
            formatter.write_dl([(name, text) for name, (_, text) in built_in().VERBS.items()])
        names = installed()
        if names:
            with formatter.section("Installed plugins, which may add commands"):
                formatter.write_text(f"{', '.join(names)} (see: heliostat plugins)")

    @staticmethod
    def _plugin_command(name: str) -> click.Command | None:
        from heliostat.worker.instructions import hold_early

        hold_early()
        from heliostat.plugins.registry import registry

        return registry().command(name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliostat", prog_name="heliostat")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--no-plugin", "blocked", multiple=True, metavar="NAME", help="Do not load a plugin.")
@click.pass_context
def heliostat(context: click.Context, debug: bool, blocked: tuple[str, ...]) -> None:
    """Run research methods as plugins: the same result on a laptop and on a cluster.

    Begin with: heliostat methods, then heliostat run METHOD --preset smoke.
    """
    say_last = functools.cache(lambda run: say(f"last is run {run}", err=True))
    before = tell_last.set(say_last)
    context.call_on_close(lambda: tell_last.reset(before))
    if debug:
        os.environ["HELIOSTAT_DEBUG"] = "1"
    if blocked:
        from heliostat.plugins.allowed import block, built_in, check_known

        # without the registry: a verb sets its instruction level before libraries load
        check_known(blocked, built_in().PLUGINS, "--no-plugin")
        block(blocked)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(_told(arguments))  # standard output stays reserved: strangers write at exit as well


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake shows no traceback."""
    from heliostat.process.output import release

    try:
        return _told(arguments)
    finally:
        release()


def _told(arguments: list[str] | None) -> int:
    with told_output() as out:
        code = _run(arguments)
    if code == 0 and out.why_lost:  # nobody has told it yet
        say(f"error: {out.why_lost}", err=True)
        return StoreError.exit_code
    return code


def _run(arguments: list[str] | None) -> int:
    try:
        result: Any = heliostat.main(args=arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        return 0
    except click.exceptions.Abort:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        say(*error.format_message().split("\n"))
        return 0
    except click.ClickException as error:
        shown_by_click = io.StringIO()
        error.show(shown_by_click)
        say(*shown_by_click.getvalue().splitlines(), err=True)
        return 2
    except Interrupted as error:
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except HeliostatError as error:
        if os.environ.get("HELIOSTAT_DEBUG"):
            _print_traceback()
        say(*f"error: {shortened(str(error))}".split("\n"), err=True)
        return error.exit_code
    except Exception as error:
        if os.environ.get("HELIOSTAT_DEBUG"):
            _print_traceback()
        else:
            import traceback

            frame = traceback.extract_tb(error.__traceback__)[-1]
            say(
                f"unexpected error: {shortened(told(error))} "
                f"(in {frame.name}, line {frame.lineno} of {os.path.basename(frame.filename)}); "
                "this is a bug of Heliostat or of the method: run again as heliostat --debug ... "
                "and report it",
                err=True,
            )
        return 1


def _print_traceback() -> None:
    import traceback

    say(*traceback.format_exc().splitlines(), err=True)
