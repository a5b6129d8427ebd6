"""`heliostat methods`, `parts` and `plugins`: what is there to use."""

from __future__ import annotations

import json
from typing import Any

import click

from heliostat.cli.options import json_option, print_json


@click.command()
@click.argument("action", required=False, type=click.Choice(["describe"]))
@click.argument("name", required=False)
@json_option
def methods(action: str | None, name: str | None, as_json: bool) -> None:
    """List methods, or `describe NAME`: its fields, defaults, presets and products."""
    from heliostat.errors import ConfigError
    from heliostat.plugins import registry

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
        click.echo(f"{method.name:<16}{method.summary}  (arXiv {method.paper})")


def _describe(method: Any, as_json: bool) -> None:
    schema = method.config.model_json_schema()
    if as_json:
        print_json(
            {
                "name": method.name,
                "summary": method.summary,
                "paper": method.paper,
                "version": method.version,
                "schema": schema,
                "presets": {k: dict(v) for k, v in method.presets.items()},
                "outputs": {k: v.__dict__ for k, v in method.outputs.items()},
                "products": [{"kind": p.kind, "summary": p.summary} for p in method.products],
            }
        )
        return
    click.echo(f"{method.name}: {method.summary}  (arXiv {method.paper})\n\nfields:")
    for name, field in schema.get("properties", {}).items():
        default = json.dumps(field["default"]) if "default" in field else "required"
        more = " (may grow on resume)" if field.get("extendable") else ""
        click.echo(f"  {name} = {default}{more}\n      {field.get('description', '')}")
    for title, entries in (
        ("presets", [f"{k}: {json.dumps(dict(v))}" for k, v in method.presets.items()]),
        ("results", [f"{k}: {v.direction} {v.unit}" for k, v in method.outputs.items()]),
        ("products", [f"{p.kind}: {p.summary}" for p in method.products]),
    ):
        click.echo(f"\n{title}:")
        for entry in entries:
            click.echo(f"  {entry}")


@click.command()
@click.argument("kind", required=False)
@json_option
def parts(kind: str | None, as_json: bool) -> None:
    """List the parts that configurations can name, of one KIND or of all."""
    from heliostat.errors import ConfigError, did_you_mean
    from heliostat.plugins import registry

    found = registry().parts(kind)
    if kind is not None and not found:
        kinds = sorted({part.kind for part in registry().parts()})
        raise ConfigError("KIND", kind, "a kind of part", did_you_mean(kind, kinds))
    rows: list[dict[str, Any]] = [
        {
            "kind": part.kind,
            "name": part.name + (":..." if part.prefix else ""),
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
        click.echo(f"{row['kind']:<10}{row['name']:<24}{row['summary']}")
        if shown:
            click.echo(f"{'':<34}{shown}")


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List plugins, built in and installed, and what became of each."""
    from heliostat.plugins import registry

    rows = registry().rows()
    if as_json:
        print_json(
            [
                {
                    "name": row.name,
                    "source": row.source,
                    "version": row.version,
                    "state": row.state,
                    "seconds": round(row.seconds, 3),
                    "reason": row.reason,
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        click.echo(
            f"{row.name:<20}{row.version:<10}{row.source:<20}{row.state:<10}"
            f"{row.seconds:6.2f} s  {row.reason}"
        )
