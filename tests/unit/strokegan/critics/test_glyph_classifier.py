"""The classifier: learns, comes back bit for bit, and refuses to judge a font that it saw."""

import numpy as np
import pytest
import torch

from heliostat_methods.strokegan.critics.glyph_classifier import GlyphClassifier
from heliostat_methods.strokegan.critics.training import (
    CriticSettings,
    CriticTraining,
    train_glyph_classifier,
)

CHARS = "天地人你我他上下"


def fonts() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = np.kron(rng.random((len(CHARS), 4, 4)) < 0.4, np.ones((4, 4))) > 0
    plain = np.where(shapes, 0, 255).astype(np.uint8)
    return {"plain": plain, "light": np.maximum(plain, 100).astype(np.uint8)}


CODES = np.random.default_rng(1).random((len(CHARS), 32)) < 0.3
SETTINGS = CriticSettings(steps=80, batch=16, width=4, features=32, shift=1)


@pytest.fixture(scope="module")
def classifier() -> GlyphClassifier:
    torch.set_num_threads(1)
    return train_glyph_classifier(fonts(), CHARS, CODES, "target", 0, SETTINGS)


def test_it_reads_characters_and_strokes(classifier: GlyphClassifier) -> None:
    glyphs = fonts()["plain"]
    assert (classifier.predicted(glyphs) == np.arange(len(CHARS))).mean() >= 0.9
    wrong = ((classifier.stroke_logits(glyphs) > 0) != CODES).mean()
    assert wrong < 0.5 * min(CODES.mean(), 1 - CODES.mean())
    assert classifier.features(glyphs).shape == (8, 32)
    assert [one.shape for one in classifier.maps(glyphs)] == [(8, 4, 16, 16), (8, 8, 8, 8),
                                                              (8, 16, 4, 4)]  # fmt: skip


def test_bytes_and_floats_are_read_alike(classifier: GlyphClassifier) -> None:
    glyphs = fonts()["light"]
    assert np.allclose(classifier.features(glyphs), classifier.features(glyphs / 255), atol=1e-4)
    for bad in (glyphs / 127.5, np.full((1, 16, 16), np.nan), glyphs.astype(int), glyphs[:, :8],
                glyphs[0]):  # fmt: skip
        with pytest.raises(ValueError, match=r"^glyphs: "):
            classifier.features(bad)


def test_a_font_that_it_saw_is_refused(classifier: GlyphClassifier) -> None:
    with pytest.raises(ValueError, match=r"target: 'plain' is among .* \(plain, light\)"):
        train_glyph_classifier(fonts(), CHARS, CODES, "plain", 0, SETTINGS)
    with pytest.raises(ValueError, match="target: 'light' is among"):
        classifier.refuse("light")
    classifier.refuse("target")


def test_it_comes_back_bit_for_bit_and_a_seed_gives_it_again(classifier: GlyphClassifier) -> None:
    before = torch.get_rng_state()
    glyphs = fonts()["light"]
    back = GlyphClassifier.load(classifier.state())
    again = train_glyph_classifier(fonts(), CHARS, CODES, "target", 0, SETTINGS)
    for other in (back, again):
        assert np.array_equal(other.features(glyphs), classifier.features(glyphs))
        assert other.characters == classifier.characters and other.fonts == ("plain", "light")
    assert torch.equal(torch.get_rng_state(), before)


def test_it_guides_as_a_frozen_copy(classifier: GlyphClassifier) -> None:
    reader = classifier.stroke_reader()
    glyphs = fonts()["plain"]
    x = torch.from_numpy(glyphs / np.float32(127.5) - 1)[:, None].requires_grad_()
    logits = reader(x.repeat(1, 3, 1, 1))
    assert np.allclose(logits.detach().numpy(), classifier.stroke_logits(glyphs), atol=1e-4)
    logits.sum().backward()
    assert x.grad is not None and not any(part.requires_grad for part in reader.parameters())


@pytest.mark.parametrize(("change", "message"), [
    ({"fonts": {}}, "fonts: expected at least one"),
    ({"fonts": {"a": fonts()["plain"][:3]}}, r"fonts\['a'\]: shape \(3, 16, 16\)"),
    ({"fonts": {"a": fonts()["plain"] / 255}}, r"fonts\['a'\]: float64, expected uint8"),
    ({"codes": CODES[:3]}, r"codes: shape \(3, 32\)"),
    ({"codes": CODES * 3.0}, "codes: expected numbers from 0 to 1"),
    ({"settings": CriticSettings(batch=1)}, "batch must be at least 2, got 1"),
    ({"characters": "天" * 8}, "characters: expected at least 2, each once"),
])  # fmt: skip
def test_what_cannot_be_is_named(change: dict, message: str) -> None:
    given = {"fonts": fonts(), "characters": CHARS, "codes": CODES, "target": "t", **change}
    with pytest.raises(ValueError, match=message):
        train_glyph_classifier(**given)


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"shift": -1}, {"learning_rate": 0}, {"stroke_weight": float("inf")}]
)
def test_settings_that_cannot_be_are_named(change: dict) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(change))} must be"):
        CriticSettings(**change)


FEW = CriticSettings(steps=6, batch=5, width=2, features=4, shift=1)


def teaching(settings: CriticSettings = FEW) -> CriticTraining:
    return CriticTraining(fonts(), CHARS, CODES, "target", 0, settings)


def taught(training: CriticTraining, steps: int) -> CriticTraining:
    for _ in range(steps):
        training.step()
    return training


def assert_same(left: dict, right: dict) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert np.array_equal(left[name], right[name]), name


@pytest.mark.parametrize("stop", [0, 1, 3, 6])
def test_a_training_stops_and_goes_on_bit_for_bit(stop: int) -> None:
    whole, first, second = taught(teaching(), 6), taught(teaching(), stop), teaching()
    state = first.state()
    kept = {name: np.copy(value) for name, value in state.items()}
    second.load(state)
    assert second.taken == stop and second.finished == (stop == 6)
    taught(second, 6 - stop)
    assert whole.finished and second.finished
    assert_same(whole.state(), second.state())
    assert_same(kept, state)


def test_a_training_to_the_end_is_the_classifier_that_is_returned() -> None:
    training = teaching()
    assert not training.finished
    classifier = train_glyph_classifier(fonts(), CHARS, CODES, "target", 0, FEW)
    assert_same(taught(training, 6).classifier.state(), classifier.state())
    assert not training.classifier.network.training
    glyphs = fonts()["light"]
    assert np.array_equal(training.classifier.features(glyphs), classifier.features(glyphs))


def test_every_step_teaches_and_a_state_of_another_critic_is_refused() -> None:
    training = teaching()
    before = training.state()
    after = taught(training, 1).state()
    assert after["step"] == before["step"] + 1 == 1
    weights = [name for name in before if name.startswith("network/") and "weight" in name]
    assert weights and any(not np.array_equal(before[name], after[name]) for name in weights)
    other = CriticSettings(steps=6, batch=5, width=3, features=4)
    with pytest.raises(ValueError, match=r"state: network\..* has shape .*, expected"):
        training.load(teaching(other).state())
