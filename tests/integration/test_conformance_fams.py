"""The method passes the kit that every method has to pass."""

from heliostat.testing import MethodContract


class TestFAMS(MethodContract):
    method = "fams"
