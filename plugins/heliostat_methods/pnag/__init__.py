"""PNAG: joint Pareto architecture search that answers any budget.

>>> from heliostat_methods.pnag import AdditiveSpace, OFAMobileNetV3Space, pareto_labels
>>> pareto_labels(accuracy=[0.70, 0.72, 0.75], cost=[50, 80, 110], budget=80).tolist()
[[0, -1, 1], [1, 0, 1], [-1, -1, 0]]
>>> f"{OFAMobileNetV3Space(width=1.2).size:,} networks"
'21,758,655,492,572,485,851 networks'
>>> len(AdditiveSpace().front().costs)  # the exact front of as many
613
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.pnag.commands.saved_networks import found_networks
    from heliostat_methods.pnag.cost.budget import Budget, read_budget
    from heliostat_methods.pnag.cost.latency_probe import probe
    from heliostat_methods.pnag.cost.latency_table import LatencyTable
    from heliostat_methods.pnag.cost.predictors import AccuracyPredictor, CostPredictor
    from heliostat_methods.pnag.found.networks import FoundNetwork, FoundNetworks
    from heliostat_methods.pnag.fronts.archive import archive
    from heliostat_methods.pnag.fronts.regret import TrueFront, front_of, true_front
    from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
    from heliostat_methods.pnag.generator.budget_embedding import BudgetEmbedding
    from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
    from heliostat_methods.pnag.generator.evaluator_training import train_evaluator
    from heliostat_methods.pnag.generator.inference import generate
    from heliostat_methods.pnag.generator.labels import pareto_labels
    from heliostat_methods.pnag.generator.policy import PolicyTraining, train_policy
    from heliostat_methods.pnag.generator.ranking import kendall_tau, pairwise_rank_loss
    from heliostat_methods.pnag.generator.rewards import (
        absolute_reward,
        mnasnet_reward,
        pareto_reward,
        tunas_reward,
    )
    from heliostat_methods.pnag.searchers.by_name import recipe
    from heliostat_methods.pnag.searchers.evolutionary import Evolution
    from heliostat_methods.pnag.searchers.independent import Independent
    from heliostat_methods.pnag.searchers.nsga2 import NSGA2
    from heliostat_methods.pnag.searchers.optuna_samplers import OptunaNSGA2, OptunaTPE
    from heliostat_methods.pnag.searchers.pymoo_algorithms import Pymoo
    from heliostat_methods.pnag.searchers.random_search import RandomSearch
    from heliostat_methods.pnag.searchers.searcher import Known, Searcher
    from heliostat_methods.pnag.searchers.surrogate_front import SurrogateFront
    from heliostat_methods.pnag.spaces.additive import AdditiveSpace
    from heliostat_methods.pnag.spaces.counting import madds_of, params_of
    from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
    from heliostat_methods.pnag.spaces.exact_front import AdditiveFront, exact_additive_front
    from heliostat_methods.pnag.spaces.layout import NetworkLayout, TrainableSpace
    from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
    from heliostat_methods.pnag.spaces.moves import (
        all_architectures,
        crossover,
        mutate,
        neighbours,
        sample,
    )
    from heliostat_methods.pnag.spaces.nas_bench_graph import nas_bench_graph
    from heliostat_methods.pnag.spaces.space import Decision, KnownSpace, SearchSpace
    from heliostat_methods.pnag.spaces.tabular import TabularSpace
    from heliostat_methods.pnag.supernet.exporting import to_onnx, to_torchscript
    from heliostat_methods.pnag.supernet.extraction import extract
    from heliostat_methods.pnag.supernet.network import Supernet
    from heliostat_methods.pnag.supernet.prefixes import accuracies
    from heliostat_methods.pnag.supernet.recalibration import recalibrate
    from heliostat_methods.pnag.supernet.sandwich import Sandwich
    from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking
    from heliostat_methods.pnag.supernet.training import SupernetTrainer, TrainingSettings

_HOME = {
    "AccuracyPredictor": "cost.predictors",
    "AdditiveFront": "spaces.exact_front",
    "AdditiveSpace": "spaces.additive",
    "ArchitectureEvaluator": "generator.evaluator",
    "ArchitectureGenerator": "generator.architecture_generator",
    "Budget": "cost.budget",
    "BudgetEmbedding": "generator.budget_embedding",
    "CostPredictor": "cost.predictors",
    "Decision": "spaces.space",
    "ElasticConvSpace": "spaces.elastic_conv",
    "Evolution": "searchers.evolutionary",
    "FoundNetwork": "found.networks",
    "FoundNetworks": "found.networks",
    "Independent": "searchers.independent",
    "Known": "searchers.searcher",
    "KnownSpace": "spaces.space",
    "LatencyTable": "cost.latency_table",
    "NSGA2": "searchers.nsga2",
    "NetworkLayout": "spaces.layout",
    "OFAMobileNetV3Space": "spaces.mobilenet",
    "OptunaNSGA2": "searchers.optuna_samplers",
    "OptunaTPE": "searchers.optuna_samplers",
    "PolicyTraining": "generator.policy",
    "ProgressiveShrinking": "supernet.shrinking",
    "Pymoo": "searchers.pymoo_algorithms",
    "RandomSearch": "searchers.random_search",
    "Sandwich": "supernet.sandwich",
    "SearchSpace": "spaces.space",
    "Searcher": "searchers.searcher",
    "Supernet": "supernet.network",
    "SupernetTrainer": "supernet.training",
    "SurrogateFront": "searchers.surrogate_front",
    "TabularSpace": "spaces.tabular",
    "TrainableSpace": "spaces.layout",
    "TrainingSettings": "supernet.training",
    "TrueFront": "fronts.regret",
    "absolute_reward": "generator.rewards",
    "accuracies": "supernet.prefixes",
    "all_architectures": "spaces.moves",
    "archive": "fronts.archive",
    "crossover": "spaces.moves",
    "exact_additive_front": "spaces.exact_front",
    "extract": "supernet.extraction",
    "found_networks": "commands.saved_networks",
    "front_of": "fronts.regret",
    "generate": "generator.inference",
    "kendall_tau": "generator.ranking",
    "madds_of": "spaces.counting",
    "mnasnet_reward": "generator.rewards",
    "mutate": "spaces.moves",
    "nas_bench_graph": "spaces.nas_bench_graph",
    "neighbours": "spaces.moves",
    "pairwise_rank_loss": "generator.ranking",
    "params_of": "spaces.counting",
    "pareto_labels": "generator.labels",
    "pareto_reward": "generator.rewards",
    "probe": "cost.latency_probe",
    "read_budget": "cost.budget",
    "recalibrate": "supernet.recalibration",
    "recipe": "searchers.by_name",
    "sample": "spaces.moves",
    "to_onnx": "supernet.exporting",
    "to_torchscript": "supernet.exporting",
    "train_evaluator": "generator.evaluator_training",
    "train_policy": "generator.policy",
    "true_front": "fronts.regret",
    "tunas_reward": "generator.rewards",
}

__all__ = [
    "NSGA2",
    "AccuracyPredictor",
    "AdditiveFront",
    "AdditiveSpace",
    "ArchitectureEvaluator",
    "ArchitectureGenerator",
    "Budget",
    "BudgetEmbedding",
    "CostPredictor",
    "Decision",
    "ElasticConvSpace",
    "Evolution",
    "FoundNetwork",
    "FoundNetworks",
    "Independent",
    "Known",
    "KnownSpace",
    "LatencyTable",
    "NetworkLayout",
    "OFAMobileNetV3Space",
    "OptunaNSGA2",
    "OptunaTPE",
    "PolicyTraining",
    "ProgressiveShrinking",
    "Pymoo",
    "RandomSearch",
    "Sandwich",
    "SearchSpace",
    "Searcher",
    "Supernet",
    "SupernetTrainer",
    "SurrogateFront",
    "TabularSpace",
    "TrainableSpace",
    "TrainingSettings",
    "TrueFront",
    "absolute_reward",
    "accuracies",
    "all_architectures",
    "archive",
    "crossover",
    "exact_additive_front",
    "extract",
    "found_networks",
    "front_of",
    "generate",
    "kendall_tau",
    "madds_of",
    "mnasnet_reward",
    "mutate",
    "nas_bench_graph",
    "neighbours",
    "pairwise_rank_loss",
    "params_of",
    "pareto_labels",
    "pareto_reward",
    "probe",
    "read_budget",
    "recalibrate",
    "recipe",
    "sample",
    "to_onnx",
    "to_torchscript",
    "train_evaluator",
    "train_policy",
    "true_front",
    "tunas_reward",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
