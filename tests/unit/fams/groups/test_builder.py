import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.groups.builder import build_groups

PEOPLE = {
    "race": np.array(["B", "W", "W", "B", "W", "B"]),
    "sex": np.array(["F", "M", "F", "F", "M", "M"]),
    "age": np.array([19, 25, 34, 70, 24, 55]),
}


def test_attributes_are_crossed_in_the_order_of_their_levels():
    built = build_groups(PEOPLE, ["race", "sex"])
    names = ("race=B, sex=F", "race=B, sex=M", "race=W, sex=F", "race=W, sex=M")
    assert built.subgroups.names == names
    assert built.subgroups.codes.tolist() == [0, 3, 2, 0, 3, 1]
    assert built.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert built.note == ""


def test_all_columns_are_attributes_unless_some_are_named():
    assert build_groups({"sex": PEOPLE["sex"]}).subgroups.names == ("sex=F", "sex=M")


def test_bands_stand_in_the_order_of_numbers_not_of_their_names():
    built = build_groups(PEOPLE, ["age"], {"age": (25, 35, 55)})
    assert built.subgroups.names == (
        "age=under 25",
        "age=25-34",
        "age=55 and over",
    )
    assert built.subgroups.codes.tolist() == [0, 1, 1, 2, 0, 2]


def test_small_groups_are_kept_and_counted_by_default():
    built = build_groups(PEOPLE, ["race", "sex"], min_group_size=2)
    assert len(built.subgroups) == 4
    assert built.note == "2 of 4 groups have fewer than 2 rows (2 rows)"


def test_small_groups_can_be_left_out():
    built = build_groups(PEOPLE, ["race", "sex"], min_group_size=2, merge="drop")
    assert built.subgroups.names == ("race=B, sex=F", "race=W, sex=M")
    assert built.rows.tolist() == [0, 1, 3, 4]
    assert built.subgroups.codes.tolist() == [0, 1, 0, 1]
    assert built.note == "2 of 4 groups have fewer than 2 rows and were left out (2 rows)"


# race, sex, age with 5, 1, 1 | 1, 1 | 1 rows below a, F | a, M | b
CELLS = [("a", "F", 1)] * 5 + [("a", "F", 2), ("a", "F", 3), ("a", "M", 1), ("a", "M", 2)]
CELLS += [("b", "F", 1)]


def tree(least, merge="parent"):
    race, sex, age = zip(*CELLS, strict=True)
    columns = {"race": list(race), "sex": list(sex), "age": list(age)}
    return build_groups(columns, ["race", "sex", "age"], None, least, merge)


def test_small_groups_of_one_parent_are_merged_and_large_ones_stay():
    built = tree(2)
    assert built.subgroups.names == (
        "race=a, sex=F, age=1",
        "race=a, sex=F (rest)",
        "race=a, sex=M",  # all of its children were small
        "all (rest)",
    )
    assert built.subgroups.sizes.tolist() == [5, 2, 2, 1]
    assert built.note == (
        "5 of 6 groups have fewer than 2 rows (5 rows); they were merged by attributes; "
        "1 row, too few even together, make one of their own"
    )


def test_what_is_still_too_small_goes_to_the_next_parent():
    built = tree(3)
    assert built.subgroups.names == ("race=a, sex=F, age=1", "race=a (rest)", "all (rest)")
    assert built.subgroups.sizes.tolist() == [5, 4, 1]


def test_in_the_end_all_rows_are_one_group():
    built = tree(100)
    assert built.subgroups.names == ("all",)
    assert built.note.endswith("10 rows, too few even together, make one of their own")


def test_missing_values_are_refused_grouped_or_left_out():
    columns = {"sex": np.array(["F", None, "M"], object), "age": [np.nan, 3.0, 40.0]}
    with pytest.raises(ValueError, match=r"columns\['sex'\], row 1 is missing; missing = 'group'"):
        build_groups(columns)
    grouped = build_groups(columns, bands={"age": [18]}, missing="group")
    assert grouped.subgroups.names == (
        "sex=F, age=(missing)",
        "sex=M, age=18 and over",
        "sex=(missing), age=under 18",
    )
    left = build_groups(columns, missing="drop")
    assert left.rows.tolist() == [2]
    assert left.note == "2 rows without a value left out"
    for missing in ("group", "drop"):  # the row is counted among all rows
        with pytest.raises(ValueError, match=r"columns\['age'\], row 2 is inf"):
            build_groups({"age": [np.nan, 1.0, np.inf]}, (), {"age": 2}, missing=missing)
    with pytest.raises(ValueError, match=r"a value of age is missing in every row"):
        build_groups({"age": [np.nan, np.nan]}, missing="drop")


def test_a_data_frame_is_taken_as_it_comes():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"sex": pd.Series(["F", None, "M"], dtype="string"), "x": [1, 2, 3]})
    built = build_groups(frame, ["sex"], missing="group")
    assert built.subgroups.names == ("sex=F", "sex=M", "sex=(missing)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": ["rase"]}, r"by\[0\] = 'rase': expected the name of an attribute.*'race'\?"),
        ({"by": ["sex", "sex"]}, r"by\[1\] = 'sex': expected each attribute once"),
        ({"merge": "parents"}, r"merge = 'parents': expected one of keep.*mean 'parent'\?"),
        ({"missing": "droop"}, r"missing = 'droop': .*did you mean 'drop'\?"),
        ({"min_group_size": 0}, r"min_group_size = 0: expected a whole number, 1 or more"),
        ({"min_group_size": 7, "merge": "drop"}, r"min_group_size = 7: expected at most 1"),
        ({"bands": {"agee": [3]}}, r"bands = 'agee': .*did you mean 'age'\?"),
        ({"bands": {"race": [3]}}, r"columns\['race'\], row 0 is 'B', expected a finite number"),
        ({"bands": {"age": [35, 25]}}, r"bands\['age'\] = \[35, 25\]: expected increasing numbers"),
        ({"bands": {"age": []}}, r"bands\['age'\] = \[\]: expected increasing numbers"),
        ({"bands": {"age": [float("nan")]}}, r"bands\['age'\] = \[nan\]: expected increasing"),
        ({"bands": {"age": True}}, r"bands\['age'\] = True: expected increasing numbers"),
        ({"bands": {"age": "deciles"}}, r"bands\['age'\] = 'deciles': expected increasing"),
        ({"bands": {"age": 1}}, r"bands\['age'\] = 1: expected 2 to 1,000 bands"),
        ({"columns": {}}, "columns is empty, expected at least one attribute"),
        ({"columns": [1, 2]}, r"columns = \[1, 2\]: expected a mapping of names to columns"),
        ({"columns": {"a": []}}, r"columns\['a'\] is empty"),
        ({"columns": {"a": [1, 2], "b": [1]}}, r"columns\['b'\] has 1 rows, expected 2"),
        ({"columns": {"a": [[1, 2], [3, 4]]}}, r"columns\['a'\] has shape \(2, 2\)"),
    ],
)
def test_each_error_names_the_argument_and_the_nearest_choice(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_groups(**{"columns": PEOPLE} | arguments)


numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1e308, -1e308, 5e-324, 2.0**53]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-3, 3).map(float),
)
attribute = st.one_of(
    st.lists(numbers, min_size=8, max_size=8),
    st.lists(st.sampled_from(["a", "b", "", "1", "é"]), min_size=8, max_size=8),
    st.lists(st.sampled_from([None, "a", 1, 2.5]), min_size=8, max_size=8),
)
cuts = st.one_of(st.integers(0, 12), st.lists(numbers, max_size=4))


@settings(max_examples=150, deadline=None)
@given(
    columns=st.dictionaries(st.sampled_from("xyz"), attribute, min_size=1),
    bands=st.dictionaries(st.sampled_from("xyz"), cuts, max_size=2),
    least=st.integers(1, 9),
    merge=st.sampled_from(["keep", "parent", "drop"]),
    missing=st.sampled_from(["error", "group", "drop"]),
)
def test_any_columns_make_groups_without_gaps_or_are_refused(columns, bands, least, merge, missing):
    arrays = {
        name: np.array(values, dtype=object if None in values else None)
        for name, values in columns.items()
    }
    try:
        built = build_groups(arrays, (), bands, least, merge, missing)
    except ValueError as error:
        assert any(name in str(error) for name in ("columns", "bands", "min_group_size"))
        return
    groups, rows = built.subgroups, built.rows
    assert len(groups.codes) == len(rows)
    assert (np.diff(rows) > 0).all()
    assert groups.sizes.min() > 0
    assert len(groups.sizes) == len(set(groups.names))
    if merge == "drop":
        assert groups.sizes.min() >= least
    if merge == "parent":
        assert (groups.sizes[:-1] >= least).all()
    if missing != "drop" and merge != "drop":
        assert len(rows) == 8


@settings(max_examples=50, deadline=None)
@given(
    cells=st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30),
    least=st.integers(1, 6),
    merge=st.sampled_from(["keep", "parent", "drop"]),
    order=st.randoms(use_true_random=False),
)
def test_groups_do_not_depend_on_the_order_of_rows(cells, least, merge, order):
    def built(rows):
        columns = {name: [cell[at] for cell in rows] for at, name in enumerate("abc")}
        found = build_groups(columns, bands={"c": 2}, min_group_size=least, merge=merge)
        named = [found.subgroups.names[code] for code in found.subgroups.codes]
        kept = [rows[row] for row in found.rows]
        return found.subgroups.names, sorted(zip(kept, named, strict=True)), found.note

    shuffled = list(cells)
    order.shuffle(shuffled)
    try:
        first = built(cells)
    except ValueError:
        with pytest.raises(ValueError, match="min_group_size"):
            built(shuffled)
        return
    assert built(shuffled) == first
