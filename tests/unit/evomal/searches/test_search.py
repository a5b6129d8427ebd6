"""The search as a whole: baselines, filters, islands, several data sets, transfer, studies."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from engine_runs import Done, drive
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat import ConfigError, PartRef
from heliostat.engine.listener import Silent
from heliostat.executors.serial import SerialExecutor
from heliostat.plugins.registry import registry
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.values.canonical import decode
from heliostat.worker.evaluate import WorkerSide
from heliostat.worker.work import Reply, Work
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.loading import load_problem
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.method import SMOKE, build_loss
from heliostat_methods.evomal.report.search import describe
from heliostat_methods.evomal.search import search
from heliostat_methods.evomal.searches.genetic_program import GeneticProgram
from heliostat_methods.evomal.searches.scoring.archive import State, ranked, standings
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.searches.tree_search import TreeSearch

SMALL: dict[str, Any] = {
    **SMOKE,
    "population": 8,
    "tournament": 2,
    "generations": 2,
    "meta_steps": 5,
    "filter_steps": 30,
    "base_steps": 16,
    "test_steps": 10,
    "test_seeds": 2,
    "test_block": 2,
}
TREES = ("square(sub(y, f))", "abs(sub(y, f))", "add(square(sub(y, f)), 1)", "sub(f, y)",
         "tanh(square(sub(f, y)))", "mul(y, f)", "square(sub(f, y))", "min(y, f)")  # fmt: skip


def part(kind: str, ref: PartRef) -> Any:
    spec = registry().part(kind, ref.name)
    settings = spec.config.model_validate(dict(ref.params))
    argument = [ref.name.partition(":")[2]] if spec.prefix else []
    return spec.build(*argument, settings)


def config(**changes: Any) -> EvoMALConfig:
    return EvoMALConfig.model_validate({**SMALL, **changes})


def run(folder: Path, settings: EvoMALConfig, **how: Any) -> Done:
    return drive(lambda r: search(settings, r), folder, build_part=part, **how)


def evolved(folder: Path, **changes: Any) -> State:
    """Return the state that the genetic program ends with."""
    settings = config(**changes)

    def only_evolve(r: Any) -> State:
        group = tuple(load_problem(settings, ref, settings.model, r) for ref in settings.datasets)
        return TreeSearch(settings, GeneticProgram).evolve(Posed(group, r.share(group)), r)

    state: State = drive(only_evolve, folder, build_part=part).result
    return state


CHOICES: list[dict[str, Any]] = [
    {"baseline": "gp_lfl"},
    {"baseline": "random"},
    {"baseline": "local_search"},
    {"baseline": "taylorglo"},
    {"baseline": "taylorglo_as_released"},
    {"baseline": "ml3", "network_hidden": [4], "network_restarts": 2},
    {"baseline": "fixed"},
    {"baseline": "fixed", "initial": ["abs(sub(y, f))", "square(sub(y, f))"]},
    {"racing": [4, 8]},
    {"equivalence": True, "racing": [8]},
    {"cache": "gradient"},
    {
        "datasets": ["wine", "breast_cancer"],
        "together": True,
        "racing": [4, 8],
        "equivalence": True,
    },
    {"datasets": ["wine", "breast_cancer"], "together": True, "baseline": "taylorglo"},
    {"cache": "parametric", "reject": "early", "skip_label_free": True},
    {"reject": "off"},
    {"islands": 2, "migrate_every": 1, "elite": 1},
    {"gradients": "autograd", "racing": [8]},
    {"inner_steps": 2},
    {"datasets": ["wine", "breast_cancer"], "together": True},
    {"transfer": [{"dataset": "diabetes", "model": "linear"}]},
    {"datasets": ["wine"], "references": ["label_smoothing"], "landscape_seeds": 2},
]


@pytest.mark.parametrize(
    "changes", CHOICES, ids=lambda c: ",".join(f"{k}={str(v)[:24]}" for k, v in c.items())
)
def test_every_choice_gives_one_result_in_any_order_of_arrival(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    settings = config(**changes)
    one = run(tmp_path / "one", settings)
    other = run(
        tmp_path / "other", settings, executor=lambda worker: ScrambledExecutor(worker, seed=3)
    )
    assert one.digest == other.digest
    assert one.result == other.result
    for problem in one.result["problems"]:
        assert all(math.isfinite(best["fitness"]) for best in problem["best"])
        for best in problem["best"]:
            build_loss({"loss": best["loss"], "task": problem["task"]})
        if problem["best"]:
            roles = [row["role"] for row in problem["comparison"]["losses"]]
            ways = ("", "_best_rate", "_best")
            assert roles[:3] == [f"standard{way}" for way in ways]
            assert [role for role in roles if role.startswith("found")] == [
                f"found{way}" for way in ways
            ]


KILLED: list[dict[str, Any]] = [
    {"baseline": "local_search"},
    {"baseline": "taylorglo"},
    {"baseline": "ml3", "network_hidden": [4], "network_restarts": 4},
    {"equivalence": True, "racing": [4, 8], "cache": "gradient"},
    {"islands": 2, "migrate_every": 1, "elite": 1},
]


@pytest.mark.parametrize("changes", KILLED, ids=lambda c: ",".join(c))
def test_every_search_resumes_to_the_same_bits(changes: dict[str, Any], tmp_path: Path) -> None:
    settings = config(**changes)
    whole = run(tmp_path / "whole", settings)
    with pytest.raises(Killed):
        run(tmp_path / "killed", settings, executor=lambda w: MortalExecutor(w, seed=1, lives=3))
    resumed = run(tmp_path / "killed", settings)
    assert (resumed.digest, resumed.result) == (whole.digest, whole.result)
    assert resumed.evaluated < whole.evaluated


class Restarting:
    """A worker that evaluates each item again from every checkpoint it left."""

    def __init__(self, worker: WorkerSide) -> None:
        self._worker = worker
        self.restarts: Counter[str] = Counter()

    def evaluate(self, work: Work, name: str, send: Any) -> Reply:
        states: list[str] = []
        whole = self._worker.evaluate(work, name, states.append)
        for state in states:
            again = self._worker.evaluate(work._replace(checkpoint=state), name, lambda text: None)
            assert again.value == whole.value
            self.restarts[work.function.rpartition(".")[2]] += 1
        return whole


@pytest.mark.parametrize("baseline", ["none", "ml3"])
def test_a_killed_task_goes_on_from_its_checkpoint(baseline: str, tmp_path: Path) -> None:
    workers: list[Restarting] = []

    def executor(side: WorkerSide) -> SerialExecutor:
        workers.append(Restarting(side))
        return SerialExecutor(workers[0])  # type: ignore[arg-type]

    run(tmp_path, config(baseline=baseline, network_hidden=[4], generations=1), executor=executor)
    seen = workers[0].restarts
    assert seen["score_block" if baseline == "none" else "tune_network"] > 0
    assert seen["train_loss"] >= 2 * 2  # each of two seeds of two losses


@pytest.mark.parametrize("hidden", [[1], [8]])
def test_cut_into_blocks_changes_no_bit(hidden: list[int], tmp_path: Path) -> None:
    model = {"name": "mlp", "hidden": hidden}
    whole = evolved(tmp_path / "8", block=8, model=model)
    single = evolved(tmp_path / "1", block=1, model=model)
    assert whole.archive == single.archive
    assert any(c.status == "accepted" for c in whole.archive.values())


def test_the_only_tree_of_a_race_is_trained_as_without_one(tmp_path: Path) -> None:
    plain = evolved(tmp_path / "plain", generations=1)
    raced = evolved(tmp_path / "raced", generations=1, racing=[4, 8], population=8)
    first = {k: c for k, c in plain.archive.items() if c.generation == 0}
    finished = {
        k: c for k, c in raced.archive.items() if c.generation == 0 and c.status == "accepted"
    }
    assert finished
    for key, candidate in finished.items():
        assert candidate == first[key]  # a training in three pieces ends as one in a piece
    stopped = [c for c in raced.archive.values() if c.generation == 0 and c.status == "raced"]
    accepted = [c for c in first.values() if c.status == "accepted"]
    assert len(stopped) + len(finished) == len(accepted)
    assert raced.steps[2] < plain.steps[2]


def test_caches_do_not_change_the_best_of_a_given_space(tmp_path: Path) -> None:
    given: dict[str, Any] = {"initial": list(TREES), "population": 8, "generations": 1,
                             "crossover": 0.0, "mutation": 0.0, "reject": "off"}  # fmt: skip
    best = {
        cache: ranked(evolved(tmp_path / cache, cache=cache, **given))[0].fitness
        for cache in ("symbolic", "parametric", "gradient")
    }
    assert best["parametric"] == best["symbolic"]
    # equal before tuning is not equal after it: what was taken for the best's twin may be better
    assert best["gradient"] == pytest.approx(best["symbolic"], rel=0.02)


def test_losses_with_equal_gradients_share_a_score(tmp_path: Path) -> None:
    state = evolved(
        tmp_path, initial=list(TREES), population=8, generations=1, crossover=0, mutation=0,
        cache="gradient", reject="off", local_search=False,
    )  # fmt: skip
    shared = [c for c in state.archive.values() if c.status == "equal_gradient"]
    assert [c.nodes for c in shared] == [
        LossExpression(("add", "square", "sub", "y", "f", "+1")).canonical().nodes
    ]
    assert shared[0].fitness == state.archive[shared[0].like].fitness


def test_equal_before_tuning_to_one_found_equal_after_it_shares_its_score(tmp_path: Path) -> None:
    given = ["square(sub(y, f))", "add(square(sub(y, f)), 1)", "add(square(sub(y, f)), -1)"]
    state = evolved(
        tmp_path, initial=given, population=4, generations=1, crossover=0, mutation=0,
        cache="parametric", equivalence=True, local_search=False, reject="off",
    )  # fmt: skip
    first, *shifted = (state.archive[parse(text).canonical().to_prefix()] for text in given)
    assert [c.status for c in (first, *shifted)] == ["accepted", *2 * ["equal_gradient"]]
    assert {c.like for c in shifted} == {parse(given[0]).canonical().to_prefix()}
    assert {c.fitness for c in shifted} == {first.fitness}


def test_dead_losses_cost_no_step(tmp_path: Path) -> None:
    state = evolved(tmp_path, initial=["sign(sub(y, f))"] * 8, population=8, generations=1,
                    crossover=0, mutation=0)  # fmt: skip
    assert [c.status for c in state.archive.values()] == ["untrainable"]
    assert state.steps == [0, 0, 0]


def test_early_rejection_spends_no_local_search_on_what_it_rejects(tmp_path: Path) -> None:
    exact = evolved(tmp_path / "exact", generations=1)
    early = evolved(tmp_path / "early", generations=1, reject="early")
    assert any(c.status == "rejected_early" for c in early.archive.values())
    assert early.steps[0] < exact.steps[0]


def test_islands_keep_their_sizes_and_one_island_is_the_plain_search(tmp_path: Path) -> None:
    two = evolved(tmp_path / "two", islands=2, migrate_every=1)
    assert [len(island) for island in two.islands] == [4, 4]
    plain = evolved(tmp_path / "plain", migrate_every=1)
    assert [len(island) for island in plain.islands] == [8]
    assert plain.archive == evolved(tmp_path / "again", islands=1, migrate_every=2).archive


def test_racing_breeds_from_those_who_got_furthest(tmp_path: Path) -> None:
    # With this rate and network squared error over-fits, so a metric on the way looks better.
    overfitting: dict[str, Any] = {
        "generations": 1, "model": {"name": "mlp", "hidden": [32]}, "base_steps": 300,
        "racing": [20], "learning_rate": 0.03, "elite": 1, "initial": TREES,
    }  # fmt: skip
    state = evolved(tmp_path, **overfitting)
    archive, first = state.archive, {k: c for k, c in state.archive.items() if c.generation == 0}
    stopped = [c for c in first.values() if c.status == "raced"]
    finished = [c for c in first.values() if c.status == "accepted"]
    assert min(c.fitness for c in stopped) < min(c.fitness for c in finished)
    elite = archive[LossExpression(state.population[0][0]).canonical().to_prefix()]
    assert elite == min(finished, key=lambda c: c.fitness)
    places = standings(archive)
    assert all(
        places[a] < places[b]
        for a, one in archive.items() if one.status == "accepted"
        for b, other in archive.items() if other.status == "raced"
    )  # fmt: skip


def test_the_elite_enters_the_next_generation(tmp_path: Path) -> None:
    before = evolved(tmp_path / "before", generations=1, elite=1)
    after = evolved(tmp_path / "after", generations=2, elite=1)
    best = min(fitness for _, fitness in before.population)
    assert min(fitness for _, fitness in after.population) <= best


def test_a_loss_for_several_data_sets_is_scored_by_the_mean(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "initial": ["mul(-1, mul(y, log(f)))"], "population": 2, "generations": 1, "crossover": 0,
        "mutation": 0, "local_search": False, "reject": "off", "model": "linear",
    }  # fmt: skip
    key = LossExpression(("mul", "-1", "mul", "y", "log", "f")).canonical().to_prefix()

    def fitness(name: str, **changes: Any) -> float:
        return evolved(tmp_path / name, **given, **changes).archive[key].fitness

    both = fitness("both", datasets=["wine", "breast_cancer"], together=True)
    assert 0 < both < 1
    swapped = fitness("swapped", datasets=["breast_cancer", "wine"], together=True)
    # each data set draws from its own streams, by its place
    assert both == pytest.approx(swapped, abs=0.1)


def test_one_search_takes_data_sets_of_one_kind_of_task(tmp_path: Path) -> None:
    settings = config(datasets=["wine", "diabetes"], together=True)
    with pytest.raises(ConfigError, match="together"):
        run(tmp_path, settings)


def test_the_best_loss_so_far_is_kept_as_the_product_of_the_end(tmp_path: Path) -> None:
    settings = config(datasets=["wine"])

    def products(folder: Path) -> dict[str, Any]:
        journal = Journal(folder / "run.db", ArtifactStore(folder / "artifacts"), readonly=True)
        store = ArtifactStore(folder / "artifacts")
        found = {p["name"]: decode(store.get(p["sha256"]).decode()) for p in journal.products()}
        journal.close()
        return found

    def first_generation_only(r: Any) -> None:
        (data,) = group = (load_problem(settings, settings.datasets[0], settings.model, r),)
        one = settings.model_copy(update={"generations": 0})
        posed = Posed(group, r.share(group), (f"loss-{data.name}",))
        TreeSearch(one, GeneticProgram).evolve(posed, r)

    drive(first_generation_only, tmp_path / "early", build_part=part)
    early = products(tmp_path / "early")["loss-wine"]
    run(tmp_path / "whole", settings)
    late = products(tmp_path / "whole")
    assert set(late) == {"data-wine", "loss-wine"}
    assert {"task", "loss", "fitness", "dataset", "formula"} <= set(early) < set(late["loss-wine"])
    assert build_loss(early) is not None


def test_more_filter_samples_than_rows_are_clipped_with_a_note(tmp_path: Path) -> None:
    given: dict[str, Any] = {"datasets": ["wine"], "generations": 1, "population": 4}
    clipped = run(tmp_path / "clipped", config(filter_samples=5000, **given)).result
    assert "filter_samples = 5000, but wine has 1" in clipped["problems"][0]["notes"][0]
    exact = run(tmp_path / "exact", config(**given)).result
    assert exact["problems"][0]["notes"] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseline": "ml3", "network_hidden": [4], "racing": [8], "local_search": False},
         "baseline = 'ml3' has no use for racing, local_search"),
        ({"baseline": "taylorglo", "initial": ["mul(y, f)"]},
         "baseline = 'taylorglo' has no use for initial"),
        ({"baseline": "fixed", "transfer": [{"dataset": "diabetes"}]},
         "baseline = 'fixed' has no use for transfer"),
    ],
)  # fmt: skip
def test_a_setting_without_effect_is_noted(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    result = run(tmp_path, config(generations=1, population=4, **changes)).result
    assert said in result["problems"][0]["notes"][0]
    assert said in describe(result, "run")


def test_surroundings_of_any_model_are_drawn(tmp_path: Path) -> None:
    settings = config(gradients="autograd", landscape_seeds=1, generations=1, population=4)
    (problem,) = run(tmp_path, settings).result["problems"]
    assert problem["notes"] == []
    configured = {row["label"]: row for row in problem["comparison"]["losses"]
                  if row["role"] in ("standard", "short", "found")}  # fmt: skip
    for label, account in problem["landscape"]:
        row = configured[label]
        # nothing moves in the middle, and the first seed's network is that of the comparison
        assert account["plane"]["test"][4][4] == pytest.approx(row["values"][0], rel=1e-4)
        assert account["line"]["test"][0][10] == pytest.approx(row["values"][0], rel=1e-4)


def test_the_mean_over_data_sets_is_called_one(tmp_path: Path) -> None:
    given: dict[str, Any] = {"datasets": ["wine", "breast_cancer"], "generations": 1}
    both = describe(run(tmp_path / "both", config(together=True, **given)).result, "run")
    assert both.count("mean validation error rate over wine and breast_cancer 0.") >= 2
    assert "mean validation" not in describe(run(tmp_path / "each", config(**given)).result, "run")


def test_a_search_that_finds_nothing_still_compares_the_references(tmp_path: Path) -> None:
    dead = {"initial": ["sign(sub(y, f))"] * 4, "population": 4, "crossover": 0, "mutation": 0}
    result = run(tmp_path, config(datasets=["wine"], references=["focal"], **dead)).result
    (problem,) = result["problems"]
    assert problem["best"] == []
    assert not [one for one in problem["comparison"]["against"] if one["role"] == "found"]
    assert "no loss was found; the given ones are compared" in describe(result, "run")


def test_a_fixed_loss_that_cannot_train_is_called_so(tmp_path: Path) -> None:
    given = ["sign(sub(y, f))", "square(sub(y, f))"]
    result = run(tmp_path, config(baseline="fixed", initial=given)).result
    counts = result["problems"][0]["counts"]
    assert counts == {"structures_scored": 2, "accepted": 1, "untrainable": 1}


def test_a_generation_reports_after_every_block(tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    class Heard(Silent):
        def on_report(self, scope: Any, step: int, of: Any, count: Any, metrics: Any) -> None:
            seen.append((step, bool(metrics)))

    settings = config(block=2, generations=1)

    def only_evolve(r: Any) -> State:
        group = (load_problem(settings, settings.datasets[0], settings.model, r),)
        return TreeSearch(settings, GeneticProgram).evolve(Posed(group, r.share(group)), r)

    drive(only_evolve, tmp_path, build_part=part, listener=Heard())
    assert seen.index((1, True)) >= 2  # the first generation's blocks
    assert [step for step, whole in seen if whole] == [1, 2]


@pytest.mark.parametrize("changes", [{}, {"racing": [4]}, {"cache": "gradient"}])
def test_local_search_starts_from_the_weights_of_a_given_loss(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    given = "square(sub(0.25*f, y))"
    state = evolved(tmp_path, initial=[given], meta_steps=0, generations=1, **changes)
    form = parse(given).canonical()
    assert state.archive[parse(given).key].weights == form.weights
    plain = evolved(tmp_path / "plain", initial=["square(sub(f, y))"], meta_steps=0, generations=1,
                    **changes)  # fmt: skip
    assert state.archive[form.key].fitness != plain.archive[form.key].fitness


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"baseline": "gp_lfl"}, "weights are left out, since this search keeps them 1"),
        ({"initial": ["abs(sub(y, 0.5*f))", "abs(sub(y, f))"]}, "only the first is scored"),
    ],
)
def test_a_given_loss_that_starts_otherwise_is_noted(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    settings = config(**{"initial": ["square(sub(y, 0.5*f))"], "generations": 1, **changes})
    notes = run(tmp_path, settings).result["problems"][0]["notes"]
    assert any(said in note for note in notes)


def compared(folder: Path, **changes: Any) -> list[float]:
    """Return the standard loss's test metrics after a search on small images."""
    settings = config(datasets=["digits"], generations=1, base_steps=4, baseline="fixed",
                      references=["focal"], test_steps=60, **changes)  # fmt: skip
    (problem,) = run(folder, settings).result["problems"]
    values: list[float] = problem["comparison"]["losses"][0]["values"]
    return values


def test_the_comparison_follows_the_published_schedule(tmp_path: Path) -> None:
    plain = compared(tmp_path / "plain")
    assert compared(tmp_path / "drops", rate_drops=[[1, 1e-9]]) > plain  # hardly any training
    moved = compared(tmp_path / "moved", augment={"padding": 2, "flip": False})
    assert moved != plain
    assert moved == compared(tmp_path / "again", augment={"padding": 2, "flip": False})
    kept = compared(tmp_path / "kept", augment={"padding": 0, "flip": False})
    assert kept == pytest.approx(plain, abs=0.02)  # the same draws, through autograd


def test_what_is_no_image_is_not_augmented(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"augment.*data sets of images.*diabetes has none"):
        run(tmp_path, config(augment={}))


def test_random_search_breeds_nothing(tmp_path: Path) -> None:
    # Fresh trees in every generation: none of them is higher than a first tree may be.
    settings = config(baseline="random", init_max=2, generations=3, mutation_heights=[2, 2])
    result = run(tmp_path, settings).result
    (problem,) = result["problems"]
    assert problem["counts"]["structures_scored"] > 8


def test_untuned_losses_have_weights_of_one(tmp_path: Path) -> None:
    result = run(tmp_path, config(baseline="gp_lfl")).result
    for best in result["problems"][0]["best"]:
        assert set(best["loss"]["weights"]) <= {1.0}


STUDY: dict[str, Any] = {
    "datasets": ["wine", "breast_cancer"],
    "models": ["linear", "lenet5"],
    "baselines": ["none", "gp_lfl", "taylorglo"],
    "search_seeds": 2,
    "protocols": [{"dataset": "wine", "generations": 1}],
}


def test_study_compares_all_cells_and_lists_what_does_not_fit(tmp_path: Path) -> None:
    done = run(tmp_path, config(study=STUDY))
    study = done.result["study"]
    fits = [cell for cell in study["cells"] if cell["model"] == "linear"]
    assert not any(cell["not_run"] for cell in fits)
    others = [cell for cell in study["cells"] if cell["model"] == "lenet5"]
    assert all("not applicable" in cell["not_run"] for cell in others)
    assert [t["dataset"] for t in study["tables"]] == ["wine", "breast_cancer"]
    for table in study["tables"]:
        names = [row["name"] for row in table["rows"]]
        assert names[:2] == ["standard", "none"]
        assert names[-1].startswith("transfer from")
        best = min(row["mean"] for row in table["rows"])
        assert 0 <= best < 1
    again = run(tmp_path / "again", config(study=STUDY),
                executor=lambda worker: ScrambledExecutor(worker, seed=5))  # fmt: skip
    assert again.digest == done.digest


def test_study_takes_a_table_of_numbers_under_its_own_protocol(tmp_path: Path) -> None:
    rows = [f"{i % 7},{i % 5},{(i % 7) - (i % 5)}.5" for i in range(60)]
    table = tmp_path / "deep" / "mine.csv"
    table.parent.mkdir()
    table.write_text("\n".join(["a,b,out", *rows]))
    name = f"csv:{table}"
    plan = {"datasets": [name], "models": ["linear"], "baselines": ["gp_lfl"], "search_seeds": 1,
            "protocols": [{"dataset": name, "test_steps": 7}]}  # fmt: skip
    done = run(tmp_path / "run", config(study=plan, generations=1, population=4))
    (compared,) = done.result["study"]["tables"]
    assert compared["test_steps"] == 7
    text = describe(done.result, "run")
    assert "EvoMAL against" not in text  # it was not among the baselines


def test_the_estimate_counts_transfers_and_the_standard_losses(tmp_path: Path) -> None:
    plan = {**STUDY, "models": ["linear"], "baselines": ["none"], "search_seeds": 1}
    alone, whole = (
        run(tmp_path / str(transfer), config(study={**plan, "transfer": transfer})).result["study"]
        for transfer in (False, True)
    )
    searches = sum(cell["core_hours"] for cell in alone["cells"])
    assert alone["aside_core_hours"] > 0  # the standard losses
    assert alone["estimated_core_hours"] == pytest.approx(searches + alone["aside_core_hours"])
    assert whole["estimated_core_hours"] == pytest.approx(searches + whole["aside_core_hours"])
    assert whole["aside_core_hours"] > alone["aside_core_hours"]
    assert whole["rates"] == [0.01]


def test_study_beyond_its_cap_runs_fewer_seeds_and_says_so(tmp_path: Path) -> None:
    free = run(tmp_path / "free", config(study={**STUDY, "search_seeds": 1})).result["study"]
    cap = free["estimated_core_hours"] * 0.7
    capped = run(tmp_path / "capped", config(study={**STUDY, "search_seeds": 1, "core_hours": cap}))
    study = capped.result["study"]
    beyond = [cell for cell in study["cells"] if cell["not_run"].startswith("beyond")]
    assert beyond
    assert study["estimated_core_hours"] <= cap
    ran = [cell for cell in study["cells"] if not cell["not_run"]]
    assert sum(cell["core_hours"] for cell in ran) < study["estimated_core_hours"]
