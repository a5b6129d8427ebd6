"""The method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestLutNN(MethodContract):
    method = "lutnn"


class TestLutNNOfManyKinds(MethodContract):
    """A dense network with a V that divides nothing, every other variant, rates as they are."""

    method = "lutnn"
    options = (
        'dataset="diabetes"',
        'model={name="mlp", hidden=[8, 6]}',
        'variants=["dense", "dense_longer", "int8", "maddness", "annealed", "hard", "squared", '
        '"float_tables", "per_output", "fixed_weight", "random_init", "all_layers"]',
        "linear=5",
        'schedule="constant"',
        "weight_decay=0.01",
        "rate_factors=[1.0]",
        "rate_seeds=1",
        "seeds=1",
        "steps=4",
        "tuning_steps=3",
    )
