"""GMConv: masked convolutions against plain ones of the same shape.

One thread, float32. (a) A training step (forward, sum of squares, backward to input and
parameters) of static layers, of ``nn.Conv2d``, and of one whose weight is multiplied by 2; (b)
inference of a static layer in evaluation, which keeps its masked kernel, and of a folded one; (c)
dynamic layers, training step and inference. The sides take turns in one process, in an order that
turns round. The ratio is the median over turns of the two sides' CPU times in one turn, with the
95% interval of that median: a least time would be one lucky call. The exit status is 1 if a folded
layer does not give the masked one's output to the bit.

Run: ``nice python benchmarks/gmconv.py [--json] [--rounds N]`` (about a minute of CPU time).
"""

import argparse
import copy
import json
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d, fold_gmconv

Step = Callable[[], object]
# batch, channels in, channels out, side, kernel
STATIC = (
    (8, 64, 64, 32, 3),
    (8, 128, 128, 16, 3),
    (8, 3, 64, 32, 7),
    (8, 512, 512, 4, 3),
    (1, 256, 256, 14, 3),
)
DYNAMIC = ((8, 64, 64, 32, 3), (8, 128, 128, 16, 3), (8, 512, 512, 4, 3))
ROUNDS = 120


def turns(sides: tuple[Step, ...], rounds: int) -> list[list[float]]:
    """Return the milliseconds of CPU time of each side's call, turn by turn."""
    found: list[list[float]] = [[] for _ in sides]
    for step in sides:
        step()
    for turn in range(rounds):
        for place in range(len(sides)):
            place = (place + turn) % len(sides)
            start = time.process_time()
            sides[place]()
            found[place].append(1e3 * (time.process_time() - start))
    return found


def median_and_interval(values: list[float]) -> tuple[float, float, float]:
    """Return a median, and between which two values it lies 95 of 100 times (order statistics)."""
    ordered, n = sorted(values), len(values)
    off = 0.98 * n**0.5
    low, high = max(0, int(n / 2 - off)), min(n - 1, int(n / 2 + off))
    return ordered[n // 2], ordered[low], ordered[high]


def training(layer: nn.Module, x: torch.Tensor) -> Step:
    """Return a call that does one step's forward and backward pass."""
    x = x.clone().requires_grad_()

    def step() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).square().sum().backward()

    return step


class Doubled(nn.Module):
    """A plain convolution whose kernel is a number times its weight: the least a mask can cost."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution."""
        return self.plain._conv_forward(x, self.plain.weight * 2.0, self.plain.bias)


def inference(layer: nn.Module, x: torch.Tensor) -> Step:
    """Return a call that evaluates."""
    layer = copy.deepcopy(layer).eval()

    @torch.no_grad()
    def step() -> torch.Tensor:
        return layer(x)

    return step


def main() -> None:
    """Hold both sides against each other and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each side")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    results: dict[str, dict[str, float | str]] = {}
    exact = True

    def told(name: str, ours: list[float], peer: list[float]) -> None:
        ratios = [one / other for one, other in zip(ours, peer, strict=True)]
        ratio, low, high = median_and_interval(ratios)
        mine, theirs = median(ours), median(peer)
        results[name] = {"ours": mine, "peer": theirs, "ratio": ratio, "unit": "ms CPU"}
        print(f"  {name}: {mine:.3f} ms, nn.Conv2d {theirs:.3f} ms, "
              f"{ratio:.3f}x [{low:.3f}, {high:.3f}]", flush=True)  # fmt: skip

    print(f"medians of {arguments.rounds} turns, one thread, torch {torch.__version__}")
    for batch, into, out, side, kernel in STATIC:
        shape = f"{batch}x {into}->{out} {side}x{side} K{kernel}"
        x = torch.randn(batch, into, side, side)
        plain = nn.Conv2d(into, out, kernel, padding=kernel // 2)
        masked = GMConv2d(into, out, kernel, padding=kernel // 2)
        folded = fold_gmconv(masked).model
        exact &= torch.equal(folded.eval()(x), masked.eval()(x))
        masked.train()
        sides = training(masked, x), training(plain, x), training(Doubled(plain), x)
        ours, peer, doubled = turns(sides, arguments.rounds)
        told(f"{shape}: static, training step", ours, peer)
        told(f"{shape}: weight times 2, training step", doubled, peer)
        sides = inference(masked, x), inference(folded, x), inference(plain, x)
        kept, flat, peer = turns(sides, arguments.rounds)
        told(f"{shape}: static, evaluation", kept, peer)
        told(f"{shape}: folded, evaluation", flat, peer)
    for batch, into, out, side, kernel in DYNAMIC:
        shape = f"{batch}x {into}->{out} {side}x{side} K{kernel}"
        x = torch.randn(batch, into, side, side)
        plain = nn.Conv2d(into, out, kernel, padding=kernel // 2)
        dynamic = DynamicGMConv2d(into, out, kernel, padding=kernel // 2)
        ours, peer = turns((training(dynamic, x), training(plain, x)), arguments.rounds)
        told(f"{shape}: dynamic, training step", ours, peer)
        ours, peer = turns((inference(dynamic, x), inference(plain, x)), arguments.rounds)
        told(f"{shape}: dynamic, evaluation", ours, peer)
    print(f"folded outputs equal to the bit: {exact}")
    if arguments.json:
        print(json.dumps(results))
    if not exact:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
