"""A request that has no meaning is refused by name, and so is a pole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude, bg_currents, semi_on_shell
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point

FOUR = standard_gram_point(4)


@pytest.mark.parametrize(
    ("theory", "given", "message"),
    [
        ("yym", {}, "theory: 'yym', expected one of .*did you mean 'ym"),
        ("ym", {"ordering": (0, 1, 1, 3)}, "ordering: leg 1 stands in it twice"),
        ("ym", {"ordering": (0, 1, 2)}, "ordering: without leg 3, expected all 4 legs"),
        ("ym", {"ordering": (0, 1, 2, 4)}, "ordering: leg 4, expected whole numbers from 0 to 3"),
        ("ym", {"ordering": (0, True, 2, 3)}, "ordering: leg True"),
        ("ym", {"scalars": (0, 1)}, "scalars: .* which 'ym' does not take; 'yms'"),
        ("ym", {"trace": (0, 1)}, "trace: .* which 'ym' does not take; 'ym_phi3' do"),
        ("bas", {"scalars": (0, 1)}, "which 'bas' does not take"),
        ("nlsm", {"trace": (0, 1)}, "which 'nlsm' does not take"),
        ("yms", {"scalars": (0, 0)}, "leg 0 stands in it twice"),
        ("yms", {"scalars": (0, 1, 2)}, "of one flavour, expected an even number"),
        ("yms", {"scalars": (0, 9)}, "scalars: leg 9"),
        ("ym_phi3", {}, "trace: None, expected the scalars"),
        ("ym_phi3", {"trace": (1,)}, r"trace: \(1,\), expected at least two scalars"),
        ("ym_phi3", {"trace": (1, 2, 1)}, "trace: leg 1 stands in it twice"),
        ("bas", {"ordering": ((0, 1, 2, 3),) * 3}, "expected two orders of legs for 'bas'"),
    ],
)
def test_a_request_without_meaning_is_refused(
    theory: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        amplitude(theory, FOUR, **given)


def test_currents_refuse_what_is_no_word() -> None:
    with pytest.raises(ValueError, match="word: no legs"):
        bg_currents("ym", FOUR, ())
    with pytest.raises(ValueError, match="word: leg 0 stands in it twice"):
        bg_currents("ym", FOUR, (0, 0))
    with pytest.raises(ValueError, match="theory: 'bas', expected one of ym, yms, yms_minimal"):
        semi_on_shell("bas", FOUR, (0, 1))
    with pytest.raises(ValueError, match="expected at least two legs"):
        semi_on_shell("ym", FOUR, (0,))


@pytest.mark.parametrize(
    ("theory", "given"),
    [
        ("ym", {}),
        ("yms", {"scalars": (0, 3)}),
        ("ym_phi3", {"trace": (0, 1, 2, 3)}),
        ("bas", {}),
    ],
)
@pytest.mark.parametrize("field", ["rational", "gf", "mpmath:30", "float64"])
def test_a_zero_propagator_is_named(theory: str, given: dict[str, Any], field: str) -> None:
    point = standard_gram_point(4)
    kk = [[0, 3, -3], [3, 0, 0], [-3, 0, 0]]
    singular = GramPoint(kk, point.ek, point.ee).over(field)
    with pytest.raises(SingularKinematics, match=r"s_\{1,2\} = 0"):
        amplitude(theory, singular, **given)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_batch_with_one_pole_keeps_its_other_points() -> None:
    good = standard_gram_point(4)
    at = np.array([0.0, 1.0])  # the first has s_12 = 0

    def mixed(rows: Any, poles: Any) -> list[list[Any]]:
        return [
            [float(x) * at + float(y) * (1 - at) for x, y in zip(a, b, strict=True)]
            for a, b in zip(rows, poles, strict=True)
        ]

    kk = mixed(good.kk, [[0, 3, -3], [3, 0, 0], [-3, 0, 0]])
    batch = GramPoint(kk, mixed(good.ek, good.ek), mixed(good.ee, good.ee))
    found = amplitude("ym", batch)
    assert found[1] == pytest.approx(-481 / 42, rel=1e-14)
    assert not np.isfinite(found[0])


def test_pions_of_an_odd_number_are_0() -> None:
    for n in (3, 5, 7):
        assert amplitude("nlsm", standard_gram_point(n)) == 0
