"""The supernet against plain forms of the same: evaluation by prefix, training, memory formats.

    python benchmarks/pnag_supernet.py [--json] [--quick] [--images FILE.npz]

The space is ElasticConv-3: 28 x 28 images, three units of one or two blocks, kernels 3 and 5,
expand ratios 2 and 4, 8,000 subnets. Images are scikit-learn's digits, enlarged from 8 x 8, or
arrays `X` (n, 28, 28, uint8) and `Y` (n,) of a file. One thread, CPU time: of training the median
of repetitions of both sides in turn, of passes the least, so a busy machine disturbs little.

Evaluation: all subnets on 300 images, each recalibrated on 64, by prefix; and some of them one by
one by the same code, scaled to all; also some by the plain form, whose logits differ in rounding.
Training: sandwich steps (largest, smallest, two random; batch 128; in-place
distillation) against a loop as Once-for-all's: NCHW, a forward and a backward for every subnet,
BatchNorm modules that cut their parameters, kernel maps under autograd at each call, torch's SGD.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout  # noqa: E402
from heliostat_methods.pnag.supernet.choices import SubnetChoices  # noqa: E402
from heliostat_methods.pnag.supernet.network import MemoryFormat, Supernet  # noqa: E402
from heliostat_methods.pnag.supernet.paths import distinct_prefixes  # noqa: E402
from heliostat_methods.pnag.supernet.prefixes import Chunks, each_logits  # noqa: E402
from heliostat_methods.pnag.supernet.sandwich import Sandwich  # noqa: E402
from heliostat_methods.pnag.supernet.training import (  # noqa: E402
    SupernetTrainer,
    TrainingSettings,
)

CHOICES = [(k, e) for k in (3, 5) for e in (2, 4)]
WIDTHS, STRIDES = (12, 16, 24, 40), (1, 2, 2)
CALIBRATION, EVALUATION, CHUNKS = 64, 300, Chunks(64, 300)


def layout() -> NetworkLayout:
    """Return ElasticConv-3."""
    units, size = [], 14
    for cin, cout, stride in zip(WIDTHS, WIDTHS[1:], STRIDES, strict=False):
        out = -(-size // stride)
        shape = ((cin, cout, stride, size), (cout, cout, 1, out))
        units.append(tuple(
            BlockShape(i, o, s, (n, n), "relu6", False, (3, 5), (2, 4)) for i, o, s, n in shape
        ))  # fmt: skip
        size = out
    head = (None, None, "relu6")
    return NetworkLayout((1, 28, 28), 10, WIDTHS[0], 2, "relu6", None, tuple(units), *head)


def middle(shape: BlockShape, expand: int) -> int:
    """Return the channels inside a block."""
    return shape.channels_in * expand


def everything() -> list[Blocks]:
    """Return all 8,000 subnets."""
    unit = [(a,) for a in CHOICES] + [(a, b) for a in CHOICES for b in CHOICES]
    return list(itertools.product(unit, repeat=3))


def images(path: str | None) -> tuple[Tensor, Tensor]:
    """Return images (n, 1, 28, 28) of mean 0 and deviation 1, and labels."""
    if path:
        with np.load(path, allow_pickle=False) as file:
            x, y = torch.tensor(file["X"].reshape(-1, 1, 28, 28)).float(), torch.tensor(file["Y"])
    else:
        from sklearn.datasets import load_digits

        digits = load_digits()
        small = torch.tensor(digits.images, dtype=torch.float32)[:, None]
        x = F.interpolate(small, size=(28, 28), mode="bilinear")
        y = torch.tensor(digits.target)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    return ((x - x.mean()) / x.std())[order], y.long()[order]


class PlainNorm(nn.BatchNorm2d):
    """Batch normalisation of the first channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the batch, keeping running statistics, as Once-for-all's layer."""
        n, momentum = x.shape[1], self.momentum or 0.0
        mean, spread = self.running_mean[:n], self.running_var[:n]
        return F.batch_norm(
            x, mean, spread, self.weight[:n], self.bias[:n], self.training, momentum, self.eps
        )


class PlainBlock(nn.Module):
    """An elastic block as written from the paper."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        most = cin * 4
        self.cin, self.cout, self.stride = cin, cout, stride
        self.expand, self.project = nn.Conv2d(cin, most, 1), nn.Conv2d(most, cout, 1)
        self.depth = nn.Conv2d(most, most, 5, groups=most)
        self.map = nn.Parameter(torch.eye(9))
        self.norms = nn.ModuleList([PlainNorm(most), PlainNorm(most), PlainNorm(cout)])

    def forward(self, x: Tensor, kernel: int, expand: int) -> Tensor:
        """Return the block's output."""
        n = self.cin * expand
        h = F.relu6(self.norms[0](F.conv2d(x, self.expand.weight[:n])))
        filters = self.depth.weight[:n]
        if kernel == 3:
            centre = filters[:, :, 1:4, 1:4].reshape(n, 9)
            filters = F.linear(centre, self.map).view(n, 1, 3, 3)
        h = F.conv2d(h, filters, None, self.stride, kernel // 2, 1, n)
        h = F.relu6(self.norms[1](h))
        y = self.norms[2](F.conv2d(h, self.project.weight[:, :n]))
        return y + x if self.stride == 1 and self.cin == self.cout else y


class PlainNet(nn.Module):
    """The supernet as written from the paper."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, WIDTHS[0], 3, 2, 1, bias=False), nn.BatchNorm2d(12)
        self.units = nn.ModuleList([
            nn.ModuleList([PlainBlock(i, o, s), PlainBlock(o, o, 1)])
            for i, o, s in zip(WIDTHS, WIDTHS[1:], STRIDES, strict=False)
        ])  # fmt: skip
        self.classifier = nn.Linear(WIDTHS[-1], 10)

    def forward(self, x: Tensor, blocks: Blocks) -> Tensor:
        """Return logits of a subnet."""
        x = F.relu6(self.norm(self.stem(x)))
        for unit, row in zip(self.units, blocks, strict=True):
            for block, (kernel, expand) in zip(unit, row, strict=False):
                x = block(x, kernel, expand)
        return self.classifier(x.mean((2, 3)))


def plain_steps(x: Tensor, y: Tensor, choices: SubnetChoices) -> Callable[[], None]:
    """Return a function that makes one step of the plain loop."""
    torch.manual_seed(0)
    net, rng = PlainNet(), np.random.default_rng(0)
    optimiser = torch.optim.SGD(net.parameters(), 0.05, 0.9, weight_decay=3e-5, nesterov=True)

    def step() -> None:
        batch = torch.from_numpy(rng.integers(len(x), size=128))
        images, labels = x[batch], y[batch]
        optimiser.zero_grad()
        logits = net(images, choices.largest)
        F.cross_entropy(logits, labels).backward()
        shares = logits.detach().softmax(1)
        for blocks in (choices.smallest, choices.draw(rng), choices.draw(rng)):
            logits = net(images, blocks)
            soft = -(shares * logits.log_softmax(1)).sum(1).mean()
            (0.5 * F.cross_entropy(logits, labels) + 0.5 * soft).backward()
        optimiser.step()

    return step


def our_steps(
    x: Tensor, y: Tensor, choices: SubnetChoices, memory_format: MemoryFormat = "channels_last"
) -> Callable[[], None]:
    """Return a function that makes one step of the trainer."""
    net = fresh(memory_format)
    settings = TrainingSettings(epochs=1000, rate=0.05)

    def streams(*name: Any) -> np.random.Generator:
        return np.random.default_rng([len(name[0]), *name[1:]])

    trainer = SupernetTrainer(net, choices, Sandwich(), settings, streams)

    def step() -> None:
        trainer.step(x, y)

    return step


def fresh(memory_format: MemoryFormat = "channels_last") -> Supernet:
    """Return a supernet with weights of seed 0."""
    generator = torch.Generator().manual_seed(0)
    return Supernet(layout(), middle, generator, memory_format=memory_format)


def in_turn(
    sides: dict[str, Callable[[], object]], repeat: int, warm: int = 1
) -> dict[str, list[float]]:
    """Return CPU seconds of every repetition of each side, one after the other in turn."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(warm + repeat):
        for name, work in sides.items():
            began = time.process_time()
            work()
            if round_ >= warm:
                found[name].append(time.process_time() - began)
    return found


def training(x: Tensor, y: Tensor, repeat: int) -> dict[str, Any]:
    """Compare steps of the trainer with those of the plain loop; the median of each."""
    choices = SubnetChoices(layout(), ((1, 2),) * 3)
    sides = {"ours": our_steps(x, y, choices), "peer": plain_steps(x, y, choices)}
    times = {name: float(np.median(t)) for name, t in in_turn(sides, repeat, 2).items()}
    return {"ours": 1 / times["ours"], "peer": 1 / times["peer"],
            "ratio": times["peer"] / times["ours"], "unit": "steps/s"}  # fmt: skip


def formats(x: Tensor, y: Tensor, repeat: int) -> dict[str, dict[str, Any]]:
    """Compare channels_last with contiguous, forward and backward of the largest subnet."""
    choices = SubnetChoices(layout(), ((1, 2),) * 3)
    times: dict[str, list[float]] = {}
    for _ in range(repeat + 1):
        for name in ("channels_last", "contiguous"):
            net = fresh(name)  # type: ignore[arg-type]
            began = time.process_time()
            loss = F.cross_entropy(net(x[:128], choices.largest), y[:128])
            between = time.process_time()
            loss.backward()
            times.setdefault(f"{name} forward", []).append(between - began)
            times.setdefault(f"{name} backward", []).append(time.process_time() - between)
    found = {}
    for way in ("forward", "backward"):
        ours, peer = (min(times[f"{n} {way}"][1:]) for n in ("channels_last", "contiguous"))
        found[f"channels_last_{way}"] = {
            "ours": ours, "peer": peer, "ratio": peer / ours, "unit": "s"
        }  # fmt: skip
    return found


def evaluation(x: Tensor, sample: int, every: bool) -> dict[str, Any]:
    """Compare all subnets by prefix with one by one, of which some are timed."""
    net, subnets = fresh(), everything()
    calibration, images = x[:CALIBRATION], x[CALIBRATION : CALIBRATION + EVALUATION]
    asked = subnets if every else [b for b in subnets if b[0] in (subnets[0][0], subnets[-1][0])]
    rng = np.random.default_rng(1)
    chosen = [int(i) for i in rng.choice(len(asked), sample, replace=False)]
    list(each_logits(net, asked[:1], calibration, images, CHUNKS))
    alone: dict[int, Tensor] = {}
    one, kept = math.inf, {}
    times = []
    for index in chosen:
        began = time.process_time()
        ((_, alone[index]),) = each_logits(net, [asked[index]], calibration, images, CHUNKS)
        times.append(time.process_time() - began)
    one = float(np.mean(times))
    wanted = frozenset(chosen)
    began = time.process_time()
    for index, logits in each_logits(net, asked, calibration, images, CHUNKS):
        if index in wanted:
            kept[index] = logits
    shared = time.process_time() - began
    plain = plain_alone(calibration, images, [asked[i] for i in chosen])
    difference = max(float((kept[i] - alone[i]).abs().max()) for i in chosen)
    equal = all(torch.equal(kept[i], alone[i]) for i in chosen)
    return {"ours": shared, "peer": one * len(asked), "ratio": one * len(asked) / shared,
            "unit": "s", "subnets": len(asked), "blocks": distinct_prefixes(asked),
            "timed_alone": sample, "written_plainly": plain * len(asked),
            "logits_equal": equal, "max_difference": difference}  # fmt: skip


def plain_alone(calibration: Tensor, images: Tensor, subnets: list[Blocks]) -> float:
    """Return CPU seconds of one subnet as written from the paper: recalibrated, then evaluated.

    In channels_last, whole widths at once: the quickest way that this file knows for one alone.
    """
    net = PlainNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    times = []
    with torch.inference_mode():
        for blocks in [subnets[0], *subnets]:
            began = time.process_time()
            net.train()(calibration, blocks)
            net.eval()(images, blocks)
            times.append(time.process_time() - began)
    return float(np.mean(times[1:]))


def main() -> None:
    """Run all comparisons and print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="800 of the subnets, few repetitions")
    parser.add_argument("--images", help="an .npz with X and Y, as Fashion-MNIST")
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, y = images(options.images)
    results: dict[str, Any] = {"training": training(x, y, 6 if options.quick else 20)}
    results |= formats(x, y, 2 if options.quick else 8)
    results["evaluation"] = evaluation(x, 12 if options.quick else 48, not options.quick)
    for name, found in results.items():
        print(f"{name:<24} ours {found['ours']:10.4f}  plain {found['peer']:10.4f} "
              f"{found['unit']:<8} {found['ratio']:6.2f}x")  # fmt: skip
    found = results["evaluation"]
    print(f"  {found['subnets']:,} subnets in {found['blocks']:,} blocks; one by one timed on "
          f"{found['timed_alone']} and scaled; logits equal: {found['logits_equal']}, greatest "
          f"difference {found['max_difference']}")  # fmt: skip
    print(f"  one by one written from the paper {found['written_plainly']:.4f} s, "
          f"{found['written_plainly'] / found['ours']:.2f}x")  # fmt: skip
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
