"""Strategies: what proposes candidates and learns from their scores; may import errors and `run`.

All have one shape. The fields of a strategy are its settings, its state is a value apart, and
nothing hides in between::

    state = strategy.start(...)
    points = strategy.ask(state, rng)
    state = strategy.tell(state, points, values)

`Evolution` proposes typed trees (DEAP's types, operators of our own), `CMAES` vectors, `Optimiser`
configurations by Optuna's samplers, which keep their state to themselves; `random` is one of them.
`bilevel.solve` has another: nothing is proposed, and a state alternates with the problems below it.
"""
