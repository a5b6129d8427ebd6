"""The method passes the kit that every method has to pass."""

from __future__ import annotations

from heliostat.testing import MethodContract


class TestPNAG(MethodContract):
    method = "pnag"
