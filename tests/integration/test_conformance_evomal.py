"""The main method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestEvoMAL(MethodContract):
    method = "evomal"


class TestEvoMALByAutograd(MethodContract):
    """A convolutional network with dropout: the generic path, with filters that work in phases."""

    method = "evomal"
    options = (
        'datasets="digits"',
        'model={name="cnn", channels=[2], dropout=0.2}',
        "base_steps=12",
        "meta_steps=3",
        "test_steps=6",
        "test_seeds=2",
        "population=4",
        "tournament=2",
        "generations=1",
        "racing=[10]",
        "equivalence=true",
    )
