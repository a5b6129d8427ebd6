"""The conformance kit as tests: what every method has to pass, built-in or not.

A plugin's test file needs only this::

    from heliostat.testing import MethodContract

    class TestMyMethod(MethodContract):
        method = "my_method"

The rules themselves, with what breaks them and how to mend it, are in `heliostat_kit`;
`heliostat plugins check` judges by the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest

from heliostat_kit.attempt import CommandRun
from heliostat_kit.calls import calls
from heliostat_kit.rule import LIMIT_SECONDS, Broken, NotJudged, Unwatched, told
from heliostat_kit.rules import RULES
from heliostat_kit.trial import Trial

__all__ = ["CommandRun", "MethodContract"]

_BY_NAME = {rule.name: rule for rule in RULES}


class MethodContract:
    """Tests of one method; set `method`, and `preset` if "smoke" is not the quick one.

    `options` are further settings, ``("population=4",)``, for a second class that holds another
    path of the same method to the contract. `limit`: seconds that one run may take.
    """

    method: ClassVar[str]
    preset: ClassVar[str] = "smoke"
    options: ClassVar[Sequence[str]] = ()
    seed: ClassVar[int] = 1
    limit: ClassVar[float] = LIMIT_SECONDS

    @pytest.fixture(scope="class")
    @classmethod
    def trial(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
        """Return the method's runs, each made when first needed."""
        folder = tmp_path_factory.mktemp(cls.method)
        trial = Trial(cls.method, folder, cls.preset, cls.options, cls.seed, cls.limit)
        yield trial
        trial.close()

    def test_presets_are_valid_and_survive_toml(self, trial: Trial) -> None:
        """Each preset validates; written as TOML and read back it is the same."""
        _keeps(trial, "presets")

    def test_unknown_key_is_refused(self, trial: Trial) -> None:
        """A misspelt field is an error that names it."""
        _keeps(trial, "unknown-keys")

    def test_tasks_are_importable_by_name(self, trial: Trial) -> None:
        """Tasks are functions at module level."""
        _keeps(trial, "module-level-tasks")

    def test_items_and_values_are_plain(self, trial: Trial) -> None:
        """Items and values are what their own text decodes to."""
        _keeps(trial, "plain-values")

    def test_a_run_does_something(self, trial: Trial) -> None:
        """The quick preset evaluates at least one task and finishes."""
        _keeps(trial, "quick-run")

    def test_no_global_random_state_is_used(self, trial: Trial) -> None:
        """Search and tasks leave the states of random, numpy.random and torch alone."""
        _keeps(trial, "global-random-state")

    def test_run_again_with_a_full_cache_is_equal(self, trial: Trial) -> None:
        """Another process, and what is cached on a machine, change no result."""
        _keeps(trial, "repeatable")

    def test_order_of_sets_decides_nothing(self, trial: Trial) -> None:
        """Sets in other orders give the same digest."""
        _keeps(trial, "set-order")

    def test_shared_data_stay_as_they_are(self, trial: Trial) -> None:
        """No task changes shared data or its item, no search the values it gets."""
        _keeps(trial, "shared-data")

    def test_items_in_reversed_order_give_equal_values(self, trial: Trial) -> None:
        """One process that evaluates the items last to first gets the journaled bytes."""
        _keeps(trial, "item-order")

    def test_writes_only_into_run_folder_and_cache(self, trial: Trial) -> None:
        """Everything that Python writes lies in the runs folder or in the cache."""
        _keeps(trial, "writes")

    def test_no_other_process_is_started(self, trial: Trial) -> None:
        """A method that starts processes is told so; what they do cannot be watched."""
        _keeps(trial, "processes")

    def test_report_renders(self, trial: Trial) -> None:
        """The report is written and names the run."""
        _keeps(trial, "report")

    def test_nothing_is_pickled(self, trial: Trial) -> None:
        """No file in the run's folder is a pickle."""
        _keeps(trial, "no-pickles")

    def test_digest_follows_from_the_export(self, trial: Trial) -> None:
        """Ten lines that share no code with the platform recompute the digest."""
        _keeps(trial, "export")

    def test_another_seed_differs(self, trial: Trial) -> None:
        """The seed reaches the tasks."""
        _keeps(trial, "seed")

    def test_threads_of_the_shell_change_nothing(self, trial: Trial) -> None:
        """Four threads asked for by the environment give the digest of one."""
        _keeps(trial, "threads")

    def test_killed_and_resumed_equals_uninterrupted(self, trial: Trial) -> None:
        """The driver is killed in the middle; the resumed run ends with the same digest."""
        _keeps(trial, "kill-and-resume")

    @pytest.mark.ray
    @pytest.mark.parametrize("rule", ["one-worker", "two-workers"])
    def test_ray_equals_serial(self, trial: Trial, rule: str) -> None:
        """The digest does not depend on where tasks run."""
        _keeps(trial, rule)


def _keeps(trial: Trial, name: str) -> None:
    rule = _BY_NAME[name]
    try:
        with calls("it"):
            rule.check(trial)
    except Broken as error:
        pytest.fail(f"{name} is {told(rule.promise, error, rule.mend)}", pytrace=False)
    except Unwatched as error:
        pytest.skip(str(error))
    except NotJudged as error:
        pytest.fail(f"{name} cannot be judged: {error}", pytrace=False)
