"""The conformance kit as tests: what every method has to pass, built-in or not.

A plugin's test file needs only this::

    from heliostat.testing import MethodContract

    class TestMyMethod(MethodContract):
        method = "my_method"

The rules themselves, with what breaks them and how to mend it, are in `heliostat_kit`;
`heliostat plugins check` judges by the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest

from heliostat_kit.exam.calls import calls
from heliostat_kit.exam.command import CommandRun
from heliostat_kit.exam.exam import Exam
from heliostat_kit.rules.methods import RULES
from heliostat_kit.rules.rule import Rule
from heliostat_kit.verdict import LIMIT_SECONDS, Broken, NotJudged, Unwatched, told

__all__ = ["CommandRun", "MethodContract"]

_ON_RAY = {rule.name: rule for rule in RULES if rule.ray}


class MethodContract:
    """Tests of one method; set `method`, and `preset` if "smoke" is not the quick one.

    `options` are further settings, ``("population=4",)``, for a second class that holds another
    path of the same method to the contract. `limit`: seconds that one run may take. There is a test
    for each rule; `heliostat_kit.rules.methods` names them.
    """

    method: ClassVar[str]
    preset: ClassVar[str] = "smoke"
    options: ClassVar[Sequence[str]] = ()
    seed: ClassVar[int] = 1
    limit: ClassVar[float] = LIMIT_SECONDS

    @pytest.fixture(scope="class")
    @classmethod
    def exam(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Exam]:
        """Return the method's runs, each made when first needed."""
        folder = tmp_path_factory.mktemp(cls.method)
        judged = _judged(cls, request.session.items)
        exam = Exam(cls.method, folder, cls.preset, cls.options, cls.seed, cls.limit, judged)
        yield exam
        exam.close()


def _test_of(rule: Rule) -> Callable[[MethodContract, Exam], None]:
    def test(self: MethodContract, exam: Exam) -> None:
        _keeps(exam, rule)

    test.__doc__ = rule.promise
    return test


@pytest.mark.ray
@pytest.mark.parametrize("rule", list(_ON_RAY))
def _test_on_ray(self: MethodContract, exam: Exam, rule: str) -> None:
    _keeps(exam, _ON_RAY[rule])


for _rule in RULES:
    _test = _test_on_ray if _rule.ray else _test_of(_rule)
    _test.__name__ = f"test_{_rule.test}"
    _test.__qualname__ = f"{MethodContract.__qualname__}.{_test.__name__}"
    setattr(MethodContract, _test.__name__, _test)


def _judged(contract: type[MethodContract], items: Sequence[pytest.Item]) -> set[str]:
    """Return the names of the rules whose tests of this class were selected."""
    own = [item.name for item in items if getattr(item, "cls", None) is contract]
    return {
        rule.name
        for rule in RULES
        if (f"test_{rule.test}[{rule.name}]" if rule.ray else f"test_{rule.test}") in own
    }


def _keeps(exam: Exam, rule: Rule) -> None:
    try:
        with calls("it"):
            rule.check(exam)
    except Broken as error:
        mend = error.mend or rule.mend
        pytest.fail(f"{rule.name} is {told(rule.promise, error, mend)}", pytrace=False)
    except Unwatched as error:
        pytest.skip(str(error))
    except NotJudged as error:
        pytest.fail(f"{rule.name} cannot be judged: {error}", pytrace=False)
