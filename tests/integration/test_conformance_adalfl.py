"""The method passes the kit that every method has to pass, on both of its paths."""

from heliostat.testing import MethodContract


class TestAdaLFL(MethodContract):
    method = "adalfl"


class TestAdaLFLOfModules(MethodContract):
    """A convolutional network with statistics and masks; losses begun offline, and one by name."""

    method = "adalfl"
    options = (
        'dataset="digits"',
        'model={name="cnn", channels=[2], batch_norm=true, dropout=0.2}',
        'methods=["task_loss", "adalfl_softplus"]',
        'references=["focal"]',
        'phi_init="offline"',
        'on_unusable="regression"',
        "offline={steps=1, inner=2}",
        "regression_steps=20",
        "batch_size=32",
        "steps=3",
        "rate_factors=[1.0]",
        "rate_seeds=1",
        "seeds=2",
    )
