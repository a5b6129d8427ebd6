"""`heliostat audit`: what it says of a file of scores, and what it refuses."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fams_laws import shifted

from heliostat_methods.fams import sufficiency_gap, sufficiency_test

ASKED = ("--score", "s", "--label", "y", "--groups", "race,sex", "--permutations", "99")


def write(path: Path, columns: dict[str, Any], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def scored(shift: float, rows: int = 400) -> dict[str, Any]:
    y, score, group = shifted(np.random.default_rng(1), 4, rows, shift)
    age = 20 + np.arange(len(y)) % 40
    return {
        "race": np.array(["Black", "Black", "White", "White"])[group],
        "sex": np.array(["F", "M"])[group % 2],
        "age": age,
        "s": np.round(score, 2),
        "y": y.astype(int),
    }


@pytest.fixture
def unfair(tmp_path: Path) -> Path:
    return write(tmp_path / "scores.csv", scored(0.1))


def test_an_unfair_score_is_told_in_sentences_and_a_table_of_80_columns(here, unfair):
    done = here("audit", "scores.csv", *ASKED)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert "scores.csv: 1,600 rows in 4 subgroups of race x sex; y = 1 in 0." in text
    assert "is not equally right for all subgroups" in text
    assert "p = 0.01, the least that 99 permutations of labels can show" in text
    assert "Typical difference: 0." in text
    assert "Of 4 subgroups tested one by one, 4 stand out (Holm, 5 %)" in text
    assert "race=Black, sex=M is understated by 0.1" in text
    head = next(at for at, line in enumerate(lines) if line.startswith("race, sex"))
    rows = lines[head + 1 : head + 5]
    assert {row.split("  ")[0] for row in rows} == {"Black, F", "Black, M", "White, F", "White, M"}
    assert all(row.endswith("!") for row in rows)


def test_a_fair_score_is_not_called_fair(here, tmp_path):
    write(tmp_path / "scores.csv", scored(0.0))
    text = " ".join(here("audit", "scores.csv", *ASKED).stdout.split())
    assert "No difference is shown" in text and "That is no proof that there is none" in text
    assert "none stands out (Holm, 5 %)" in text


def test_a_difference_that_bins_make_is_suspected_and_gone_with_more_of_them(here, tmp_path):
    """Both scores are right, and lie at different places of one bin."""
    score, group = np.repeat([0.21, 0.29], 3000), np.repeat(["a", "b"], 3000)
    y = np.concatenate([np.arange(3000) < 630, np.arange(3000) < 870]).astype(int)
    write(tmp_path / "scores.csv", {"g": group, "s": score, "y": y})
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "99"]
    text = " ".join(here("audit", "scores.csv", *asked).stdout.split())
    assert "is not equally right" in text and "Bins alone may explain that" in text
    assert "and bins alone 0.040 to a score that is right" in text
    assert "No difference is shown" in here("audit", "scores.csv", *asked, "--bins", "20").stdout


def test_json_holds_the_numbers_of_the_library(here, unfair):
    found = here.json("audit", "scores.csv", *ASKED, "--weights", "uniform", "--seed", "3")
    data = scored(0.1)
    arrays = data["y"], data["s"]
    by = {"sensitive_features": {"race": data["race"], "sex": data["sex"]}, "weights": "uniform"}
    test = sufficiency_test(*arrays, **by, permutations=99, seed=3)
    assert found["gap"]["plug_in"] == sufficiency_gap(*arrays, **by)
    assert found["gap"]["p_value"] == test.p_value
    assert found["gap"]["chance"]["mean"] == pytest.approx(test.null.mean())
    assert found["gap"]["interval"]["root"]["low"] > 0.05
    assert sum(one["rows"] for one in found["subgroups"]) == 1600
    assert sum(one["count"] for one in found["calibration"]) == 1600
    for name in ("rate", "accuracy", "brier", "log_loss"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["settings"]["seed"] == 3


def test_the_report_has_a_curve_of_every_subgroup(here, unfair, tmp_path):
    done = here("audit", "scores.csv", *ASKED, "--report", "out.html")
    assert done.stdout.endswith("report: out.html\n")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    ET.fromstring(text.removeprefix("<!DOCTYPE html>"))
    assert text.index("For whom the score is wrong") < text.index("is not equally right")
    for name in ("race=Black, sex=F", "race=White, sex=M"):
        assert f"{name} (400 rows)" in text


def test_a_column_with_a_comma_in_its_name_stands_in_quotes(here, unfair):
    write(unfair.with_name("comma.csv"), {f"{k}, told" if k == "race" else k: v
                                          for k, v in scored(0.1).items()})  # fmt: skip
    asked = ["--score", "s", "--label", "y", "--groups", '"race, told",sex', "--permutations", "9"]
    assert here.json("audit", "comma.csv", *asked)["groups"] == ["race, told", "sex"]


def test_bands_make_groups_of_a_number_and_their_edges_belong_to_the_upper_one(here, unfair):
    asked = ["--score", "s", "--label", "y", "--groups", "age", "--permutations", "9"]
    found = here.json("audit", "scores.csv", *asked, "--bands", "age=25,45")
    sizes = {one["group"]: one["rows"] for one in found["subgroups"]}
    assert sizes == {"age=<25": 200, "age=25-45": 800, "age=45+": 600}


def test_other_labels_are_named_by_positive(here, tmp_path):
    data = scored(0.1)
    data["y"] = np.where(data["y"], "ill", "well")
    write(tmp_path / "scores.csv", data)
    done = here("audit", "scores.csv", *ASKED)
    assert done.returncode == 2
    assert "column 'y' holds 'ill', expected 0 or 1, or --positive VALUE" in done.stderr
    assert "values: ill, well" in done.stderr
    found = here("audit", "scores.csv", *ASKED, "--positive", "ill")
    assert "y = ill in 0." in found.stdout
    wrong = here("audit", "scores.csv", *ASKED, "--positive", "wel")
    assert wrong.returncode == 2 and "did you mean 'well'?" in wrong.stderr


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_a_byte_order_mark(here, tmp_path, delimiter):
    path = write(tmp_path / "scores.csv", scored(0.1), delimiter)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "1,600 rows in 4 subgroups" in here("audit", "scores.csv", *ASKED).stdout


def test_parquet_says_the_same_as_csv(here, unfair, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    data = scored(0.1)
    data["y"] = data["y"].astype(bool)
    pq.write_table(pa.table(data), tmp_path / "scores.parquet")
    first = here.json("audit", "scores.csv", *ASKED)
    second = here.json("audit", "scores.parquet", *ASKED)
    assert {**first, "source": ""} == {**second, "source": ""}
    pq.write_table(pa.table({**data, "s": [None, *data["s"][1:]]}), tmp_path / "scores.parquet")
    done = here("audit", "scores.parquet", *ASKED)
    assert "scores.parquet row 1, column 's' is empty, expected a number from 0" in done.stderr
    (tmp_path / "scores.parquet").write_text("no parquet")
    done = here("audit", "scores.parquet", *ASKED)
    assert done.returncode == 2 and "is no Parquet file that can be read" in done.stderr


def test_subgroups_of_few_rows_are_marked_and_not_tested(here, tmp_path):
    data = scored(0.1)
    data["sex"] = data["sex"].astype(object)
    data["sex"][:3] = "X"
    write(tmp_path / "scores.csv", data)
    lines = here("audit", "scores.csv", *ASKED).stdout.splitlines()
    assert next(line for line in lines if line.startswith("Black, X")).endswith("*")
    assert "Of 4 subgroups tested one by one" in " ".join(lines)


def test_rows_that_are_all_alone_leave_the_size_unsaid(here, tmp_path):
    n = 30
    data = {"g": range(n), "s": [0.5] * n, "y": [0, 1] * 15}
    write(tmp_path / "scores.csv", data)
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "9"]
    text = " ".join(here("audit", "scores.csv", *asked).stdout.split())
    assert "How large the differences are cannot be said" in text
    assert "No subgroup has rows enough to be tested by itself" in text
    assert "no proof that there is none." in text and "the interval below" not in text


def test_subgroups_of_no_shared_bin_leave_the_size_unsaid(here, tmp_path):
    write(tmp_path / "scores.csv", {"g": "aabb", "s": [0.1, 0.1, 0.9, 0.9], "y": [0, 1, 0, 1]})
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "9"]
    text = " ".join(here("audit", "scores.csv", *asked).stdout.split())
    assert "no score bin holds two subgroups with two rows each" in text


def test_one_outcome_is_no_finding(here, tmp_path):
    write(tmp_path / "scores.csv", {"g": "aabb", "s": [0.5, 0.9] * 2, "y": [1] * 4})
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "9"]
    text = " ".join(here("audit", "scores.csv", *asked).stdout.split())
    assert "Nothing can be compared: y = 1 in all of the rows" in text
    assert "No difference is shown" not in text


def test_losses_of_two_rows_have_ends_that_losses_can_have(here, tmp_path):
    write(tmp_path / "scores.csv", {"g": "ab", "s": [0.2, 0.95], "y": [0, 1]})
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "9"]
    found = here.json("audit", "scores.csv", *asked)
    assert found["brier"]["low"] == found["log_loss"]["low"] == 0 < found["brier"]["value"]


def test_six_rows_give_no_certainty(here, tmp_path):
    write(tmp_path / "scores.csv", {"g": "aaabbb", "s": [0.5] * 6, "y": [1, 1, 1, 0, 0, 0]})
    asked = ["--score", "s", "--label", "y", "--groups", "g", "--permutations", "99"]
    root = here.json("audit", "scores.csv", *asked)["gap"]["interval"]["root"]
    assert root["value"] == root["high"] == 0.5 and root["low"] < 0.1


def test_many_subgroups_are_shown_in_part(here, tmp_path):
    data = scored(0.1)
    data["race"] = np.arange(1600) // 40
    write(tmp_path / "scores.csv", data)
    text = here("audit", "scores.csv", *ASKED).stdout
    assert "... 10 more; --json and --report have them all" in text


GOOD = "race,sex,s,y\nBlack,F,0.2,1\nWhite,M,0.7,0\n"


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (GOOD, ["--score", "S"], "--score = 'S': expected a column of scores.csv; "),
        (GOOD.replace("race", "rase"), [], "--groups = 'race': expected a column of scores.csv; "
         "did you mean 'rase'?"),
        (GOOD, ["--label", "s"], "--label = 's': expected a column that --score does not name"),
        (GOOD.replace("0.7", "1.7"), [], "scores.csv line 3, column 's' holds '1.7', expected a"),
        (GOOD.replace("0.7", "nan"), [], "line 3, column 's' holds 'nan', expected a number from"),
        (GOOD.replace("0.7", "high"), [], "line 3, column 's' holds 'high', expected a number"),
        (GOOD.replace("0.7", ""), [], "line 3, column 's' is empty, expected a number from 0 to"),
        (GOOD.replace("Black", ""), [], "line 2, column 'race' is empty, expected the name of a"),
        (GOOD.replace(",0\n", ",\n"), [], "line 3, column 'y' is empty, expected a label"),
        (GOOD.replace(",0\n", "\n"), [], "scores.csv line 3 has 3 cells, the header 4"),
        (GOOD.replace("White,M", "Black,F"), [], "all 2 rows are one subgroup, race=Black, sex=F"),
        (GOOD.splitlines()[0], [], "scores.csv has no rows"),
        ("", [], "expected a column of scores.csv; there are no choices"),
        (GOOD.replace("sex", "race"), [], "two columns are called 'race'"),
        (GOOD + '"Black', [], "line 4 is no valid CSV: unexpected end of data"),
        (GOOD, ["--bands", "age=25"], "--bands = 'age': expected a column that --groups names"),
        (GOOD, ["--bands", "race=3,2"], "--bands = 'race=3,2': expected COLUMN=EDGE,EDGE,..."),
        (GOOD, ["--bands", "race=2"], "line 2, column 'race' holds 'Black', expected a number"),
        (GOOD, ["--bands", "race=3", "--bands", "race=2"],
         "--bands = 'race=2': expected each column once; all edges of a column in one"),
        (GOOD.replace("Black", "NA"), [], "line 2, column 'race' holds 'NA', expected the name"),
        (GOOD.replace("0.7", "0_1"), [], "line 3, column 's' holds '0_1', expected a number"),
        (GOOD.replace("0.7", "70"), [], "holds '70', expected a number from 0 to 1; these may be "
         "percentages, divide the column by 100"),
        (GOOD.replace(",", ";").replace("0.7", "0,7"), [], "column 's' holds '0,7', expected a "
         "number from 0 to 1; write a decimal point for the comma"),
        (GOOD, ["--bins", "0"], "0 is not in the range 1<=x<=10000"),
        (GOOD, ["--strategy", "equal"], "'equal' is not one of 'uniform', 'quantile'"),
        (GOOD, ["--report", "out.pdf"], "--report = 'out.pdf': expected a name that ends in .html"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_sentence(here, tmp_path, text, more, says):
    (tmp_path / "scores.csv").write_text(text)
    done = here("audit", "scores.csv", *ASKED, *more)
    assert done.returncode == 2
    assert says in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_files_that_are_none(here, tmp_path):
    done = here("audit", "nowhere.csv", *ASKED)
    assert done.returncode == 2 and "expected a CSV or Parquet file that exists" in done.stderr
    (tmp_path / "scores.csv").write_bytes(b"race,sex,s,y\n\xff\xfe,F,0.1,1\n")
    done = here("audit", "scores.csv", *ASKED)
    assert done.returncode == 2 and "scores.csv is no text in UTF-8" in done.stderr
