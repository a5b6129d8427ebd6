"""Sentences of installed libraries: which are kept, and that a seed says which are drawn."""

import subprocess
import sys

import pytest

from heliostat_methods.lutnn.transformer.texts import real_sentences, sentences_of


def test_the_same_seed_gives_the_same_sentences_and_a_larger_count_more():
    found = real_sentences(60, 7)
    assert len(set(found)) == 60
    assert real_sentences(60, 7) == found
    assert real_sentences(20, 7) == found[:20]
    assert real_sentences(60, 8) != found
    assert all(5 <= len(one.split()) <= 40 and one[-1] in ".?!" for one in found)


def test_no_library_is_imported():
    script = (
        "import sys; from heliostat_methods.lutnn.transformer.texts import real_sentences; "
        "real_sentences(5, 0); "
        "print([n for n in ('torch', 'scipy', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("count", "seed", "message"),
    [
        (0, 0, "count must be a whole number of sentences, at least 1, got 0"),
        (True, 0, "count must be"),
        (2.0, 0, "count must be"),
        (1, -1, "seed must be a whole number, at least 0, got -1"),
    ],
)
def test_what_is_refused(count, seed, message):
    with pytest.raises(ValueError, match=message):
        real_sentences(count, seed)


def test_more_than_there_are(tmp_path, monkeypatch):
    from heliostat_methods.lutnn.transformer import texts

    (tmp_path / "a.rst").write_text("One sentence of five words. Another one of six short words.\n")
    (tmp_path / "b.py").write_text('"""One sentence of five words."""\n')
    (tmp_path / "c.py").write_text('print "Code of an older Python."\n"""Not a docstring here."""')
    monkeypatch.setattr(texts, "_files", lambda: tuple(sorted(tmp_path.iterdir())))
    assert len(real_sentences(2, 0)) == 2
    with pytest.raises(ValueError, match="at most 2, the sentences that the installed numpy"):
        real_sentences(3, 0)


def test_prose_is_kept_without_its_markup():
    text = """Title of a section here.
========================

The :class:`~sklearn.svm.SVC` is *not* a ``list`` of `words <there>`_ [1]_. It holds
two lines of it.

x : int, default=None
    The number of things that are counted.

.. note:: This is a directive of several words.

>>> print("An example of five words.")

The value of :math:`c < 1` is a formula.

- A list of several points.
  Indented further than that one.
- Another point of it all.

Too short.
"""
    assert sentences_of(text) == [
        "The sklearn.svm.SVC is not a list of words.",
        "It holds two lines of it.",
    ]
