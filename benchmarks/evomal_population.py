"""Candidates per second: the compiled population path against one candidate at a time in torch.

Both sides see the same candidates, first weights, initialisations and batches, in one process with
one thread. There are two references. The *faithful* one runs the protocol as the published code
does, with modules, optimiser objects and a loader's iterator for each batch; it is what a user of
that code waits for. The *lean* one does the same arithmetic with all such overheads left out and
is handed its batches ready-made. The population path draws its own inside the time. Agreement is
checked on every candidate that ran on both sides; the exit status is 1 if a well-conditioned one
differs (see ``Agreement``).

Run: ``python benchmarks/evomal_population.py [--json]`` (about four minutes).
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import evomal_generic_reference as faithful
import evomal_reference as reference
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.networks import draw_batches, layer_views, xavier_uniform
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import STANDARD
from heliostat_methods.evomal.population.equivalence import Probe, fingerprint, label_free
from heliostat_methods.evomal.population.program import LossProgram, initial_weights

META_STEPS, FILTER_STEPS, TRAINING_STEPS, BATCH = 250, 1000, 500, 128
TOLERANCE = 1e-5


def streams(*name: int | str) -> np.random.Generator:
    """Return the stream of a name."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def program_of(expressions: list[LossExpression]) -> LossProgram:
    """Return the expressions as the kernels take them."""
    return LossProgram.from_expressions(expressions)


def stage(label: str) -> Callable[..., np.random.Generator]:
    """Return streams under a common prefix."""
    return lambda *name: streams(label, *name)


def random_expressions(count: int, kind: str) -> list[LossExpression]:
    """Return trees that hold both y and f.

    ``"random"`` are trees of height 2 to 4, as a search begins with; most of them are rejected.
    ``"errors"`` join an error of the prediction to a random part, as a search ends with; they are
    shorter, and many are accepted.
    """
    rng, found = streams("trees", kind, count), []
    operators, terminals = STANDARD.operators, STANDARD.terminals
    joints = ("add", "sub", "mul", "div", "max")
    errors = [parse(t).nodes for t in ("square(sub(y, f))", "abs(sub(y, f))", "tanh(sub(f, y))")]

    def grow(height: int, full: bool) -> tuple[str, ...]:
        if height == 0 or (not full and rng.random() < 0.25):
            return (terminals[rng.integers(len(terminals))],)
        name = operators[rng.integers(len(operators))]
        nodes: tuple[str, ...] = (name,)
        for _ in range(STANDARD[name].arity):
            nodes += grow(height - 1, full)
        return nodes

    while len(found) < count:
        full = bool(rng.random() < 0.5)
        if kind == "errors":
            joint = (joints[rng.integers(len(joints))], *errors[rng.integers(len(errors))])
            nodes = (*joint, *grow(int(rng.integers(1, 4)), full))
        else:
            nodes = grow(int(rng.integers(2, 5)), full)
        if "y" in nodes and "f" in nodes:
            found.append(LossExpression(nodes))
    return found


def diabetes(hidden: tuple[int, ...]) -> LearningProblem:
    """Return Diabetes split 60/20/20 and standardised on its training part."""
    x, y = load_diabetes(return_X_y=True)
    order = streams("split").permutation(len(y))
    train, valid = order[:265], order[265:353]
    x = (x - x[train].mean(0)) / x[train].std(0)
    y = (y - y[train].mean()) / y[train].std()
    return LearningProblem.from_rows(
        x[train], y[train], x[valid], y[valid], task="regression", hidden=hidden
    )


def rows(
    x: np.ndarray, y: np.ndarray, index: np.ndarray, precision: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch as torch tensors, samples first."""
    return (
        torch.from_numpy(np.ascontiguousarray(x[:, index].T)).to(precision),
        torch.from_numpy(np.ascontiguousarray(y[:, index].T)).to(precision),
    )


class Prepared:
    """What the reference is handed: the same draws as the population path makes.

    ``precision`` other than single converts the same numbers, so that only arithmetic differs.
    """

    def __init__(
        self,
        problem: LearningProblem,
        meta_steps: int,
        training_steps: int,
        settings: reference.Settings,
        precision: torch.dtype = torch.float32,
    ) -> None:
        n, nv = problem.x_train.shape[1], problem.x_valid.shape[1]
        search, fit = stage("search"), stage("fit")
        init, widths = search("init"), problem.widths

        def batch(part: str, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
            x, y = getattr(problem, f"x_{part}"), getattr(problem, f"y_{part}")
            return rows(x, y, index, precision)

        self.inits = []
        for _ in range(meta_steps):
            theta = torch.from_numpy(xavier_uniform(widths, init)).to(precision)
            parts = reference.split_parameters(theta, widths)
            self.inits.append([p.requires_grad_() for p in parts])
        self.kept = reference.decayed(self.inits, settings)
        train = draw_batches(search("train"), n, BATCH, meta_steps)
        valid = draw_batches(search("valid"), nv, BATCH, meta_steps)
        self.train = [batch("train", i) for i in train]
        self.valid = [batch("valid", i) for i in valid]
        outputs, labels = rejection.fresh_predictions(problem, 100, stage("filter"))
        self.predictions, self.labels = (
            torch.from_numpy(a.T.copy()).to(precision) for a in (outputs, labels)
        )
        theta = torch.from_numpy(xavier_uniform(widths, fit("init")))
        self.fit_init = reference.split_parameters(theta, widths)
        batches = draw_batches(fit("batch"), n, BATCH, training_steps)
        self.fit = [batch("train", i) for i in batches]
        self.held_out = batch("valid", np.arange(nv))

    def tune(
        self, tree: reference.Tree, first: np.ndarray, settings: reference.Settings
    ) -> np.ndarray:
        """Return the reference's phi."""
        start = torch.from_numpy(first[: tree.size].copy()).to(self.train[0][0].dtype)
        return reference.tune(
            tree, start, self.inits, self.kept, self.train, self.valid, settings
        ).numpy()


def step_costs(prepared: Prepared, settings: reference.Settings) -> tuple[float, float]:
    """Return the seconds of a bare pass of the network and of an unrolled step of squared error.

    The bare pass is one forward and backward pass with torch's mean squared error. Both are the
    least of several rounds over the same batches, taken in turns.
    """
    plain = reference.Tree(parse("square(sub(y, f))"))
    first, bare, unrolled_step = np.ones(4, np.float32), float("inf"), float("inf")
    for _ in range(8):
        start = time.perf_counter()
        for init, (x, y) in zip(prepared.inits, prepared.train, strict=True):
            loss = torch.nn.functional.mse_loss(reference.network(init, x), y)
            torch.autograd.grad(loss, init)
        bare = min(bare, (time.perf_counter() - start) / len(prepared.inits))
        start = time.perf_counter()
        prepared.tune(plain, first, settings)
        unrolled_step = min(unrolled_step, (time.perf_counter() - start) / len(prepared.inits))
    return bare, unrolled_step


class Released:
    """The faithful reference on the same draws."""

    def __init__(self, problem: LearningProblem, meta_steps: int, training_steps: int) -> None:
        n, nv = problem.x_train.shape[1], problem.x_valid.shape[1]
        self.widths = problem.widths
        train, valid = (
            (torch.from_numpy(x.T.copy()), torch.from_numpy(y[0].copy()))
            for x, y in ((problem.x_train, problem.y_train), (problem.x_valid, problem.y_valid))
        )
        self.side = faithful.Faithful("regression", train, valid, faithful.Settings())
        search, fit = stage("search"), stage("fit")
        init = search("init")
        self.inits = [xavier_uniform(self.widths, init) for _ in range(meta_steps)]
        self.train = draw_batches(search("train"), n, BATCH, meta_steps).tolist()
        self.valid = draw_batches(search("valid"), nv, BATCH, meta_steps).tolist()
        self.fit_init = xavier_uniform(self.widths, fit("init"))
        self.fit = draw_batches(fit("batch"), n, BATCH, training_steps).tolist()
        outputs, labels = rejection.fresh_predictions(problem, 100, stage("filter"))
        self.predictions = torch.from_numpy(outputs.T.copy())
        self.labels = torch.from_numpy(labels[0].copy())

    def module(self, theta: np.ndarray) -> torch.nn.Module:
        """Return the network as a module with given parameters."""
        layers: list[torch.nn.Module] = []
        for matrix, bias in layer_views(theta, self.widths):
            linear = torch.nn.Linear(matrix.shape[1], matrix.shape[0])
            linear.weight.data[:] = torch.from_numpy(matrix)
            linear.bias.data[:] = torch.from_numpy(bias)
            layers += [linear, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def candidate(self, expression: LossExpression, first: np.ndarray) -> np.ndarray:
        """Run the whole protocol for one candidate; returns its phi."""
        start = torch.from_numpy(first[: expression.complexity].copy())
        loss = faithful.TreeLoss(expression, start, "regression")
        models = [lambda theta=theta: self.module(theta) for theta in self.inits]
        phi = self.side.tune(loss, models, self.train, self.valid).clone().numpy()
        self.side.filter(loss, self.predictions, self.labels, FILTER_STEPS)
        self.side.fit(loss, self.module(self.fit_init), self.fit)
        return phi


def accelerated(
    expressions: list[LossExpression], problem: LearningProblem
) -> tuple[np.ndarray, dict[str, int]]:
    """Run the protocol with every opt-in acceleration; returns fitness and what became of all.

    Label-free losses are dropped, the filter runs before local search too, tuned losses with equal
    gradients share a training, and the worse half stops at 50, 100 and 200 steps.
    """
    counts: dict[str, int] = {}
    fitness = np.full(len(expressions), np.inf)
    alive = np.flatnonzero(~label_free(expressions))
    counts["label-free or dead"] = len(expressions) - len(alive)
    gate = rejection.RejectionConfig(steps=FILTER_STEPS)
    weights = initial_weights(expressions, streams("phi"))

    def program() -> LossProgram:
        return program_of([expressions[i] for i in alive])

    def passed() -> np.ndarray:
        part = program()
        phi = weights[alive][:, : part.capacity]
        return rejection.accept(part, phi, problem, "mse", gate, stage("filter"))

    keep = passed()
    counts["rejected early"] = int((~keep).sum())
    alive = alive[keep]
    part = program()
    config = unrolled.UnrolledConfig(meta_steps=META_STEPS, batch_size=BATCH)
    tuned = unrolled.tune(part, weights[alive], problem, config, stage("search")).weights
    weights[np.ix_(alive, range(part.capacity))] = tuned
    keep = passed()
    counts["rejected"] = int((~keep).sum())
    alive = alive[keep]
    probe = Probe.drawn("regression", streams("probe"))
    prints = fingerprint(program(), weights[alive], probe)
    first = {key: i for i, key in reversed(list(enumerate(prints)))}
    keep = np.array([first[key] == i for i, key in enumerate(prints)])
    counts["equal gradient"] = int((~keep).sum())
    alive = alive[keep]
    plan = training.TrainingConfig(steps=TRAINING_STEPS, batch_size=BATCH)
    state, counts["raced"] = None, 0
    for until in (50, 100, 200, TRAINING_STEPS):
        part = program()
        phi = weights[alive][:, : part.capacity]
        runs = training.train(part, phi, problem, plan, stage("fit"), state=state, until=until)
        found = runs.fitness("mse")
        if until == TRAINING_STEPS:
            fitness[alive] = found
            break
        order = np.sort(np.argsort(found, kind="stable")[: max(1, -(-len(found) // 2))])
        counts["raced"] += len(found) - len(order)
        alive, state = alive[order], runs.state.select(order)
    counts["trained to the end"] = len(alive)
    return fitness, counts


def distance(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference; 0 if both sides diverged and infinity if only one did."""
    broken = [not np.isfinite(w).all() for w in (mine, theirs)]
    if any(broken):
        return 0.0 if all(broken) else float("inf")
    return float(np.max(np.abs(mine - theirs), initial=0.0))


@dataclass
class Agreement:
    """What the two sides gave for the candidates that ran on both.

    A candidate is ill-conditioned if the *reference* in single and in double precision differs in
    phi by more than 1e-5: it does not agree with itself, because a pole (of a logarithm, a root)
    turns the last digit of a prediction into a visible difference. Our side has no say in it.
    """

    compared: int = 0
    accepted: int = 0
    farthest: float = 0.0
    ill: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    flips: list[str] = field(default_factory=list)
    fitness: list[float] = field(default_factory=list)

    def add(self, name: str, apart: float, own: float, passed: tuple[bool, bool, bool]) -> None:
        """Record one candidate: the reference's distance to us and to itself, and who accepts it.

        ``passed`` holds our decision and the reference's in single and in double precision.
        """
        self.compared += 1
        if own > TOLERANCE:
            self.ill.append(f"{name}: reference to itself {own:.0e}, to ours {apart:.0e}")
        else:
            self.farthest = max(self.farthest, apart)
            if apart > TOLERANCE:
                self.failures.append(f"{name}: {apart:.1e} (reference to itself {own:.0e})")
        if passed[0] != passed[1]:
            kind = "ill" if own > TOLERANCE else "well"
            itself = "also differ" if passed[1] != passed[2] else "agree"
            self.flips.append(
                f"{name}: {kind}-conditioned; the reference's two precisions {itself}"
            )
            if own <= TOLERANCE:
                self.failures.append(f"{name}: decisions differ")

    def show(self) -> None:
        """Print the table."""
        well = self.compared - len(self.ill)
        print(
            f"  agreement: {self.compared} candidates compared, {self.accepted} of them accepted; "
            f"{well} well-conditioned, phi within {self.farthest:.1e} (bound {TOLERANCE:.0e}); "
            f"{len(self.flips)} accept/reject decisions differ"
        )
        if self.fitness:
            far = sum(d > 1e-3 for d in self.fitness)
            print(
                f"  fitness of the accepted: relative difference "
                f"{float(np.median(self.fitness)):.0e} in the median, above 1e-3 for {far} "
                f"(training with steep losses is chaotic), {max(self.fitness):.0e} at most"
            )
        for line in self.ill:
            print(f"  ill-conditioned {line}")
        for line in self.flips:
            print(f"  DECISION DIFFERS {line}")
        for line in self.failures:
            print(f"  FAILS {line}")


def full_protocol(results: dict[str, dict[str, float | str]]) -> bool:
    """Compare local search, filter and training on MLP 10-32-32-1 at P = 25 and P = 100."""
    problem, settings = diabetes((32, 32)), reference.Settings(filter_steps=FILTER_STEPS)
    prepared = Prepared(problem, META_STEPS, TRAINING_STEPS, settings)
    precise = Prepared(problem, META_STEPS, 1, settings, torch.float64)
    released = Released(problem, META_STEPS, TRAINING_STEPS)
    agreed = True
    bare, simple = step_costs(prepared, settings)
    print(
        f"reference: an unrolled step of squared error {1e6 * simple:.0f} us, "
        f"{simple / bare:.1f}x the bare forward and backward pass ({1e6 * bare:.0f} us)"
    )
    results["reference_step"] = {
        "ours": 1e6 * bare,
        "peer": 1e6 * simple,
        "ratio": simple / bare,
        "unit": "us: bare forward+backward, unrolled step of squared error",
    }

    def ours(expressions: list[LossExpression]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        program = program_of(expressions)
        weights = initial_weights(expressions, streams("phi"))
        config = unrolled.UnrolledConfig(meta_steps=META_STEPS, batch_size=BATCH)
        phi = unrolled.tune(program, weights, problem, config, stage("search")).weights
        gate = rejection.RejectionConfig(steps=FILTER_STEPS)
        passed = rejection.accept(program, phi, problem, "mse", gate, stage("filter"))
        plan = training.TrainingConfig(steps=TRAINING_STEPS, batch_size=BATCH)
        fitness = training.train(program, phi, problem, plan, stage("fit")).fitness("mse")
        return phi, passed, fitness

    for kind, count in (("random", 25), ("random", 100), ("errors", 100)):
        expressions = random_expressions(count, kind)
        nodes = float(np.mean([e.complexity for e in expressions]))
        ours(expressions[:2])  # load the compiled code
        seconds = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            phi, passed, fitness = ours(expressions)
            seconds = min(seconds, (time.perf_counter() - start) / count)
        weights = initial_weights(expressions, streams("phi"))
        sample = range(0, count, count // 25)
        spent, found = np.zeros(3), Agreement()
        for p in sample:
            tree = reference.Tree(expressions[p])
            marks = [time.perf_counter()]
            tuned = prepared.tune(tree, weights[p], settings)
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
            spent += np.diff(marks)
            exact = precise.tune(tree, weights[p], settings)
            again = reference.improvement(
                tree, exact.tolist(), precise.predictions, precise.labels, settings
            )
            own = distance(tuned[1:], exact[1:])
            apart = distance(phi[p, 1 : tree.size], tuned[1:])
            decisions = bool(passed[p]), gain > 0, again > 0
            found.add(expressions[p].to_prefix(), apart, own, decisions)
            if passed[p]:
                found.accepted += 1
                if np.isfinite(score):
                    found.fitness.append(abs(fitness[p] - score) / score)
        spent /= len(sample)
        peer = float(spent.sum())
        print(
            f"P = {count}, {kind} trees of {nodes:.0f} nodes: ours {1e3 * seconds:.2f} ms a "
            f"candidate, reference {1e3 * peer:.0f} ms "
            f"(search {1e3 * spent[0]:.0f}, filter {1e3 * spent[1]:.0f}, training "
            f"{1e3 * spent[2]:.0f}; {len(sample)} candidates): {peer / seconds:.0f}x\n"
            f"  reference, mean unrolled step of these trees: "
            f"{spent[0] / META_STEPS / bare:.1f}x the bare pass"
        )
        found.show()
        agreed = agreed and not found.failures
        results[f"lean_reference_{kind}_P{count}"] = {
            "ours": 1 / seconds,
            "peer": 1 / peer,
            "ratio": peer / seconds,
            "unit": "candidates/s",
        }
        live = [i for i in sample if program_of([expressions[i]]).trainable[0]]
        chosen = live[:: max(1, len(live) // 6)]
        far, begin = 0.0, time.perf_counter()
        for p in chosen:
            tuned_phi = released.candidate(expressions[p], weights[p])
            far = max(far, distance(phi[p, 1 : len(tuned_phi)], tuned_phi[1:]))
        # Losses without any gradient cost the reference next to nothing: count them as nothing.
        share = float(program_of(expressions).trainable.mean())
        slow = share * (time.perf_counter() - begin) / len(chosen)
        print(
            f"  faithful reference {1e3 * slow:.0f} ms a candidate ({len(chosen)} candidates): "
            f"{slow / seconds:.0f}x"
        )
        results[f"full_protocol_{kind}_P{count}"] = {
            "ours": 1 / seconds,
            "peer": 1 / slow,
            "ratio": slow / seconds,
            "unit": "candidates/s",
        }
        fast = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            quick, became = accelerated(expressions, problem)
            fast = min(fast, (time.perf_counter() - start) / count)
        exact = np.where(passed, fitness, np.inf)
        best, place = int(np.argmin(exact)), int(np.argmin(quick))
        rank = 1 + int((exact < exact[place]).sum())
        print(
            f"  with the opt-in accelerations {1e3 * fast:.2f} ms a candidate: {slow / fast:.0f}x "
            f"faithful, {peer / fast:.0f}x lean; "
            + ", ".join(f"{number} {what}" for what, number in became.items())
            + f"\n  archive: exact accepts {int(np.isfinite(exact).sum())}, best "
            f"{exact[best]:.4f}; accelerated keeps {int(np.isfinite(quick).sum())} to the end, "
            f"best {quick[place]:.4f}, which is number {rank} of the exact ranking"
        )
        results[f"accelerated_{kind}_P{count}"] = {
            "ours": 1 / fast,
            "peer": 1 / slow,
            "ratio": slow / fast,
            "unit": "candidates/s",
        }
    return agreed


def wide_network(results: dict[str, dict[str, float | str]], count: int) -> bool:
    """Compare local search alone on MLP 10-1000-1000-1; the reference does a few candidates."""
    steps, problem = 6, diabetes((1000, 1000))
    settings = reference.Settings()
    prepared = Prepared(problem, steps, 1, settings)
    # Trees without poles, so that single precision can agree; the cost depends on the network.
    smooth = ["square({})", "abs({})", "tanh(square({}))", "sqrt(add(square({}), 1))"]
    errors = ["sub(y, f)", "sub(f, tanh(y))", "mul(y, sub(y, f))", "div(sub(y, f), y)"]
    expressions = [parse(t.format(e)) for e in errors for t in smooth][:count]
    program = program_of(expressions)
    weights = initial_weights(expressions, streams("phi"))
    config = unrolled.UnrolledConfig(meta_steps=steps, batch_size=BATCH)
    sample = range(0, count, max(1, count // 4))
    seconds, peers, far = float("inf"), [float("inf")] * len(sample), 0.0
    unrolled.tune(program, weights, problem, config, stage("search"))
    for _ in range(3):  # in turns, so that both sides see the same state of the machine
        start = time.perf_counter()
        phi = unrolled.tune(program, weights, problem, config, stage("search")).weights
        seconds = min(seconds, (time.perf_counter() - start) / steps / count)
        for i, p in enumerate(sample):
            tree = reference.Tree(expressions[p])
            start = time.perf_counter()
            tuned = prepared.tune(tree, weights[p], settings)
            peers[i] = min(peers[i], (time.perf_counter() - start) / steps)
            far = max(far, distance(phi[p, 1 : tree.size], tuned[1:]))
    peer = float(np.mean(peers))
    bare, _ = step_costs(prepared, settings)
    print(
        f"MLP 1000-1000, local search, P = {count}: ours {1e3 * seconds:.1f} ms a meta step, "
        f"reference {1e3 * peer:.1f} ms ({len(sample)} candidates, {peer / bare:.1f}x the bare "
        f"pass): {peer / seconds:.1f}x; phi within {far:.1e}"
    )
    results[f"wide_local_search_P{count}"] = {
        "ours": 1 / seconds,
        "peer": 1 / peer,
        "ratio": peer / seconds,
        "unit": "candidate meta steps/s",
    }
    return far <= TOLERANCE


def main() -> None:
    """Run both parts and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict[str, float | str]] = {}
    with threadpool_limits(1):
        agreed = full_protocol(results)
        for count in (8, 16):
            agreed = wide_network(results, count) and agreed
    if arguments.json:
        print(json.dumps(results))
    if not agreed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
