"""Candidates per second: the compiled population path against one candidate at a time in torch.

Both sides see the same candidates, first weights, initialisations and batches, in one process with
one thread. The reference is handed its batches ready-made; the population path draws its own
inside the time. Agreement is checked on every candidate that ran on both sides.

Run: ``python benchmarks/evomal_population.py [--json]`` (two to three minutes).
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable

import evomal_reference as reference
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits

from heliostat_methods.evomal import rejection, training, unrolled
from heliostat_methods.evomal.expression import LossExpression, parse
from heliostat_methods.evomal.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.primitives import STANDARD
from heliostat_methods.evomal.problem import LearningProblem
from heliostat_methods.evomal.program import LossProgram, initial_weights

META_STEPS, FILTER_STEPS, TRAINING_STEPS, BATCH = 250, 1000, 500, 128


def streams(*name: int | str) -> np.random.Generator:
    """Return the stream of a name."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def stage(label: str) -> Callable[..., np.random.Generator]:
    """Return streams under a common prefix."""
    return lambda *name: streams(label, *name)


def random_expressions(count: int) -> list[LossExpression]:
    """Return random trees of height 2 to 4 that hold both y and f."""
    rng, found = streams("trees"), []
    operators, terminals = STANDARD.operators, STANDARD.terminals

    def grow(height: int, full: bool) -> tuple[str, ...]:
        if height == 0 or (not full and rng.random() < 0.25):
            return (terminals[rng.integers(len(terminals))],)
        name = operators[rng.integers(len(operators))]
        nodes: tuple[str, ...] = (name,)
        for _ in range(STANDARD[name].arity):
            nodes += grow(height - 1, full)
        return nodes

    while len(found) < count:
        nodes = grow(int(rng.integers(2, 5)), bool(rng.random() < 0.5))
        if "y" in nodes and "f" in nodes:
            found.append(LossExpression(nodes))
    return found


def diabetes(hidden: tuple[int, ...], dtype: type = np.float32) -> LearningProblem:
    """Return Diabetes split 60/20/20 and standardised on its training part."""
    x, y = load_diabetes(return_X_y=True)
    order = streams("split").permutation(len(y))
    train, valid = order[:265], order[265:353]
    x = (x - x[train].mean(0)) / x[train].std(0)
    y = (y - y[train].mean()) / y[train].std()
    return LearningProblem.from_rows(
        x[train], y[train], x[valid], y[valid], task="regression", hidden=hidden, dtype=dtype
    )


def rows(x: np.ndarray, y: np.ndarray, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch as torch tensors, samples first."""
    return (
        torch.from_numpy(np.ascontiguousarray(x[:, index].T)),
        torch.from_numpy(np.ascontiguousarray(y[:, index].T)),
    )


class Prepared:
    """What the reference is handed: the same draws as the population path makes."""

    def __init__(self, problem: LearningProblem, meta_steps: int, training_steps: int) -> None:
        n, nv = problem.x_train.shape[1], problem.x_valid.shape[1]
        search, fit = stage("search"), stage("fit")
        init, widths = search("init"), problem.widths
        self.inits = []
        for _ in range(meta_steps):
            theta = torch.from_numpy(xavier_uniform(widths, init))
            parts = reference.split_parameters(theta, widths)
            self.inits.append([p.requires_grad_() for p in parts])
        train = draw_batches(search("train"), n, BATCH, meta_steps)
        valid = draw_batches(search("valid"), nv, BATCH, meta_steps)
        self.train_rows, self.valid_rows = train, valid
        self.train = [rows(problem.x_train, problem.y_train, i) for i in train]
        self.valid = [rows(problem.x_valid, problem.y_valid, i) for i in valid]
        outputs, labels = rejection.fresh_predictions(problem, 100, stage("filter"))
        self.predictions, self.labels = (torch.from_numpy(a.T.copy()) for a in (outputs, labels))
        theta = torch.from_numpy(xavier_uniform(widths, fit("init")))
        self.fit_init = reference.split_parameters(theta, widths)
        batches = draw_batches(fit("batch"), n, BATCH, training_steps)
        self.fit = [rows(problem.x_train, problem.y_train, i) for i in batches]
        self.held_out = rows(problem.x_valid, problem.y_valid, np.arange(nv))


def bare_step(problem: LearningProblem, prepared: Prepared, repeats: int) -> float:
    """Return the seconds of one plain torch forward and backward pass of the network."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for k in range(repeats):
            x, y = prepared.train[k % len(prepared.train)]
            init = prepared.inits[k % len(prepared.inits)]
            loss = torch.nn.functional.mse_loss(reference.network(init, x), y)
            torch.autograd.grad(loss, init)
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def distance(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference; 0 if both sides diverged and infinity if only one did."""
    broken = [not np.isfinite(w).all() for w in (mine, theirs)]
    if any(broken):
        return 0.0 if all(broken) else float("inf")
    return float(np.max(np.abs(mine - theirs), initial=0.0))


def double_precision_distance(
    expression: LossExpression,
    problem: LearningProblem,
    prepared: Prepared,
    settings: reference.Settings,
) -> float:
    """Return how far both sides' phi are apart when both compute in double precision.

    A loss with a pole (a logarithm or a root near 0) turns the last digit of a prediction into a
    visible difference of phi; equal results in double precision show that nothing else is behind.
    One kind stays apart even then: where a logarithm cancels a weight (d log(w u)/df has no w) the
    exact gradient is 0 and Adam magnifies whatever rounding leaves; such a phi has no meaning.
    """
    program = LossProgram.from_expressions([expression])
    weights = initial_weights([expression], streams("phi"), dtype=np.float64)
    config = unrolled.UnrolledConfig(meta_steps=META_STEPS, batch_size=BATCH)
    mine = unrolled.tune(program, weights, problem, config, stage("search")).weights[0, 1:]
    theirs = reference.tune(
        reference.Tree(expression),
        torch.from_numpy(weights[0].copy()),
        [[p.detach().double().requires_grad_() for p in init] for init in prepared.inits],
        [rows(problem.x_train, problem.y_train, i) for i in prepared.train_rows],
        [rows(problem.x_valid, problem.y_valid, i) for i in prepared.valid_rows],
        settings,
    )
    return distance(mine, theirs.numpy()[1:])


def full_protocol(results: dict[str, dict[str, float | str]]) -> None:
    """Compare local search, filter and training on MLP 10-32-32-1 at P = 25 and P = 100."""
    problem, settings = diabetes((32, 32)), reference.Settings(filter_steps=FILTER_STEPS)
    prepared = Prepared(problem, META_STEPS, TRAINING_STEPS)
    precise = diabetes((32, 32), np.float64)
    bare = bare_step(problem, prepared, 500)
    everything = random_expressions(125)

    def ours(expressions: list[LossExpression]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        program = LossProgram.from_expressions(expressions)
        weights = initial_weights(expressions, streams("phi"))
        config = unrolled.UnrolledConfig(meta_steps=META_STEPS, batch_size=BATCH)
        phi = unrolled.tune(program, weights, problem, config, stage("search")).weights
        gate = rejection.RejectionConfig(steps=FILTER_STEPS)
        passed = rejection.accept(program, phi, problem, "mse", gate, stage("filter"))
        plan = training.TrainingConfig(steps=TRAINING_STEPS, batch_size=BATCH)
        fitness = training.train(program, phi, problem, plan, stage("fit")).fitness("mse")
        return phi, passed, fitness

    ours(everything[:2])  # load the compiled code
    for count, expressions in ((25, everything[:25]), (100, everything[25:])):
        seconds = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            phi, passed, fitness = ours(expressions)
            seconds = min(seconds, (time.perf_counter() - start) / count)
        weights = initial_weights(expressions, streams("phi"))
        sample = range(0, count, count // 25)
        spent = [0.0, 0.0, 0.0]
        far, far_double, singular, flips, worst = 0.0, 0.0, 0, 0, 0.0
        smooth: list[float] = []
        for p in sample:
            tree = reference.Tree(expressions[p])
            first = torch.from_numpy(weights[p, : tree.size].copy())
            marks = [time.perf_counter()]
            tuned = reference.tune(
                tree, first, prepared.inits, prepared.train, prepared.valid, settings
            )
            marks.append(time.perf_counter())
            numbers = tuned.tolist()
            gain = reference.improvement(
                tree, numbers, prepared.predictions, prepared.labels, settings
            )
            marks.append(time.perf_counter())
            score = reference.train(
                tree, numbers, prepared.fit_init, prepared.fit, prepared.held_out, settings
            )
            marks.append(time.perf_counter())
            spent = [s + b - a for s, a, b in zip(spent, marks[:-1], marks[1:], strict=True)]
            mine, theirs = phi[p, 1 : tree.size], tuned.numpy()[1:]
            apart = distance(mine, theirs)
            if apart > 1e-5:
                singular += 1
                exact = double_precision_distance(expressions[p], precise, prepared, settings)
                far_double = max(far_double, exact)
                print(
                    f"  singular tree {expressions[p].to_prefix()}: phi differs by {apart:.0e} "
                    f"in single precision, by {exact:.0e} in double"
                )
            else:
                far = max(far, apart)
            if bool(passed[p]) != (gain > 0):
                flips += 1
                print(f"  decision differs, gain {gain:.2e}: {expressions[p].to_prefix()}")
            if passed[p]:
                smooth.append(abs(fitness[p] - score) / score)
                worst = max(worst, smooth[-1])
        peer = sum(spent) / len(sample)
        print(
            f"P = {count}: ours {1e3 * seconds:.2f} ms a candidate, reference {1e3 * peer:.0f} ms "
            f"(search {1e3 * spent[0] / len(sample):.0f}, filter {1e3 * spent[1] / len(sample):.0f}"
            f", training {1e3 * spent[2] / len(sample):.0f}; {len(sample)} candidates): "
            f"{peer / seconds:.0f}x"
        )
        print(
            f"  agreement: phi of {len(sample) - singular} within {far:.1e}, of {singular} "
            f"singular trees within {far_double:.1e} in double precision; {flips} decisions "
            f"differ; fitness of the {len(smooth)} accepted within {worst:.1e} relative "
            f"(median {float(np.median(smooth)) if smooth else 0.0:.1e})"
        )
        results[f"full_protocol_P{count}"] = {
            "ours": 1 / seconds,
            "peer": 1 / peer,
            "ratio": peer / seconds,
            "unit": "candidates/s",
        }
        plain, start = reference.Tree(parse("square(sub(y, f))")), time.perf_counter()
        reference.tune(
            plain, torch.ones(4), prepared.inits, prepared.train, prepared.valid, settings
        )
        simple = (time.perf_counter() - start) / META_STEPS
        step = spent[0] / len(sample) / META_STEPS
        print(
            f"  reference: {1e6 * step:.0f} us an unrolled step, {step / bare:.1f}x the bare "
            f"forward and backward pass ({1e6 * bare:.0f} us); {simple / bare:.1f}x for the "
            "squared error"
        )
        results[f"reference_step_P{count}"] = {
            "ours": 1e6 * bare,
            "peer": 1e6 * step,
            "ratio": step / bare,
            "unit": "us: bare forward+backward, unrolled step",
        }


def wide_network(results: dict[str, dict[str, float | str]]) -> None:
    """Compare local search alone on MLP 10-1000-1000-1, P = 16; the reference does 6 of them."""
    steps, problem = 6, diabetes((1000, 1000))
    prepared, settings = Prepared(problem, steps, 1), reference.Settings()
    # Trees without poles, so that single precision can agree; the cost depends on the network.
    smooth = ["square({})", "abs({})", "tanh(square({}))", "sqrt(add(square({}), 1))"]
    errors = ["sub(y, f)", "sub(f, tanh(y))", "mul(y, sub(y, f))", "div(sub(y, f), y)"]
    expressions = [parse(t.format(e)) for t in smooth for e in errors]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"))
    config = unrolled.UnrolledConfig(meta_steps=steps, batch_size=BATCH)
    unrolled.tune(program, weights, problem, config, stage("search"))
    seconds = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        phi = unrolled.tune(program, weights, problem, config, stage("search")).weights
        seconds = min(seconds, (time.perf_counter() - start) / steps / len(expressions))
    sample = range(0, len(expressions), 3)
    peer, far = 0.0, 0.0
    for p in sample:
        tree = reference.Tree(expressions[p])
        first = torch.from_numpy(weights[p, : tree.size].copy())
        start = time.perf_counter()
        tuned = reference.tune(
            tree, first, prepared.inits, prepared.train, prepared.valid, settings
        )
        peer += (time.perf_counter() - start) / steps / len(sample)
        far = max(far, distance(phi[p, 1 : tree.size], tuned.numpy()[1:]))
    bare = bare_step(problem, prepared, 12)
    print(
        f"MLP 1000-1000, local search, P = {len(expressions)}: ours {1e3 * seconds:.1f} "
        f"ms a meta step, reference {1e3 * peer:.1f} ms ({len(sample)} candidates, "
        f"{peer / bare:.1f}x the bare pass): "
        f"{peer / seconds:.1f}x; phi within {far:.1e}"
    )
    results["wide_local_search"] = {
        "ours": 1 / seconds,
        "peer": 1 / peer,
        "ratio": peer / seconds,
        "unit": "candidate meta steps/s",
    }


def main() -> None:
    """Run both parts and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict[str, float | str]] = {}
    with threadpool_limits(1):
        full_protocol(results)
        wide_network(results)
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
