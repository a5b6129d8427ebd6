"""Whole runs of the method through the public command, as small as they can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_runs import Done, drive
from in_process import InProcess
from pnag_problems import Context
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat_methods.pnag.commands.saved_networks import found_networks
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.cost.budget import Budget
from heliostat_methods.pnag.search import search
from heliostat_methods.pnag.spaces.additive import AdditiveSpace
from heliostat_methods.pnag.spaces.counting import count_of
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace

RUN = ("run", "pnag", "--preset", "smoke", "--workers", "serial", "--no-report", "-o",
       "searcher='nsga2'")  # fmt: skip
TINY = "space={name='elastic_conv',widths=[4],strides=[2],stem_channels=4}"
"""4 + 16 networks."""
QUICK = ("-o", "generator={knots=2,budgets=2,evaluator_epochs=1,policy_steps=1,imitation_steps=1}",
         "-o", "retrain.networks=0", "-o", "supernet.calibration=16")  # fmt: skip
BIG = "space={name='elastic_conv',depths=[1,2,3]}"
NAMING = "space={name='elastic_conv',kernels=[3,'fixed_blur']}"
SPACE = ElasticConvSpace(widths=(4,), strides=(2,), stem_channels=4)


def result(here: InProcess, *words: str) -> Any:
    done = here(*RUN, *words)
    assert done.returncode == 0, done.stderr
    return here.json("show", "last")["result"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    return InProcess(tmp_path_factory.mktemp("pnag"))


# A supernet


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[InProcess, Any]:
    made = InProcess(tmp_path_factory.mktemp("trained"))
    words = ("-o", TINY, "-o", "evaluations=9", "-o", "supernet.calibration=16", "-o", "block=4")
    return made, result(made, *words)


def test_every_searcher_evaluates_as_many_networks(trained: Any) -> None:
    _, found = trained
    assert [one["name"] for one in found["contestants"]] == ["nsga2", "random"]
    for one in found["contestants"]:
        assert len(one["shares"]) == 2 and one["counts"][-1] == 9
        assert all(0 <= share <= 1 for share in one["shares"])
        assert len(one["seen_costs"]) == 9
    assert 9 <= found["evaluated"] <= 20
    assert (found["known"], found["truth"], found["seeds"]) == (False, [], 2)
    assert (found["dataset"], sum(found["images"])) == ("digits", 1797)


def test_the_front_rises_in_cost_and_accuracy(trained: Any) -> None:
    front = trained[1]["front"]
    costs = [one["costs"]["madds"] for one in front]
    assert costs == sorted(costs)
    accuracies = [one["accuracy"] for one in front]
    assert accuracies == sorted(accuracies)
    assert trained[1]["accuracy"] == accuracies[-1]
    archs = np.stack([SPACE.read(one["text"]) for one in front])
    madds, params = count_of(SPACE, archs, (1, 8, 8), 10)
    assert [one["costs"] for one in front] == [
        {"madds": m, "params": p} for m, p in zip(madds.tolist(), params.tolist(), strict=True)
    ]


def test_answers_are_held_against_the_best_that_is_known(trained: Any) -> None:
    answers = trained[1]["answers"]
    assert len(answers) == 2
    for one in answers:
        assert one["feasible"] == (one["cost"] <= one["budget"])
    assert len(trained[1]["retrained"]) == 1 and trained[1]["rank_correlation"] is None


def test_the_product_has_the_networks_of_the_front(trained: Any) -> None:
    here, found = trained
    left = found_networks("last", here.runs)
    assert [one.text for one in left.networks] == [one["text"] for one in found["front"]]
    assert [one.test for one in left.networks] == [one["test"] for one in found["front"]]
    dearest = left.networks[-1]
    assert left.within(Budget("madds", dearest.costs["madds"])).accuracy == found["accuracy"]


def test_the_product_says_what_images_and_classes_are(trained: Any) -> None:
    left = found_networks("last", trained[0].runs)
    assert (left.dataset, left.labels) == ("digits", tuple("0123456789"))
    # all 1,797: 4.88 and 6.02, of pixels from 0 to 16
    assert 4.7 < left.mean < 5.1 and 5.9 < left.deviation < 6.1


def test_the_front_is_of_all_that_is_counted(trained: Any) -> None:
    _, found = trained
    said = {one["text"] for one in found["answers"]}
    assert found["evaluated"] >= len(said | {one["text"] for one in found["front"]})


def test_a_front_of_one_network_has_an_end(here: InProcess) -> None:
    two = TINY.replace("}", ",kernels=[3],expands=[1]}")
    found = result(here, *QUICK, "-o", two, "-o", "evaluations=2", "-o", "supernet.epochs=1")
    assert found["evaluated"] == 2 and all(one["feasible"] for one in found["answers"])


def test_settings_of_a_searcher_that_does_not_take_part_are_told(trained: Any) -> None:
    # the preset has some of its own searcher, and another one was asked for
    told = "not used, since they do not take part: settings of ensemble"
    assert told in trained[1]["remarks"]


def test_a_finished_run_is_replayed_to_its_digest(trained: Any) -> None:
    here, _ = trained
    done = here("verify", "last")
    assert done.returncode == 0, done.stderr


# The whole space


def test_where_everything_is_evaluated_the_front_is_known(here: InProcess) -> None:
    found = result(here, *QUICK, "-o", TINY, "-o", "exhaustive=true", "-o", "evaluations=20")
    assert (found["known"], found["evaluated"]) == (True, 20)
    # Who evaluates the whole space reaches the whole front.
    assert [one["shares"] for one in found["contestants"]] == [[1, 1], [1, 1]]
    truth = [[one["costs"]["madds"], one["accuracy"]] for one in found["front"]]
    assert found["truth"] == truth
    assert all(one["accuracy"] <= one["best"] for one in found["answers"] if one["feasible"])


# A space that is known


def test_results_of_a_known_space_are_looked_up(here: InProcess) -> None:
    found = result(here, *QUICK, "-o", "space='additive'", "-o", "evaluations=12")
    space = AdditiveSpace()
    assert (found["dataset"], found["losses"], found["known"]) == ("", [], True)
    assert found["quantity"] == "madds" and len(found["truth"]) == 613
    for one in found["front"]:
        accuracy, cost = space.look_up(space.read(one["text"])[None])
        assert (one["accuracy"], one["costs"]) == (accuracy[0], {"madds": cost[0]})
        assert one["test"] is None
    for one in found["contestants"]:
        assert all(0 < share < 1 for share in one["shares"])


# Shards


SHARDS = PNAGConfig.model_validate(
    {
        "space": {"name": "elastic_conv", "widths": [4], "strides": [2], "stem_channels": 4},
        "supernet": {"epochs": 1, "batch": 512, "calibration": 16, "random": 1, "shards": 2},
        "generator": {"knots": 2, "budgets": 2, "evaluator_epochs": 1, "policy_steps": 1,
                      "imitation_steps": 1},
        "searcher": "random", "compare": [], "evaluations": 4, "seeds": 1,
    }
)  # fmt: skip


def sharded(folder: Path, **how: Any) -> Done:
    return drive(lambda run: search(SHARDS, run), folder, build_part=Context().part, **how)


def test_shards_on_scrambled_workers_and_after_a_kill_give_the_digest_of_one_process(
    tmp_path: Path,
) -> None:
    whole = sharded(tmp_path / "whole")
    # Two steps of two shards come first.
    names = [row.function for row in whole.rows]
    assert names[:4] == ["pnag.shard_gradient"] * 4 and "pnag.train_supernet" not in names
    other = sharded(tmp_path / "other", executor=lambda w: ScrambledExecutor(w, seed=3))
    assert (other.digest, other.result) == (whole.digest, whole.result)
    with pytest.raises(Killed):
        sharded(tmp_path / "killed", executor=lambda w: MortalExecutor(w, seed=1, lives=3))
    resumed = sharded(tmp_path / "killed")
    assert (resumed.digest, resumed.result) == (whole.digest, whole.result)
    assert resumed.evaluated < whole.evaluated


# What goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("device='cuda'",), "device = 'cuda': expected 'cpu' or 'auto' here"),
        ((TINY, "evaluations=21"), "evaluations = 21: expected at most 20, the networks of"),
        (("space='additive'", "dataset='digits'"), "dataset = 'digits': expected none for a space"),
        (("space='elastic_con'",), "did you mean 'elastic_conv'?"),
        (("space='undecided'",), "space = 'undecided': expected a space, with decisions"),
        (("space='unknown'",), "expected a space that is known or can be trained"),
        (("settings.nsga2={popultion=3}",), "settings.nsga2.popultion = 3: expected a field"),
        (("quantity='latency'",), "latency = None: expected run:RUN of a table, since quantity"),
        (("dataset='wine'",), "dataset = 'wine': expected images (channels, height, width)"),
        (("space='ofa_mobilenet_v3'",), "input_shape = (1, 8, 8): expected (channels, height,"),
        (("exhaustive=true", BIG), "expected at most 200,000 architectures to list them all"),
        ((NAMING,), "layers = []: expected the layer 'fixed_blur' among them"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    here: InProcess, words: tuple[str, ...], message: str
) -> None:
    spaces = InProcess(here.folder, "pnag_spaces")
    done = spaces(*RUN, *(part for word in words for part in ("-o", word)))
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
