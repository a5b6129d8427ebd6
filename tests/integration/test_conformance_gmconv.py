"""The method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestGMConv(MethodContract):
    method = "gmconv"


class TestGMConvOfManyKinds(MethodContract):
    """Widths by softplus, masks that keep the function, rates as they are given, no fields."""

    method = "gmconv"
    options = (
        'dataset="digits"',
        'model={name="cnn", channels=[2], dropout=0.2}',
        'variants=["static", "per_channel", "fixed", "mixed"]',
        "fixed_sigmas=[1.0]",
        "further_rate_factors=[30.0]",
        'sigma_param="softplus"',
        "preserve=true",
        'schedule="constant"',
        "rate_factors=[1.0]",
        "receptive_inputs=0",
        "steps=4",
        "batch_size=32",
        "seeds=2",
    )
