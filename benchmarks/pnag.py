"""PNAG's generator and rank loss against plain loops, and the exact front of the full space.

    python benchmarks/pnag.py [--json] [--quick]

Policy step: architectures of the OFA-MobileNetV3 space (45 decisions) are sampled, and the loss's
gradient is made and applied by Adam; ours takes 64 or 256 a step, the loop one a step with
`nn.LSTMCell` (`generator/looped.py`). Both count every decision (unmasked), as the authors' code
does. Rank loss: value and gradient of a batch of 256 (32,640 pairs), ours against one term a row
of pairs with autograd (the loop), and one a pair, listed by `itertools.combinations` (told beside).
Product: (64, 64) by (64, 256) in single precision, what a decision of 64 architectures takes, by
numpy's library (ours) and torch's, at the level of instructions of the process (`portable`).

Exact front: the scores of the specification, 5.6; there is no peer, the limit is 1 s.

All sides run in this process on one thread, by turns; the least CPU time of some repetitions
counts, so a busy machine disturbs little.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from heliostat.worker.numerics import prepare_environment

prepare_environment()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn.functional import softplus  # noqa: E402

from heliostat_methods.pnag.descent.adam import Adam  # noqa: E402
from heliostat_methods.pnag.descent.products import product  # noqa: E402
from heliostat_methods.pnag.fronts.additive import exact_additive_front  # noqa: E402
from heliostat_methods.pnag.generator.architecture_generator import (  # noqa: E402
    ArchitectureGenerator,
)
from heliostat_methods.pnag.generator.labels import pareto_labels  # noqa: E402
from heliostat_methods.pnag.generator.looped import LoopedGenerator  # noqa: E402
from heliostat_methods.pnag.generator.ranking import pairwise_rank_loss  # noqa: E402
from heliostat_methods.pnag.spaces.additive import rising_score  # noqa: E402
from heliostat_methods.pnag.spaces.counting import block_cost  # noqa: E402
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space  # noqa: E402

KNOTS = (80, 110, 140, 170, 200)
Work = Callable[[], object]


def cpu_seconds(works: Mapping[str, Work], repeat: int) -> dict[str, float]:
    """Return the least CPU time of each, all run by turns after once to warm up."""
    best = {name: math.inf for name in works}
    for turn in range(repeat + 1):
        for name, work in works.items():
            began = time.process_time()
            work()
            spent = time.process_time() - began
            best[name] = min(best[name], spent) if turn else best[name]
    return best


def our_step(model: ArchitectureGenerator, batch: int) -> Work:
    """Return a function that makes a policy step with a batch of 8 budgets."""
    rng, adam = np.random.default_rng(0), Adam(model.parameters())
    budgets = np.repeat(np.linspace(KNOTS[0], KNOTS[-1], 8), batch // 8)
    gains = torch.linspace(-1, 1, batch)

    def work() -> None:
        said = model.sample(budgets, rng)
        (-(gains * said.log_prob).mean() - 0.1 * said.entropy.mean()).backward()
        adam.step(5e-3)

    return work


def looped_step(model: LoopedGenerator) -> Work:
    """Return a function that makes a policy step with one architecture."""
    rng, adam = np.random.default_rng(0), Adam(model.parameters())

    def work() -> None:
        _, log_prob, entropy = model(100.0, rng)
        (-log_prob * 1e-3 - entropy * 1e-3).backward()
        adam.step(3e-4)

    return work


def policy_steps(repeat: int) -> dict[str, Any]:
    """Return seconds an architecture on both sides, for batches of 64 and 256."""
    decisions = OFAMobileNetV3Space().decisions

    def model() -> ArchitectureGenerator:
        return ArchitectureGenerator(decisions, KNOTS, np.random.default_rng(0), masked=False)

    works = {"loop": looped_step(LoopedGenerator(model()))}
    works |= {f"policy_step_{batch}": our_step(model(), batch) for batch in (64, 256)}
    spent = cpu_seconds(works, repeat)
    found = {}
    for batch in (64, 256):
        ours = spent[f"policy_step_{batch}"] / batch
        found[f"policy_step_{batch}"] = row(ours, spent["loop"], "s/architecture")
    return found


def rows_of_pairs(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the loss with one term for each i and all j after it."""
    count, total = len(scores), scores.new_zeros(())
    for i in range(count - 1):
        total = total + softplus(-labels[i, i + 1 :] * (scores[i] - scores[i + 1 :])).sum()
    return total / (count * (count - 1) / 2)


def listed_pairs(scores: Tensor, accuracy: list[float], cost: list[float], budget: float) -> Tensor:
    """Return the loss of pairs listed and labelled one by one, then ranked at once."""
    first, second, wins = [], [], []
    for i, j in combinations(range(len(accuracy)), 2):
        both = cost[i] <= budget and cost[j] <= budget
        better = accuracy[i] > accuracy[j] if both else cost[i] < cost[j]
        first.append(i)
        second.append(j)
        wins.append(1.0 if better else -1.0)
    return softplus(-torch.tensor(wins) * (scores[first] - scores[second])).mean()


def rank_losses(repeat: int) -> dict[str, Any]:
    """Return seconds of value and gradient on both sides; the values are equal."""
    rng = np.random.default_rng(0)
    accuracy, cost = rng.random(256), rng.uniform(50, 200, 256)
    values = torch.from_numpy(rng.standard_normal(256).astype(np.float32))
    labels = pareto_labels(accuracy, cost, 110)
    wins = torch.from_numpy(labels).float()
    losses: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda scores: pairwise_rank_loss(scores, labels).value,
        "ours with labels": lambda scores: (
            pairwise_rank_loss(scores, pareto_labels(accuracy, cost, 110)).value
        ),
        "rows": lambda scores: rows_of_pairs(scores, wins),
        "listed": lambda scores: listed_pairs(scores, accuracy.tolist(), cost.tolist(), 110),
    }
    reached = {name: float(loss(values)) for name, loss in losses.items()}
    if max(reached.values()) - min(reached.values()) > 1e-5:
        raise SystemExit(f"the losses differ: {reached}")
    spent = cpu_seconds(
        {name: differentiated(loss, values) for name, loss in losses.items()}, repeat
    )
    return {
        "rank_loss_256": row(spent["ours"], spent["rows"], "s/batch"),
        "rank_loss_and_labels_256": row(spent["ours with labels"], spent["listed"], "s/batch"),
    }


def differentiated(loss: Callable[[Tensor], Tensor], values: Tensor) -> Work:
    """Return a function that makes the loss and its gradient."""

    def work() -> None:
        scores = values.clone().requires_grad_()
        loss(scores).backward()

    return work


def products(repeat: int) -> dict[str, Any]:
    """Return seconds of a thousand products on both sides."""
    rng = np.random.default_rng(0)
    a, b, out = (
        torch.from_numpy(rng.standard_normal(shape, np.float32))
        for shape in ((64, 64), (64, 256), (64, 256))
    )

    def thousand(work: Work) -> Work:
        return lambda: [work() for _ in range(1000)]

    works = {
        "ours": thousand(lambda: product(a, b, out)),
        "torch": thousand(lambda: torch.mm(a, b, out=out)),
    }
    spent = cpu_seconds(works, repeat)
    return {"products_1000": row(spent["ours"], spent["torch"], "s")}


def exact_front(repeat: int) -> dict[str, Any]:
    """Return seconds of the front of 2.18e19 architectures, which has 613 points."""
    space = OFAMobileNetV3Space()
    cost, fixed = block_cost(space, (3, 224, 224), 1000)

    def work() -> None:
        points = len(exact_additive_front(space, rising_score, cost, fixed))
        if points != 613:
            raise SystemExit(f"the front has {points} points, expected 613")

    return {"exact_front": row(cpu_seconds({"ours": work}, repeat)["ours"], None, "s")}


def row(ours: float, peer: float | None, unit: str) -> dict[str, Any]:
    """Return one comparison as the JSON line has it."""
    return {"ours": ours, "peer": peer, "ratio": peer / ours if peer else None, "unit": unit}


def main() -> None:
    """Run all comparisons and print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="three repetitions of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeat = 3 if options.quick else 40
    results: dict[str, Any] = {}
    for part in (policy_steps, rank_losses, products, exact_front):
        for name, found in part(repeat).items():
            results[name] = found
            peer = "no peer, limit 1 s" if found["peer"] is None else (
                f"peer {found['peer'] * 1e3:9.3f} {found['ratio']:6.1f}x")  # fmt: skip
            print(f"{name:<26} ours {found['ours'] * 1e3:9.3f} m{found['unit']:<15} {peer}",
                  flush=True)  # fmt: skip
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
