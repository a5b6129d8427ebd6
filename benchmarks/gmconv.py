"""GMConv: masked convolutions against plain ones of the same shape.

One thread, float32. (a) A training step (forward, sum of squares, backward to input and
parameters) of static layers and of ``nn.Conv2d``; (b) inference of a static layer in evaluation,
which keeps its masked kernel, and of a folded one; (c) dynamic layers, training step and inference.
The sides take turns in one process, in an order that turns round; minima of the CPU time that one
call takes, so that what else runs on the machine counts little. The exit status is 1 if a folded
layer does not give the masked one's output to the bit.

Run: ``nice python benchmarks/gmconv.py [--json] [--rounds N]`` (about a minute of CPU time).
"""

import argparse
import copy
import json
import time
from collections.abc import Callable

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
ROUNDS = 40


def minima(sides: tuple[Step, ...], rounds: int) -> list[float]:
    """Return the least milliseconds of CPU time of each side's call."""
    least = [float("inf")] * len(sides)
    for step in sides:
        step()
    for turn in range(rounds):
        for place in range(len(sides)):
            place = (place + turn) % len(sides)
            start = time.process_time()
            sides[place]()
            least[place] = min(least[place], time.process_time() - start)
    return [1e3 * seconds for seconds in least]


def training(layer: nn.Module, x: torch.Tensor) -> Step:
    """Return a call that does one step's forward and backward pass."""
    x = x.clone().requires_grad_()

    def step() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).square().sum().backward()

    return step


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

    def told(name: str, ours: float, peer: float) -> None:
        ratio = ours / peer
        results[name] = {"ours": ours, "peer": peer, "ratio": ratio, "unit": "ms CPU"}
        print(f"  {name}: {ours:.3f} ms, nn.Conv2d {peer:.3f} ms, {ratio:.3f}x", flush=True)

    print(f"minima of {arguments.rounds} turns, one thread, torch {torch.__version__}")
    for batch, into, out, side, kernel in STATIC:
        shape = f"{batch}x {into}->{out} {side}x{side} K{kernel}"
        x = torch.randn(batch, into, side, side)
        plain = nn.Conv2d(into, out, kernel, padding=kernel // 2)
        masked = GMConv2d(into, out, kernel, padding=kernel // 2)
        folded = fold_gmconv(masked).model
        exact &= torch.equal(folded.eval()(x), masked.eval()(x))
        masked.train()
        ours, peer = minima((training(masked, x), training(plain, x)), arguments.rounds)
        told(f"{shape}: static, training step", ours, peer)
        sides = inference(masked, x), inference(folded, x), inference(plain, x)
        kept, flat, peer = minima(sides, 2 * arguments.rounds)
        told(f"{shape}: static, evaluation", kept, peer)
        told(f"{shape}: folded, evaluation", flat, peer)
    for batch, into, out, side, kernel in DYNAMIC:
        shape = f"{batch}x {into}->{out} {side}x{side} K{kernel}"
        x = torch.randn(batch, into, side, side)
        plain = nn.Conv2d(into, out, kernel, padding=kernel // 2)
        dynamic = DynamicGMConv2d(into, out, kernel, padding=kernel // 2)
        ours, peer = minima((training(dynamic, x), training(plain, x)), arguments.rounds)
        told(f"{shape}: dynamic, training step", ours, peer)
        ours, peer = minima((inference(dynamic, x), inference(plain, x)), 2 * arguments.rounds)
        told(f"{shape}: dynamic, evaluation", ours, peer)
    print(f"folded outputs equal to the bit: {exact}")
    if arguments.json:
        print(json.dumps(results))
    if not exact:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
