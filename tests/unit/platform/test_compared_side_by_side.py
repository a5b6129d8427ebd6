"""The table of `heliostat compare`: nothing is cut and nothing runs into the next column."""

from __future__ import annotations

from heliostat.cli.verbs.compare import side_by_side

HEADS = ("20260101-000000-evomal-aaaa", "20260101-000001-evomal-bbbb")


def lines(*rows: tuple[str, object, object]) -> list[str]:
    return list(side_by_side(HEADS, rows))


def test_short_values_stand_under_the_runs_that_they_belong_to() -> None:
    head, row = lines(("learning_rate", 0.1, 0.025))
    assert row.index("0.1") == head.index(HEADS[0])
    assert row.index("0.025") == head.index(HEADS[1])


def test_a_digest_is_whole() -> None:
    text = lines(("digest", "a" * 64, "b" * 64), ("seed", 1, 2))
    assert [line.strip() for line in text[1:4]] == ["digest", "a" * 64, "b" * 64]
    assert text[4].split() == ["seed", "1", "2"]


def test_a_long_value_moves_no_column() -> None:
    text = lines(
        ("datasets", ["diabetes", "digits", "california_housing"], ["digits"]), ("n", 1, 2)
    )
    assert text[2].strip() == "[diabetes, digits, california_housing]"
    assert text[3].strip() == "[digits]"
    assert text[4].index("1") == text[0].index(HEADS[0])


def test_a_long_name_has_a_column_that_is_wide_enough() -> None:
    name = "model.hidden_units_of_the_second_layer"
    assert lines((name, 16, 32))[1].split() == [name, "16", "32"]


def test_numbers_have_six_digits_unless_they_differ_only_after_them() -> None:
    text = lines(("a", 0.7911528168463566, 0.4670288816959944), ("b", 1.0000000001, 1.0))
    assert text[1].split() == ["a", "0.791153", "0.467029"]
    assert text[2].split() == ["b", "1.0000000001", "1.0"]


def test_what_one_run_does_not_have_is_a_dash() -> None:
    assert lines(("preset", None, "smoke"))[1].split() == ["preset", "-", "smoke"]
