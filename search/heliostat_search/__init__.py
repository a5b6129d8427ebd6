"""Search algorithms that methods share; each module is one of them and knows no method.

`strategies`: what proposes candidates and learns from their scores: genetic programming over typed
trees and its islands, CMA-ES, Optuna's samplers over spaces of parameters; and bilevel search, a
state above that alternates with many problems below.
`pareto`: dominance, fronts, hypervolume. `montecarlo`: moments, stopping rules, control variates.
`pooled_moments`: means and variances of many columns, cut into blocks and merged.
`splits`: train, validation and test parts of a data set. `statistics`: intervals and paired tests.
`trainings`: trainings compared: rates and steps, paired seeds, measures, what may be said of them.
`compiled`: numba kernels, and C or C++ that is built when first used.

Import the module you need; nothing heavy is loaded before that.
"""
