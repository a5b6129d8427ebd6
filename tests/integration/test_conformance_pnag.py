"""The method passes the kit that every method has to pass, on a supernet and on a known space."""

from heliostat.testing import MethodContract


class TestPNAG(MethodContract):
    method = "pnag"
