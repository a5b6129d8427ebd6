"""StrokeGAN+: CPU seconds until held-out glyphs are legible, against a plain CycleGAN loop.

Both sides draw one font from another at 32 px, with generators and discriminators of one width and
depth, from the same seeds and the same 800 training characters. Ours: grey glyphs that lie in
memory, batches of 8 in merged passes, 160 pairs, a warm start on these, the stroke code, weights
averaged over steps, and pictures moved by up to a pixel. The plain loop: batch 1, RGB, PNG files
that are opened and resized at every step, each pass by itself, identity loss, a pool of 50 - what
the authors' code does, without mirroring. With ``--reference-pairs`` it has the same pairs as well.

The goal: retrieval accuracy on 200 held-out characters of at least 0.5, and more than the source
font's own; and a mean absolute difference below that of a generator which learned from the pairs
alone for ``--control-steps`` steps (its settings are ours). A side that does not get there in
``--seconds`` is shown as "more than"; the ratio is then a lower bound. The time to retrieval alone
is told too. Looking at quality is not counted. What a step costs for a picture of each font is
printed as well: it says what is left if both needed as many.

Our settings were chosen on seeds 0 and 1 of gkai00mp and zcool-kuaile, so others are measured.

Run: ``nice python benchmarks/strokegan.py [--json] [--seconds S] [--seeds N]`` (by default up to 5
minutes of CPU time a side and seed, one thread).
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from heliostat_methods.strokegan.fonts.coverage import common_characters
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
from heliostat_methods.strokegan.metrics.pixels import l1
from heliostat_methods.strokegan.metrics.retrieval import retrieval_accuracy
from heliostat_methods.strokegan.networks.patch_discriminator import PatchDiscriminator
from heliostat_methods.strokegan.networks.residual_generator import ResnetGenerator
from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.pair_selection import PairSelector
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer
from heliostat_methods.strokegan.training.variants import variant_settings

PX, WIDTH, BLOCKS, BATCH = 32, 10, 3, 8
CHARACTERS, PAIRS, LEGIBLE = 1_000, 160, 0.5
COUNTED = 10
"""Steps of ours after the warm start that are timed for their cost."""
CHECKS = 1.15
"""Quality is looked at whenever the time has grown by this factor."""


@dataclass
class Quality:
    """Of held-out glyphs."""

    retrieval: float
    difference: float

    def __str__(self) -> str:
        return f"retrieval {self.retrieval:.3f}, L1 {self.difference:.4f}"


@dataclass
class Course:
    """What a side came to: CPU seconds to the goal, infinite if not reached, and how it went.

    ``legible``: CPU seconds until retrieval alone was good enough; ``per_step``: of all steps.
    """

    legible: float
    seconds: float
    steps: int
    last: Quality
    per_step: float


def held_out(data: FontPairData, draw: Callable[[np.ndarray], np.ndarray]) -> Quality:
    """Return the quality of what is drawn from the source glyphs of held-out characters."""
    truth = data.target[data.test] / 255.0
    drawn = draw(data.source[data.test])
    return Quality(retrieval_accuracy(drawn, truth), float(l1(drawn, truth).mean()))


def timed(
    step: Callable[[], object], look: Callable[[], Quality], goal: Quality, most: float
) -> Course:  # fmt: skip
    """Step until the goal is reached, or ``most`` CPU seconds are spent."""
    spent, next_look, taken, legible = 0.0, 1.0, 0, math.inf
    while True:
        begin = time.process_time()
        step()
        spent += time.process_time() - begin
        taken += 1
        ended = spent >= most
        if not (ended or spent >= next_look):
            continue
        next_look = CHECKS * spent
        found = look()
        print(f"    {spent:7.1f} s, step {taken}: {found}", flush=True)
        if found.retrieval >= goal.retrieval:
            legible = min(legible, spent)
        reached = found.retrieval >= goal.retrieval and found.difference < goal.difference
        if reached or ended:
            return Course(legible, spent if reached else math.inf, taken, found, spent / taken)


class PlainLoop:
    """CycleGAN as one writes it first: a picture at a time, from files, each pass by itself."""

    def __init__(
        self, data: FontPairData, folder: Path, seed: int, rate: float, pairs: bool
    ) -> None:
        self._folder, self._rng = folder, np.random.default_rng(seed)
        self._train, self._paired = data.train, data.paired if pairs else data.paired[:0]
        for name, glyphs in (("a", data.source), ("b", data.target)):
            (folder / name).mkdir(exist_ok=True)
            for row in data.train:
                Image.fromarray(glyphs[row]).convert("RGB").save(folder / name / f"{row}.png")
        drawn = torch.Generator().manual_seed(seed)
        self.g, self.f = (ResnetGenerator(3, WIDTH, BLOCKS, drawn) for _ in "gf")
        self.d_b, self.d_a = (
            PatchDiscriminator(3, WIDTH, image_size=PX, stroke_dim=0, generator=drawn) for _ in "ba"
        )
        self._of_g = torch.optim.Adam([*self.g.parameters(), *self.f.parameters()], rate,
                                      (0.5, 0.999))  # fmt: skip
        self._of_d = torch.optim.Adam([*self.d_a.parameters(), *self.d_b.parameters()], rate,
                                      (0.5, 0.999))  # fmt: skip
        self._pools: dict[str, list[Tensor]] = {"a": [], "b": []}

    def _read(self, name: str, row: int) -> Tensor:
        picture = Image.open(self._folder / name / f"{row}.png").convert("RGB")
        picture = picture.resize((PX, PX), Image.Resampling.BICUBIC)
        values = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()
        return (values / 127.5 - 1)[None]

    def _old(self, name: str, picture: Tensor) -> Tensor:
        pool = self._pools[name]
        if len(pool) < 50:
            pool.append(picture)
            return picture
        if self._rng.random() < 0.5:
            return picture
        place = int(self._rng.integers(50))
        old, pool[place] = pool[place], picture
        return old

    def step(self) -> None:
        """Take one step on one picture of each font."""
        a = self._read("a", int(self._rng.choice(self._train)))
        b = self._read("b", int(self._rng.choice(self._train)))
        fake_b, fake_a = self.g(a), self.f(b)
        again_a, again_b = self.f(fake_b), self.g(fake_a)
        same_b, same_a = self.g(b), self.f(a)
        judges = (self.d_a, self.d_b)
        for judge in judges:
            judge.requires_grad_(False)
        loss = (self.d_b(fake_b)[0] - 1).square().mean() + (self.d_a(fake_a)[0] - 1).square().mean()
        loss = loss + 10 * ((again_a - a).abs().mean() + (again_b - b).abs().mean())
        loss = loss + 5 * ((same_a - a).abs().mean() + (same_b - b).abs().mean())
        if len(self._paired):
            row = int(self._rng.choice(self._paired))
            pair_a, pair_b = self._read("a", row), self._read("b", row)
            loss = loss + 10 * (self.g(pair_a) - pair_b).abs().mean()
            loss = loss + 10 * (self.f(pair_b) - pair_a).abs().mean()
        self._of_g.zero_grad()
        loss.backward()
        self._of_g.step()
        for judge in judges:
            judge.requires_grad_(True)
        self._of_d.zero_grad()
        for judge, real, fake, name in ((self.d_b, b, fake_b, "b"), (self.d_a, a, fake_a, "a")):
            old = self._old(name, fake.detach())
            wrong = (judge(real)[0] - 1).square().mean() + judge(old)[0].square().mean()
            (0.5 * wrong).backward()
        self._of_d.step()

    def draw(self, glyphs: np.ndarray) -> np.ndarray:
        """Return glyphs drawn in the target font, grey, in [0, 1]."""
        with torch.inference_mode():
            x = torch.from_numpy(glyphs / np.float32(127.5) - 1)[:, None].repeat(1, 3, 1, 1)
            made: Any = self.g(x).mean(1).add(1).div(2).clamp(0, 1)
        return np.asarray(made.numpy())


def data_of(source: str, target: str, seed: int) -> FontPairData:
    """Return the characters that both fonts have, split and paired by a seed."""
    fonts = [GlyphRenderer(name, px=PX) for name in (source, target)]
    encoder = StrokeEncoder()
    chars = [char for char in common_characters([(one.file, one.face) for one in fonts])
             if encoder.knows(char)][:CHARACTERS]  # fmt: skip
    drawn, wanted = (np.array(one.render(chars)) for one in fonts)
    data = FontPairData.split(chars, drawn, wanted, encoder.encode_all(chars), seed)
    return data.with_pairs(PairSelector(n_pairs=min(PAIRS, len(data.train))), seed)


def numbers(module: nn.Module) -> int:
    """Return how many parameters a module has."""
    return sum(part.numel() for part in module.parameters())


def compared(arguments: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Return both sides' courses for a seed."""
    data = data_of(arguments.source, arguments.target, seed)
    # the schedule is constant: no side knows when it will be there
    base = TrainingSettings(
        image_size=PX, width=WIDTH, blocks=BLOCKS, batch=BATCH, steps=10**7, shift=1,
        pair_weight=arguments.pair_weight,
        learning_rate=arguments.rate, schedule="constant", warm_start=arguments.warm_start,
        stroke_ramp=2e-5,
    )  # fmt: skip
    floor = held_out(data, lambda glyphs: glyphs / 255.0)
    control = StrokeGANTrainer(data, variant_settings("l1_pairs_only", base), seed)
    control.fit(arguments.control_steps)
    alone = held_out(data, control.generate)
    goal = Quality(max(LEGIBLE, floor.retrieval + 1e-9), alone.difference)
    print(f"  seed {seed}: {len(data.train)} characters train, {len(data.paired)} of them pairs, "
          f"{len(data.test)} held out")  # fmt: skip
    print(f"  source as it is: {floor}")
    print(f"  pairs alone, {arguments.control_steps} steps: {alone}")
    print(f"  goal: retrieval at least {goal.retrieval:.3f}, L1 below {goal.difference:.4f}")
    ours = StrokeGANTrainer(data, base, seed)
    print(f"  ours ({numbers(ours.networks['to_target']):,} parameters a generator)")
    mine = timed(ours.step, lambda: held_out(data, ours.generate), goal, arguments.seconds)
    full = StrokeGANTrainer(data, replace(base, warm_start=0), seed)
    full.step()
    begin = time.process_time()
    full.fit(COUNTED)
    per_pair = (time.process_time() - begin) / (COUNTED * BATCH)
    with tempfile.TemporaryDirectory() as folder:
        plain = PlainLoop(
            data, Path(folder), seed, arguments.reference_rate, arguments.reference_pairs
        )
        print(f"  plain loop ({numbers(plain.g):,} parameters a generator)")
        theirs = timed(plain.step, lambda: held_out(data, plain.draw), goal, arguments.seconds)
    return {"seed": seed, "goal": goal, "floor": floor, "alone": alone, "ours": mine,
            "plain": theirs, "warm": mine.steps <= arguments.warm_start,
            "per_pair": per_pair}  # fmt: skip


def said(seconds: float, most: float) -> str:
    """Return seconds in words."""
    return f"more than {most:g} s" if math.isinf(seconds) else f"{seconds:.1f} s"


def ratio_of(ours: float, plain: float, most: float) -> tuple[float | None, bool]:
    """Return how many times longer the plain loop takes, None if ours did not arrive; a bound?"""
    if math.isinf(ours):
        return None, False
    bound = math.isinf(plain)
    return (most if bound else plain) / ours, bound


def compared_in_words(name: str, ours: float, plain: float, most: float) -> str:
    """Return a line that compares two times to a goal."""
    ratio, bound = ratio_of(ours, plain, most)
    times = "no ratio" if ratio is None else f"{'at least ' if bound else ''}{ratio:.1f}x"
    return f"  {name}: ours {said(ours, most)}, plain loop {said(plain, most)}: {times}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the figures as JSON in the last line")
    parser.add_argument("--seconds", type=float, default=300.0, help="most CPU seconds of a side")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=2)
    parser.add_argument("--source", default="sample-kai", help="a font's file or name")
    parser.add_argument("--target", default="sample-kuaile")
    parser.add_argument("--rate", type=float, default=1e-3, help="ours, for batches of 8")
    parser.add_argument("--reference-rate", type=float, default=2e-4, help="the authors'")
    parser.add_argument("--reference-pairs", action="store_true", help="the plain loop has pairs")
    parser.add_argument("--pair-weight", type=float, default=25.0, help="ours")
    parser.add_argument("--warm-start", type=int, default=400, help="ours, steps on pairs alone")
    parser.add_argument("--control-steps", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.source} -> {arguments.target}, {PX} px, width {WIDTH}, {BLOCKS} blocks; "
          f"one thread, at most {arguments.seconds:g} CPU s a side")  # fmt: skip
    first = arguments.first_seed
    rows = [compared(arguments, seed) for seed in range(first, first + arguments.seeds)]
    results: dict[str, Any] = {}
    most = arguments.seconds
    for row in rows:
        ours, plain = row["ours"], row["plain"]
        where = " (still on pairs alone)" if row["warm"] else ""
        print(f"seed {row['seed']}{where}")
        print(compared_in_words("retrieval alone", ours.legible, plain.legible, most))
        print(compared_in_words("retrieval and L1", ours.seconds, plain.seconds, most))
        cost = plain.per_step / row["per_pair"]
        print(f"  a whole step costs, for a picture of each font, {1e3 * row['per_pair']:.1f} "
              f"and {1e3 * plain.per_step:.1f} CPU ms: {cost:.2f}x")  # fmt: skip
        for name, mine, theirs in (("legible", ours.legible, plain.legible),
                                   ("goal", ours.seconds, plain.seconds)):  # fmt: skip
            ratio, bound = ratio_of(mine, theirs, most)
            results[f"seed {row['seed']}, {name}"] = {
                "ours": _number(mine), "peer": _number(theirs), "ratio": ratio,
                "lower_bound": bound, "unit": "s CPU",
            }  # fmt: skip
        results[f"seed {row['seed']}, step"] = {
            "ours": 1e3 * row["per_pair"], "peer": 1e3 * plain.per_step, "ratio": cost,
            "unit": "ms CPU",
        }  # fmt: skip
        results[f"seed {row['seed']}, goals"] = {
            "cap": most, "retrieval": row["goal"].retrieval, "l1": row["goal"].difference,
            "ours_last": vars(ours.last), "peer_last": vars(plain.last),
            "on_pairs_alone": row["warm"],
        }  # fmt: skip
    if arguments.json:
        print(json.dumps(results))


def _number(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


if __name__ == "__main__":
    main()
