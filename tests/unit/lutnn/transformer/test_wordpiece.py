"""Tokens of text: pieces, what is cleaned away, what stands alone, what is unknown."""

import pytest

from heliostat_methods.lutnn.transformer.wordpiece import LONGEST_WORD, WordPiece

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    *SPECIAL, "un", "##aff", "##able", "##a", "##b", "a", "b", "ab", "cafe", "σας", "οσ", "σ",
    "##σ", ".", "$", "'", "s", "京", "都", "…", "x", "ss", "##x",
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece(WORDS)


def pieces(tokenizer, text, most=100):
    found = tokenizer.words(tokenizer.encode(text, most))
    assert found[0] == "[CLS]" and found[-1] == "[SEP]"
    return found[1:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\r\n\u3000\u2028 ", []),
        ("unaffable", ["un", "##aff", "##able"]),
        ("UNAFFABLE", ["un", "##aff", "##able"]),
        ("aba", ["ab", "##a"]),  # the longest piece first
        ("unq", ["[UNK]"]),  # one piece that is missing makes the word unknown
        ("a.b", ["a", ".", "b"]),
        ("a$b's", ["a", "$", "b", "'", "s"]),  # ASCII symbols stand alone
        ("a…b", ["a", "…", "b"]),
        ("a€b", ["[UNK]"]),  # other symbols do not
        ("Café cafe\u0301", ["cafe", "cafe"]),
        ("ΟΣ", ["οσ"]),  # no final sigma
        ("京都", ["京", "都"]),
        ("a京b", ["a", "京", "b"]),
        ("a\x00\u200bb\ufffd\ue000\x7f\x85", ["ab"]),
        ("a\ud800b", ["ab"]),
        ("a\u00a0b", ["a", "b"]),
        ("🙂 a", ["[UNK]", "a"]),
        ("a [MASK]b[SEP]", ["a", "[MASK]", "b", "[SEP]"]),
        ("[mask]", ["[UNK]", "[UNK]", "[UNK]"]),
    ],
)
def test_pieces(tokenizer, text, expected):
    assert pieces(tokenizer, text) == expected


def test_a_long_word_is_unknown_though_it_has_pieces(tokenizer):
    longest = "x" * LONGEST_WORD
    assert len(tokenizer.encode(longest, 1000)) == LONGEST_WORD + 2
    assert pieces(tokenizer, longest + "x") == ["[UNK]"]


def test_accents_go_before_length_is_counted(tokenizer):
    assert len(tokenizer.encode("x\u0301" * LONGEST_WORD, 1000)) == LONGEST_WORD + 2


def test_what_is_beyond_most_is_left_out(tokenizer):
    assert tokenizer.words(tokenizer.encode("unaffable a", 4)) == ["[CLS]", "un", "##aff", "[SEP]"]
    assert tokenizer.words(tokenizer.encode("unaffable", 2)) == ["[CLS]", "[SEP]"]


def test_ids_are_lines(tokenizer):
    assert tokenizer.encode("a", 9) == [2, WORDS.index("a"), 3]
    assert (len(tokenizer), tokenizer.padding) == (len(WORDS), 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["[PAD]", "[UNK]", "[CLS]", "[MASK]"], r"lacks \[SEP\]"),
        ([*SPECIAL, "a", "b", "a"], "holds 'a' twice"),
    ],
)
def test_vocabularies_that_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        WordPiece(words)


def test_what_cannot_be_encoded(tokenizer):
    with pytest.raises(ValueError, match="at least 2, got 1"):
        tokenizer.encode("a", 1)
    with pytest.raises(ValueError, match="must be a string, got bytes"):
        tokenizer.encode(b"a", 9)
