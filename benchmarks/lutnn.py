"""Layers by table lookup against torch's dense layers: how many times faster, on 1 and 2 threads.

    python benchmarks/lutnn.py [--threads 1 2] [--seconds 0.4] [--json]

Linear layers of BERT-base (V = 32, K = 16) at 1 to 512 tokens against `linear` in float32 and the
dynamic int8 layer of torch.ao; the sixteen 3x3 convolutions of ResNet-18's blocks at 224x224, one
image (V = 9), against float32 `conv2d`, the better of NCHW and channels_last; and layers of many
sizes as `convert_lut` leaves them by its cost model, against dense: none may be slower. Times are
of calls from Python, output allocation included: minima over repetitions, taken in turns. On one
thread it is the thread's own CPU time, so that other jobs on the machine do not count; on more it
is the clock's. Both sides use all that this CPU has (not the level `portable`). These are ratios
at equal shape, not at equal accuracy.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import torch

from heliostat_methods.lutnn.converting.convert import convert_lut
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import PackedLayer, calibrated_scale, pack
from heliostat_search.compiled import FALLBACK, Kernels

BERT = ((768, 768), (768, 3072), (3072, 768))
TOKENS = (1, 8, 32, 128, 512)
MANY = (32, 128, 512)
RESNET18 = ((64, 64, 56, 1, 4), (64, 128, 56, 2, 1), (128, 128, 28, 1, 3), (128, 256, 28, 2, 1),
            (256, 256, 14, 1, 3), (256, 512, 14, 2, 1), (512, 512, 7, 1, 3))  # fmt: skip
"""Channels in and out, size of the image, stride, how often."""
DISPATCHED = ((16, 16, 1), (64, 64, 1), (64, 64, 64), (512, 10, 64), (128, 128, 8), (256, 256, 1),
              (256, 256, 32), (768, 768, 1), (768, 3072, 8), (3072, 768, 128))  # fmt: skip
"""Features, outputs and tokens of layers that a cost model decides on."""
DISPATCHED_IMAGES = ((3, 8, 8), (16, 16, 8), (16, 64, 28), (64, 64, 28), (128, 128, 14))
"""Channels in and out, and size of the image."""
Work = Callable[[], object]


def minima(works: dict[str, Work], seconds: float, threads: int) -> dict[str, float]:
    """Return the least microseconds of each work, all taken in turns for ``seconds`` each."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    least = dict.fromkeys(works, math.inf)
    for work in works.values():
        work()
    until, turns = time.perf_counter() + seconds * len(works), 0
    while turns < 5 or time.perf_counter() < until:
        for name, work in works.items():
            work()  # brings its own data back into the caches
            began = clock()
            work()
            least[name] = min(least[name], 1e6 * (clock() - began))
        turns += 1
    return least


def layer(codebooks: int, length: int, outputs: int, x: torch.Tensor, search: str) -> PackedLayer:
    """Return a layer of random centroids and tables."""
    centroids = torch.randn(codebooks, 16, length)
    tables = torch.randint(-127, 128, (codebooks, 16, outputs), dtype=torch.int8)
    step = calibrated_scale(x)
    if search == "int8":
        return pack(centroids, tables, 0.01, torch.randn(outputs), search="int8", input_scale=step)
    return pack(centroids, tables, 0.01, torch.randn(outputs))


def int8_layer(features: int, outputs: int) -> torch.nn.Module:
    """Return torch's dynamically quantised linear layer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao says that it will move
        model = torch.nn.Sequential(torch.nn.Linear(features, outputs))
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear})


def linear_times(
    features: int, outputs: int, tokens: int, levels: dict[str, Kernels], seconds: float,
    threads: int,
) -> dict[str, float]:  # fmt: skip
    """Return microseconds of one shape, dense and by lookup."""
    x, weight, bias = torch.randn(tokens, features), torch.randn(outputs, features), None
    quantised = int8_layer(features, outputs)
    works: dict[str, Work] = {
        "float32": lambda: torch.nn.functional.linear(x, weight, bias),
        "int8": lambda: quantised(x),
    }
    for search in ("float", "int8"):
        packed = layer(features // 32, 32, outputs, x, search)
        for level, kernels in levels.items():
            works[f"{level} {search}"] = lambda p=packed, k=kernels: lut_linear(x, p, using=k)
    return minima(works, seconds, threads)


def convolution_times(levels: dict[str, Kernels], seconds: float, threads: int) -> dict[str, float]:
    """Return microseconds of ResNet-18's 3x3 layers together."""
    total: dict[str, float] = {}
    for channels, outputs, size, stride, count in RESNET18:
        x, weight = torch.randn(1, channels, size, size), torch.randn(outputs, channels, 3, 3)
        last = [t.to(memory_format=torch.channels_last) for t in (x, weight)]
        works: dict[str, Work] = {
            "NCHW": lambda x=x, w=weight, s=stride: torch.conv2d(x, w, stride=s, padding=1),
            "channels_last": lambda p=last, s=stride: torch.conv2d(*p, stride=s, padding=1),
        }
        for search in ("float", "int8"):
            packed = layer(channels, 9, outputs, x, search)
            for level, kernels in levels.items():
                works[f"{level} {search}"] = lambda x=x, p=packed, k=kernels, s=stride: lut_conv3x3(
                    x, p, stride=s, using=k
                )
        found = minima(works, seconds, threads)
        found["float32"] = min(found.pop("NCHW"), found.pop("channels_last"))
        shape = f"{channels}->{outputs} {size}x{size}" + (" / 2" if stride == 2 else "")
        print(f"  {shape:<20}" + "".join(f"{n} {t:>7.0f}   " for n, t in sorted(found.items())))
        for name, value in found.items():
            total[name] = total.get(name, 0.0) + count * value
    return total


def dispatched(seconds: float, threads: int) -> dict[str, float]:
    """Return how many times faster than dense each layer is that the cost model decided on."""
    some: list[tuple[str, torch.nn.Module, torch.Tensor]] = [
        (f"{d}x{m} N={n}", torch.nn.Linear(d, m), torch.randn(n, d)) for d, m, n in DISPATCHED
    ]
    some += [
        (f"conv {c}->{m} {s}x{s}", torch.nn.Conv2d(c, m, 3, padding=1), torch.randn(1, c, s, s))
        for c, m, s in DISPATCHED_IMAGES
    ]
    found = {}
    for name, dense, x in some:
        # enough rows to cluster, in batches of as many rows as are called
        batches = [torch.randn_like(x) for _ in range(max(1, 32 // len(x)))]
        policy = LutPolicy(linear=16, keep_first=False, keep_last=False)
        done = convert_lut(torch.nn.Sequential(dense), policy, batches)
        if not done.converted:
            print(f"  {name:<20} stays dense")
            continue
        made = freeze_lut(done.model)
        times = minima({"dense": lambda f=dense, x=x: f(x), "made": lambda f=made, x=x: f(x)},
                       seconds, threads)  # fmt: skip
        found[name] = times["dense"] / times["made"]
        print(f"  {name:<20} becomes a lookup, {found[name]:.1f} x dense")
    return found


def mean_ratio(rows: Sequence[dict[str, float]], peer: str, ours: str) -> float:
    """Return the geometric mean of how many times faster ours is."""
    return math.exp(sum(math.log(row[peer] / row[ours]) for row in rows) / len(rows))


def measure(
    levels: dict[str, Kernels], threads: int, seconds: float
) -> dict[str, dict[str, object]]:
    """Print all shapes on some threads, and return the claims."""
    torch.set_num_threads(threads)
    word = f"{threads} thread" + "s" * (threads > 1)
    claims: dict[str, dict[str, object]] = {}

    def claim(name: str, rows: Sequence[dict[str, float]], peer: str, ours: str) -> None:
        sums = (sum(row[ours] for row in rows), sum(row[peer] for row in rows))
        ratio = mean_ratio(rows, peer, ours)
        claims[f"{name}, {ours} search over {peer}, {word}"] = {
            "ours": sums[0], "peer": sums[1], "ratio": ratio, "unit": "us",
        }  # fmt: skip
        print(f"{name:<34} {ours + ' search':<26} {ratio:>6.1f} x {peer}, {word}")

    times = {
        (*shape, n): linear_times(*shape, n, levels, seconds, threads)
        for shape in BERT for n in TOKENS
    }  # fmt: skip
    columns = [f"{level} {search}" for level in levels for search in ("float", "int8")]
    for (features, outputs, n), row in times.items():
        ratios = "".join(
            f" | {c} {row[c]:.1f} us: {row['float32'] / row[c]:.1f} {row['int8'] / row[c]:.1f}"
            for c in columns
        )
        print(f"  {features}x{outputs} N={n:<4} float32 {row['float32']:.0f} us, int8 "
              f"{row['int8']:.0f} us{ratios}")  # fmt: skip
    print("3x3 convolutions, us:")
    convolutions = convolution_times(levels, seconds, threads)
    print(f"geometric means over shapes, {word}:")
    for column in columns:
        for peer in ("float32", "int8"):
            rows = [row for (*_, n), row in times.items() if n in MANY]
            claim("BERT layers, 32 to 512 tokens", rows, peer, column)
            rows = [row for (*_, n), row in times.items() if n == 1]
            claim("BERT layers, 1 token", rows, peer, column)
        claim("ResNet-18's 3x3 layers", [convolutions], "float32", column)
    print(f"layers as the cost model leaves them, {word}:")
    worst = min(dispatched(seconds, threads).values())
    claims[f"slowest of the layers that the cost model converts, {word}"] = {
        "ours": 1.0, "peer": worst, "ratio": worst, "unit": "times dense",
    }  # fmt: skip
    print(f"slowest of those that became lookups: {worst:.1f} x dense, {word}")
    return claims


def main() -> int:
    """Print both sides of every claim; the last line as JSON if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=0.4, help="for each work")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    args = parser.parse_args()
    torch.manual_seed(0)
    runnable = [name for name in LIBRARY.runnable if name not in (FALLBACK, "scalar")][:2]
    levels = {name: LIBRARY.load(variant=name) for name in runnable or [FALLBACK]}
    for kernels in levels.values():
        print(kernels.sentence)
    claims: dict[str, dict[str, object]] = {}
    with torch.no_grad():
        for threads in args.threads:
            claims |= measure(levels, threads, args.seconds)
    if args.json:
        print(json.dumps(claims))
    return 0


if __name__ == "__main__":
    sys.exit(main())
