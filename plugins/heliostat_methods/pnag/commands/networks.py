"""`heliostat networks`: the networks that runs have left, listed and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.contract import json_option, next_command, print_json, runs_option, say

if TYPE_CHECKING:
    from heliostat_methods.pnag.found.networks import FoundNetwork, FoundNetworks

# torch loads inside the commands: the group itself is made for every help text.


@click.group()
def networks() -> None:
    """List the networks of a run's front, and write one as a file.

    RUN is a run's name, a unique part of it, a path, or `last`.
    """


@networks.command(name="list")
@click.argument("run")
@runs_option
@json_option
def list_networks(run: str, runs: Path | None, as_json: bool) -> None:
    """List the networks of a run's front by rising cost."""
    from heliostat_methods.pnag.commands.saved_networks import found_networks

    found = found_networks(run, runs)
    if as_json:
        print_json([_row(one) for one in found.networks])
        return
    for line in _lines(found):
        say(line)
    words = ("export", run, "--arch", found.networks[-1].text, "--format", "onnx")
    say("", f"take one away: {next_command('networks', *words, '-o', 'network.onnx')}")


def _row(one: FoundNetwork) -> dict[str, Any]:
    return {"architecture": one.text, "accuracy": one.accuracy, "test": one.test,
            "costs": dict(one.costs)}  # fmt: skip


def _lines(found: FoundNetworks) -> list[str]:
    from heliostat_methods.pnag.report.units import cost_text, head, percent

    lines = [f"{len(found.networks):,} networks by rising {head(found.quantity)}:"]
    for one in found.networks:
        costs = ", ".join(cost_text(name, cost) for name, cost in sorted(one.costs.items()))
        lines.append(one.text)
        lines.append(
            f"  {costs}; {percent(one.accuracy)} on validation images, {percent(one.test)} on test"
        )
    return lines


@networks.command()
@click.argument("run")
@click.option("--budget", help="Most that it may cost: 12ms, 350M multiply-adds, 2.5Mparams.")
@click.option("--arch", help="Its text, as `networks list` has it.")
@click.option(
    "--format",
    "form",
    required=True,
    metavar="[safetensors|torchscript|onnx]",
    help="safetensors: weights alone; torchscript, onnx: the whole module.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@runs_option
@json_option
def export(
    run: str,
    budget: str | None,
    arch: str | None,
    form: str,
    output: Path,
    force: bool,
    runs: Path | None,
    as_json: bool,
) -> None:
    """Write the best network of a budget; it is read back and compared before it has its name."""
    from heliostat_methods.pnag.commands.exporting import exported, format_of
    from heliostat_methods.pnag.commands.saved_networks import chosen, found_networks

    format_of(form)
    found = found_networks(run, runs)
    network = chosen(found, run, budget, arch)
    apart = exported(found, network, form, output, force)
    if as_json:
        print_json({**_row(network), "file": str(output), "format": form, "difference": apart,
                    **_images(found)})  # fmt: skip
        return
    for line in _told(found, network, output, apart):
        say(line)


def _images(found: FoundNetworks) -> dict[str, Any]:
    return {
        "dataset": found.dataset, "image_shape": list(found.layout.input_shape),
        "mean": found.mean, "deviation": found.deviation, "classes": list(found.labels),
    }  # fmt: skip


def _told(found: FoundNetworks, network: FoundNetwork, output: Path, apart: float) -> list[str]:
    from heliostat_methods.pnag.report.units import cost_text, percent

    costs = ", ".join(cost_text(name, cost) for name, cost in sorted(network.costs.items()))
    size = output.stat().st_size
    shape = " x ".join(map(str, found.layout.input_shape))
    of = f" of {found.dataset}" if found.dataset else ""
    return [
        f"{output}: {size:,} bytes",
        f"network: {network.text}",
        f"costs: {costs}; {percent(network.accuracy)} on validation images, "
        f"{percent(network.test)} on test",
        f"read back: logits differ by at most {apart:.2g} of the greatest",
        f"images: {shape}, float32, standardised: (pixel - {found.mean!r}) / {found.deviation!r}",
        f"  pixels as the data set{of} has them: 0 to 1 in pictures, 0 to 16 in digits",
        "classes: --json names them",
    ]
