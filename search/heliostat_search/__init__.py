"""Search algorithms that methods share; each module is one of them and knows no method.

`trees`: typed expression trees. `evolution`: genetic programming over them. `islands`: migration
between populations. `cmaes`: CMA-ES over numbers. `pareto`: dominance, fronts, hypervolume.
`space`, `bayesian`: spaces of parameters and Optuna's samplers.
`splits`: train, validation and test parts of a data set. `statistics`: intervals and paired tests.
`compiled`: numba kernels, and C or C++ that is built when first used.

Import the module you need; nothing heavy is loaded before that.
"""
