"""The method `latency` keeps every promise of the platform; its timings are measurements."""

from __future__ import annotations

from heliostat.testing import MethodContract


class TestLatency(MethodContract):
    method = "latency"
