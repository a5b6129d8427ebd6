import pytest

from heliostat_methods.strokegan.strokes.letters import stroke_ids
from heliostat_methods.strokegan.strokes.vocabulary import StrokeVocabulary

LEVEL = [[0, 500], [400, 520]]
LONG_TAIL, SHORT_TAIL = [*LEVEL, [100, 100]], [*LEVEL, [380, 450]]
ALONG_BOTTOM = [[0, 500], [200, 500], [200, 20], [300, 0], [500, 10], [500, 100]]
SLANTED = [[0, 500], [200, 500], [300, 200], [500, 0], [520, 150]]


@pytest.mark.parametrize(
    ("char", "letters", "at", "expected"),
    [
        ("队", "wfsl", 0, "hengpiewangou"),
        ("杨", "jfskwss", 4, "hengzhezhezhegou"),
        ("鼎", "fcjjjxjsfjfc", 5, "shuzhezhe"),
        ("专", "jjxk", 2, "shuzhepie"),
        ("凹", "fvfcj", 1, "hengzhezhe"),
        ("没", "kkisvel", 4, "hengzhewan"),
        ("四", "fcsbj", 3, "shuwan"),
        ("山", "fbf", 1, "shuzhe"),
        ("心", "dykk", 1, "wogou"),
        ("代", "sfjyk", 3, "xiegou"),
        ("汛", "kkiojf", 3, "hengxiegou"),
        ("势", "oo", 0, "hengzhewangou"),
        ("又", "el", 0, "hengpie"),
        ("乙", "o", 0, "hengzhewangou"),
    ],
)
def test_letter_of_two_strokes_is_told_by_its_neighbours(char, letters, at, expected):
    assert stroke_ids(char, letters, None)[at] == expected


@pytest.mark.parametrize(
    ("letter", "median", "expected"),
    [
        ("e", LONG_TAIL, "hengpie"),
        ("e", SHORT_TAIL, "henggou"),
        ("o", ALONG_BOTTOM, "hengzhewangou"),
        ("o", SLANTED, "hengxiegou"),
    ],
)
def test_letter_of_two_strokes_is_told_by_its_median(letter, median, expected):
    assert stroke_ids("字", letter, [median]) == (expected,)
    assert stroke_ids("字", letter + "j", [median])[0] in ("hengpie", "hengzhewangou")


@pytest.mark.parametrize("median", [[[5, 5]], [[5, 5], [5, 5]], [[0, 0], [1000, 0]]])
@pytest.mark.parametrize("letter", "eo")
def test_degenerate_medians_give_a_known_stroke(letter, median):
    assert stroke_ids("字", letter, [median])[0] in StrokeVocabulary().ids


def test_unknown_letter_is_named():
    with pytest.raises(ValueError, match="letter '9' of '字'"):
        stroke_ids("字", "j9", None)
