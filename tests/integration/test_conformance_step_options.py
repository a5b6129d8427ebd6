"""The method passes the kit that every method has to pass."""

from heliostat.testing import MethodContract


class TestStepOptions(MethodContract):
    method = "step_options"
