import numpy as np
import pytest

from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.vocabulary import CANONICAL, STROKES, StrokeVocabulary


def test_both_orders_hold_the_same_strokes():
    canonical, difffont = StrokeVocabulary(), StrokeVocabulary("difffont")
    assert len(canonical) == len(set(canonical.ids)) == STROKES
    assert sorted(canonical.ids) == sorted(difffont.ids)
    assert (canonical.ids[0], canonical.ids[31]) == ("heng", "wogou")
    assert (difffont.ids[0], difffont.ids[31]) == ("dian", "hengzhezhezhe")


@pytest.mark.parametrize("order", ["canonical", "difffont"])
def test_index_and_stroke_are_inverse(order):
    vocabulary = StrokeVocabulary(order)
    assert [vocabulary.index(vocabulary.at(at).id) for at in range(STROKES)] == list(range(STROKES))


def test_every_example_has_its_stroke():
    encoder = StrokeEncoder()
    for stroke in CANONICAL:
        for char in stroke.examples:
            assert encoder.encode(char)[encoder.vocabulary.index(stroke.id)], (stroke, char)


def test_code_points_are_distinct_and_of_the_block():
    points = {stroke.codepoint for stroke in CANONICAL}
    assert len(points) == STROKES
    assert all(0x31C0 <= point <= 0x31E5 for point in points)


def test_orders_are_permutations_of_the_same_codes():
    canonical, difffont = StrokeVocabulary(), StrokeVocabulary("difffont")
    ours = StrokeEncoder(canonical).encode_all("永我国", mode="count")
    theirs = StrokeEncoder(difffont).encode_all("永我国", mode="count")
    assert np.array_equal(ours[:, difffont.columns_of(canonical)], theirs)
    assert np.array_equal(theirs[:, canonical.columns_of(difffont)], ours)


def test_unknown_order_is_named_with_the_known():
    with pytest.raises(ValueError, match=r"one of canonical, difffont, got 'unicode'"):
        StrokeVocabulary("unicode")


def test_unknown_id_is_named_with_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"heng, ti, .*got 'hengzhegu'; did you mean 'hengzhegou'"):
        StrokeVocabulary().index("hengzhegu")


@pytest.mark.parametrize("index", [-1, 32])
def test_index_outside_is_refused(index):
    with pytest.raises(ValueError, match=rf"from 0 to 31, got {index}"):
        StrokeVocabulary().at(index)
