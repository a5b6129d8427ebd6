"""What a terminal shows of a result: every line fits, every training is told, no number is none."""

from __future__ import annotations

import re

import numpy as np
import pytest

from heliostat.contract import validate
from heliostat_methods.strokegan.comparison.concluding import concluded
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.method import SUITE
from heliostat_methods.strokegan.names import VARIANTS
from heliostat_methods.strokegan.report.over_fonts import mean_ceiling, mean_rows
from heliostat_methods.strokegan.report.terminal import WIDTH, describe
from heliostat_methods.strokegan.search import QUESTIONS
from heliostat_methods.strokegan.tasks import Trained, Training
from heliostat_search.trainings.choosing import choose

METRICS = ("retrieval", "l1", "ssim", "distinct_nearest", "stroke_error", "content")
RUN = "20250101-120000-strokegan-abcd"
FONTS = SUITE["targets"]


def trained(share: float, diverged: str = "") -> Trained:
    scores = dict.fromkeys(METRICS, 0.5) | {"retrieval": share}
    return Trained(scores, {"step": np.arange(2)}, np.zeros((2, 4, 4), np.uint8), (),
                   np.zeros((0, 3, 4, 4), np.uint8), 6, 20, None, diverged)  # fmt: skip


def made(targets, seeds=3, factors=(1.0,), failed=(), diverged=(), variants=tuple(VARIANTS)):
    """Return a result; ``failed``, ``diverged``: pairs of target and variant, or a target's all."""
    items, found, failures = [], [], []
    for target in targets:
        for place, variant in enumerate(variants):
            for seed in range(1 if variant == "copy_source" else seeds):
                settings = {"precision": "float32", "memory_format": "contiguous", "image_size": 32}
                items.append(Training(None, None, settings, variant, target, seed, keeps=False))
                fails = (target, variant) in failed
                ended = "step 3" if (target, variant) in diverged else ""
                share = 0.05 * place + 0.01 * seed + 0.02 * (len(target) % 5)
                found.append(None if fails else trained(share, ended))
                failures.append("WorkerLost" if fails else "")

    def valid(asked):
        return [np.full((1, 1), abs(factor - 9.0)) for _, factor in asked]

    ceiling = {
        "scores": dict.fromkeys(METRICS, 1.0),
        "counts": [1_000, 250, 200],
        "unpaired": 0,
        "majority": 0.1,
    }
    config = validate(StrokeGANConfig, {"steps": 12_345, "seeds": seeds})
    trains = [variant for variant in variants if variant != "copy_source"]
    choices = dict(zip(trains, choose(len(trains), [6], factors, 0, valid), strict=True))
    return concluded(config, "sample-kai", targets, variants, QUESTIONS, items, found, failures,
                     dict.fromkeys(targets, ceiling), choices)  # fmt: skip


def checked(result) -> list[str]:
    """Return the lines of a result, which fit and hold no NaN."""
    lines = describe(result, RUN).split("\n")
    assert max(map(len, lines)) <= WIDTH == 80
    assert not re.search(r"\b(nan|inf|None)\b", "\n".join(lines))
    return lines


@pytest.mark.parametrize("count", [1, 2, 14])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("factors", [(1.0,), (0.3, 1.0, 3.0)])
def test_every_line_fits_and_every_font_and_variant_is_there(count, seeds, factors) -> None:
    lines = checked(made(FONTS[:count], seeds, factors))
    text = "\n".join(lines)
    for font in FONTS[:count]:
        assert font in text
    for variant in VARIANTS:
        rows = [line for line in text.partition("Rates,")[0].split("\n")
                if line.split()[:1] == [variant]]  # fmt: skip
        assert len(rows) == (count if count <= 2 else 1)
    heads = [line for line in lines if line.startswith("variant ")]
    assert len(heads) == (count if count <= 2 else 1)
    assert ("Rates, by characters held back" in text) == (len(factors) > 1)
    assert f"heliostat report {RUN}" in text


@pytest.mark.parametrize("count", [1, 2, 14])
def test_a_variant_that_failed_is_told_where_it_failed(count) -> None:
    failed = [(FONTS[0], "strokegan_plus"), *((font, "zi2zi_lite") for font in FONTS)]
    lines = describe(made(FONTS[:count], failed=failed), RUN).split("\n")
    mine, other = (
        [line for line in lines if line.split()[:1] == [name]]
        for name in ("strokegan_plus", "zi2zi_lite")
    )
    if count <= 2:
        assert "failed: WorkerLost" in mine[0] and len(mine) == count
        assert all("failed: WorkerLost" in line for line in other)
        assert not any("failed" in line for line in mine[1:])
    else:
        assert len(mine) == 1 and other[0].endswith("failed for every font")
        cells = [cell for line in lines if line.startswith(FONTS[0]) for cell in line.split()]
        assert cells.count("failed") == 2
    assert not re.search(r"\bnan\b", "\n".join(lines))


@pytest.mark.parametrize("count", [1, 2, 14])
def test_lines_of_what_failed_or_diverged_fit_too(count) -> None:
    failed = [(FONTS[0], "strokegan_plus"), *((font, "zi2zi_lite") for font in FONTS)]
    diverged = [(FONTS[0], "cyclegan"), (FONTS[1], "strokegan_released")]
    lines = checked(made(FONTS[:count], failed=failed, diverged=diverged))
    told = [line for line in lines if line.endswith("3 of 3 diverged")]
    assert len(told) == min(count, 2)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_long_paths_of_fonts_fit(count) -> None:
    folders = [f"/home/designer/fonts/{'of a long name ' * 6}/{at}" for at in range(count)]
    checked(made(folders, factors=(0.5, 1.0)))


def test_numbers_of_one_font_are_means_over_seeds() -> None:
    lines = checked(made(FONTS[:1], variants=("copy_source", "cyclegan", "strokegan_plus")))
    (row,) = [line.split() for line in lines if line.startswith("cyclegan")]
    shift = 0.02 * (len(FONTS[0]) % 5)
    assert row == ["cyclegan", f"{0.06 + shift:.3f}", *["0.500"] * 5]
    assert "1,000 characters train (200 known in both fonts), 250 held out" in " ".join(lines)


def test_numbers_of_many_fonts_are_means_over_them() -> None:
    result = made(FONTS)
    lines = checked(result)
    (row,) = [line.split() for line in lines if line.startswith("strokegan_plus ")]
    means = {one["variant"]: one["means"] for one in mean_rows(result)}["strokegan_plus"]
    assert row[1] == f"{means['retrieval']:.3f}"
    (truth,) = [line.split() for line in lines if line.startswith("true glyphs")]
    assert truth[2:] == [f"{mean_ceiling(result)[name]:.3f}" for name in METRICS]


def test_a_font_is_asked_for_by_the_run() -> None:
    assert f"a font of it: heliostat font {RUN} --out NAME.ttf" in checked(made(FONTS[:1]))
