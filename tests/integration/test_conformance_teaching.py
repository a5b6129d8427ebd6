"""The three teaching methods pass the kit that every method has to pass."""

from heliostat.testing import MethodContract
from heliostat_kit.exam.exam import Exam


class TestCallPrice(MethodContract):
    method = "call_price"


class TestCurveFit(MethodContract):
    method = "curve_fit"


class TestGroupMeans(MethodContract):
    method = "group_means"

    def test_five_processes_are_enough_for_all_rules(self, exam: Exam) -> None:
        assert len(exam.commands.started) <= 5, exam.commands.started
