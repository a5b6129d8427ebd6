"""The method as the platform sees it, and its verbs `heliostat font` and `heliostat sheet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, Metric, hookimpl
from heliostat.contract import ProductSpec
from heliostat_methods.strokegan.config import StrokeGANConfig


def _search(config: StrokeGANConfig, run: Any) -> Any:
    from heliostat_methods.strokegan.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.strokegan.report.page import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.strokegan.report.terminal import describe

    return describe(result, run_id)


def _examine() -> Any:
    from heliostat_methods.strokegan.fonts.finding import findings

    return findings()


def _on(config: StrokeGANConfig) -> str:
    if config.begin is not None:
        return f"{config.begin} with {config.redrawn}" if config.redrawn else f"{config.begin}"
    return f"{config.source} to {', '.join(config.targets)}"


SMOKE: dict[str, Any] = {
    "variants": ["strokegan_plus"],
    "characters": 60,
    "seeds": 1,
    "size": 16,
    "width": 4,
    "blocks": 1,
    "steps": 3,
    "batch": 2,
    "critic_steps": 10,
}
"""Every step in seconds; its glyphs mean nothing."""

DEMO: dict[str, Any] = {
    "variants": ["cyclegan", "cyclegan_fs3", "strokegan_plus"],
    "seeds": 2,
    "steps": 200,
    "learning_rate": 1e-3,
}
"""One font from another with few pairs, beside the controls; minutes."""

SUITE: dict[str, Any] = {
    "source": "gkai00mp",
    "targets": [
        "gbsn00lp", "noto-serif-sc", "zcool-xiaowei", "babelstone-han", "wqy-zenhei",
        "noto-sans-sc-bold", "smiley-sans", "zcool-kuaile", "zcool-qingke-huangyou",
        "lxgw-wenkai", "ma-shan-zheng", "zhi-mang-xing", "liu-jian-mao-cao", "long-cang",
    ],
    "critics": ["tw-kai", "tw-sung", "wqy-microhei", "hanamin-a"],
    "critic_steps": 2_000,
    "characters": 1_000,
    "width": 8,
    "steps": 300,
    "learning_rate": 1e-3,
    "rate_factors": [0.3, 1.0, 3.0],
    "rate_targets": 2,
    "warm_start": 0.25,
}  # fmt: skip
"""Fourteen fonts from one, three seeds, rates chosen; an hour or two, and fonts to be installed."""

PAPER: dict[str, Any] = {
    "source": "gkai00mp",
    "targets": ["wqy-zenhei"],
    "characters": 3_755,
    "size": 128,
    "channels": 3,
    "width": 64,
    "blocks": 9,
    "batch": 2,
    "steps": 300_000,
    "identity_weight": 0.5,
    "stroke_loss": "mse",
    "average": 0.0,
}
"""The settings of the authors' code, out of reach on a CPU; fonts and what is [R] are ours."""

METHOD = MethodSpec(
    name="strokegan",
    summary="few-shot Chinese fonts: glyphs generated with a stroke code and few pairs",
    paper="2211.06198",
    config=StrokeGANConfig,
    search=_search,
    outputs={
        "retrieval": Metric("max", "held-out glyphs found again, by the last variant of the table"),
        "l1": Metric("min", "its mean difference of pixels", by_default=False),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "suite": SUITE, "paper": PAPER},
    products=[ProductSpec("glyph_generator", "a generator that draws a font", lambda value: value)],
    names="heliostat_methods.strokegan.found.product",
    report=_report,
    describe=_describe,
    examine=_examine,
    on=_on,
    unit="steps",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat font` and `heliostat sheet`."""
    from heliostat_methods.strokegan.commands.font import font
    from heliostat_methods.strokegan.commands.sheet import sheet

    return [font, sheet]
