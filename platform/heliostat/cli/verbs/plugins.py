"""`heliostat methods`, `parts` and `plugins`: what is there to use."""

from __future__ import annotations

import importlib
import json
import re
import textwrap
from typing import Any

import click

from heliostat.cli.fields import field_texts, inline, schema_of
from heliostat.contract.commands import json_option, print_json
from heliostat.errors import did_you_mean, shown
from heliostat.terminal import say

_ARXIV = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?\Z")
_INDENTED: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": "        "}


@click.command()
@click.argument("action", required=False, type=click.Choice(["describe"]))
@click.argument("name", required=False)
@json_option
def methods(action: str | None, name: str | None, as_json: bool) -> None:
    """List methods, or `describe NAME`: its fields, defaults, presets and products."""
    from heliostat.errors import ConfigError
    from heliostat.plugins.registry import registry

    if action == "describe":
        if name is None:
            choices = ", ".join(registry().method_names())
            raise ConfigError("NAME", None, "a method's name", f"one of: {choices}")
        _describe(registry().method(name), as_json)
        return
    found = [registry().method(n) for n in registry().method_names()]
    if as_json:
        print_json(
            [
                {"name": m.name, "summary": m.summary, "paper": m.paper, "presets": list(m.presets)}
                for m in found
            ]
        )
        return
    for method in found:
        say(f"{method.name:<15} {title(method)}")


def title(method: Any) -> str:
    """Return a method's summary with its paper: an arXiv number, or other words for a source."""
    if method.paper in ("", "none"):
        return str(method.summary)
    arxiv = "arXiv " if _ARXIV.match(method.paper) else ""
    return f"{method.summary}  ({arxiv}{method.paper})"


def _describe(method: Any, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "name": method.name,
                "summary": method.summary,
                "paper": method.paper,
                "version": method.version,
                "schema": schema_of(method.config),
                "presets": {k: dict(v) for k, v in method.presets.items()},
                "outputs": {k: v.__dict__ for k, v in method.outputs.items()},
                "products": [
                    {
                        "kind": p.kind,
                        "summary": p.summary,
                        "parameters": sorted(p.config.model_fields),
                    }
                    for p in method.products
                ],
            }
        )
        return
    say(f"{method.name}: {title(method)}", "", "fields:")
    for field in field_texts(method.config):
        say(f"  {field.name} = {field.default}")
        say(f"      {field.meaning}")
    for heading, entries in (
        ("presets", [f"{k}: {inline(v)}" for k, v in method.presets.items()]),
        ("results", [_result(name, metric) for name, metric in method.outputs.items()]),
        ("products", [_product(product) for product in method.products]),
    ):
        say("", f"{heading}:")
        for entry in entries:
            say(f"  {entry}")


def _product(product: Any) -> str:
    """Return ``model: a trained network (run:RUN?budget=...)``."""
    names = "&".join(f"{name}=..." for name in product.config.model_fields)
    return f"{product.kind}: {product.summary}" + (f" (run:RUN?{names})" if names else "")


def _result(name: str, metric: Any) -> str:
    return f"{name}: {metric.direction or 'no goal'} {metric.unit}".rstrip()


@click.command()
@click.argument("kind", required=False)
@json_option
def parts(kind: str | None, as_json: bool) -> None:
    """List the parts that configurations can name, of one KIND or of all."""
    from heliostat.errors import ConfigError
    from heliostat.plugins.registry import registry

    found = registry().parts(kind)
    if kind is not None and not found:
        kinds = sorted({part.kind for part in registry().parts()})
        raise ConfigError("KIND", kind, "a kind of part", did_you_mean(kind, kinds))
    rows: list[dict[str, Any]] = [
        {
            "kind": part.kind,
            "name": part.name + ("[:...]" if part.bare else ":..." if part.prefix else ""),
            "summary": part.summary,
            "parameters": {
                name: field.get("default")
                for name, field in part.config.model_json_schema().get("properties", {}).items()
            },
        }
        for part in found
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        shown = ", ".join(f"{k}={json.dumps(v)}" for k, v in row["parameters"].items())
        say(f"{row['kind']:<10}{row['name']:<24}{row['summary']}")
        if shown:
            say(f"{'':<34}{shown}")


_PLUGIN_VERBS: dict[str, tuple[str, str]] = {
    "new": ("heliostat_kit.commands.new", "Write a new plugin as a complete distribution."),
    "check": ("heliostat_kit.commands.check", "Run the conformance kit on a plugin."),
    "hooks": ("heliostat.cli.verbs.plugin_hooks", "Print the reference of all hooks as Markdown."),
}
"""Verb under `plugins`: the module with the command of that name, and its help."""


class _PluginGroup(click.Group):
    """Imports a verb under `plugins` when it is called, so that the listing needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLUGIN_VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _PLUGIN_VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(_PLUGIN_VERBS[name][0]), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _PLUGIN_VERBS:
            ctx.fail(f"no command {shown(args[0])}; {did_you_mean(args[0], _PLUGIN_VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _PLUGIN_VERBS.items()])


@click.group(cls=_PluginGroup, invoke_without_command=True)
@click.option("--no-import", is_flag=True, help="Only say what would be imported.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, no_import: bool, as_json: bool) -> None:
    """List plugins, built in and installed, and what became of each.

    Importing a plugin runs its code. HELIOSTAT_PLUGINS=a,b (or none) says which installed ones may
    be imported, `heliostat --no-plugin NAME` and `[plugins] block = [...]` in a configuration file
    which may not.
    """
    if ctx.invoked_subcommand is not None:
        return
    from heliostat.plugins.allowed import malformed_rows
    from heliostat.plugins.registry import registry

    rows = [*registry().rows(load=not no_import), *malformed_rows()]
    if as_json:
        print_json([row.account() for row in rows])
        return
    heads = ("name", "version", "distribution", "state", "seconds", "reason")
    table = [heads, *(tuple(str(row.account()[head]) for head in heads) for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(heads) - 1)]
    offers: list[list[str]] = [[], *(row.account()["offers"] for row in rows)]
    for (*cells, reason), offered in zip(table, offers, strict=True):
        columns = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        say("  ".join([*columns, reason]).rstrip())
        if offered:
            say(*textwrap.wrap(f"offers {', '.join(offered)}", 96, **_INDENTED))
