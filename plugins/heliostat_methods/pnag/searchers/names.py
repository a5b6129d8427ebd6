"""Names of the searchers, which a configuration checks without loading any of them."""

NAMES: dict[str, str] = {
    "ensemble": "Gaussian process and mutations of the archive, shares by recent gain",
    "joint": "PNAG: one generator for all budgets, taught by ranking, in active rounds",
    "gp": "Gaussian process with a Hamming kernel, proposing its predicted front",
    "nsganet": "NSGA-II on the surrogate that ranks best (after NSGANetV2)",
    "independent": "constrained evolution, one search for each budget",
    "mnasnet": "one search for each budget by MnasNet's reward",
    "tunas": "one search for each budget by TuNAS's reward",
    "nsga2": "NSGA-II",
    "pymoo_nsga2": "NSGA-II of pymoo",
    "pymoo_nsga3": "NSGA-III of pymoo",
    "optuna_nsga2": "NSGA-II of Optuna",
    "optuna_tpe": "tree-structured Parzen estimator of Optuna",
    "random": "independent draws",
}
"""Searcher: what it is, in the order in which tables show them."""
