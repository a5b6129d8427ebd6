"""The three teaching methods pass the kit that every method has to pass."""

from heliostat.testing import MethodContract


class TestCallPrice(MethodContract):
    method = "call_price"


class TestCurveFit(MethodContract):
    method = "curve_fit"


class TestGroupMeans(MethodContract):
    method = "group_means"
