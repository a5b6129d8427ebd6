"""Tuning passes the kit that every method has to pass, here around a method that is quick."""

from heliostat.testing import MethodContract


class TestTune(MethodContract):
    method = "tune"
    options = (
        "method=curve_fit",
        "base={population=5}",
        "space={generations={low=1, high=3}, noise={low=0.01, high=0.1, log=true}}",
        "objectives=[]",
        "trials=12",
    )
