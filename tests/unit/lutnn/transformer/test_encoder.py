"""The encoder: what it computes, that padding changes nothing, what it refuses."""

import copy

import pytest
import torch
from torch import nn

from heliostat_methods.lutnn.transformer.encoder import EncoderSettings, SentenceEncoder
from heliostat_methods.lutnn.transformer.packaged import load_minilm
from heliostat_methods.lutnn.transformer.wordpiece import WordPiece

TEXTS = ["the cats sat.", "unknown", "", "the cat, a cat, the cats, sitting cats.", "a é 京"]
SIZES = dict(
    vocabulary=5, width=4, layers=1, heads=2, intermediate=6, positions=8, most_tokens=8
)  # fmt: skip


@pytest.fixture
def encoder(wheel, contents):
    return load_minilm(wheel(contents))


def test_embeddings_are_those_computed_by_hand(encoder, by_hand):
    found = encoder.embed(TEXTS, batch_size=2)
    assert found.shape == (5, 8) and found.dtype == torch.float32 and not found.requires_grad
    for text, row in zip(TEXTS, found, strict=True):
        expected = by_hand(encoder.tokenizer.encode(text, 10)).float()
        torch.testing.assert_close(row, expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(5))


def test_padding_changes_nothing(encoder):
    ids, mask = encoder.batch(TEXTS[:1])
    more = nn.functional.pad(ids, (0, 4), value=7), nn.functional.pad(mask, (0, 4))
    torch.testing.assert_close(encoder(*more), encoder(ids, mask), rtol=0, atol=1e-6)


def test_a_batch_is_as_long_as_its_longest_text_and_never_longer_than_the_model_reads(encoder):
    ids, mask = encoder.batch(["a", "the cat"])
    assert ids.tolist() == [[2, 16, 3, 0], [2, 5, 6, 3]]
    assert mask.tolist() == [[True, True, True, False], [True] * 4]
    assert encoder.batch(["a " * 50])[0].tolist() == [[2, *[16] * 8, 3]]


def test_the_order_is_that_of_the_texts_whatever_the_batches(encoder):
    whole = encoder.embed(TEXTS, batch_size=5)
    for size in (1, 2, 4):
        part = encoder.embed(TEXTS, batch_size=size)
        torch.testing.assert_close(part, whole, rtol=0, atol=1e-6)
    assert encoder.embed([]).shape == (0, 8)


def test_linear_layers_can_be_replaced_by_name(encoder):
    names = [name for name, one in encoder.named_modules() if type(one) is nn.Linear]
    parts = ("query", "key", "value", "attention_output", "intermediate", "output")
    assert names == [f"layers.{i}.{part}" for i in range(2) for part in parts]
    before = encoder.embed(TEXTS)
    copied = copy.deepcopy(encoder)
    for name in names:
        seen: list[tuple[int, ...]] = []
        plain = copied.get_submodule(name)
        recorded = nn.Sequential(plain)
        recorded.register_forward_hook(lambda _m, args, _out, to=seen: to.append(args[0].shape))
        copied.set_submodule(name, recorded)
        torch.testing.assert_close(copied.embed(TEXTS), before)
        assert seen[0][2] == plain.in_features
        with torch.no_grad():
            plain.weight.mul_(1.5)
        before, last = copied.embed(TEXTS), before
        assert not torch.allclose(before, last, atol=1e-5)


def test_gradients_reach_every_parameter_but_the_unused_rows(encoder):
    encoder(*encoder.batch(TEXTS))[:, 0].sum().backward()
    for name, parameter in encoder.named_parameters():
        # A key's bias adds the same to all scores of a query, which softmax takes away again.
        assert parameter.grad is not None and (parameter.grad.any() or name.endswith("key.bias"))


def test_what_forward_and_embed_refuse(encoder):
    ids, mask = encoder.batch(["a"])
    for given, message in (
        ((ids.int(), mask), r"token_ids must be \(batch, tokens\) of torch.int64"),
        ((ids, mask.long()), r"mask must be \(batch, tokens\) of torch.bool"),
        ((ids[0], mask[0]), r"got \(3,\) of torch.int64"),
        ((ids, mask[:, :2]), r"the shape of token_ids, \(1, 3\), got \(1, 2\)"),
        ((ids.repeat(1, 6), mask.repeat(1, 6)), "1 to 16 tokens, the model's positions, got 18"),
        ((ids[:, :0], mask[:, :0]), "got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            encoder(*given)
    with pytest.raises(ValueError, match="list of strings, got 'a'"):
        encoder.embed("a")
    with pytest.raises(ValueError, match="batch_size must be a whole number, at least 1, got 0"):
        encoder.embed(["a"], batch_size=0)
    for texts in ("a", []):
        with pytest.raises(ValueError, match="at least one string"):
            encoder.batch(texts)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 5}, "width must be a multiple of 2 heads, got 5"),
        ({"layers": 0}, "layers must be a whole number, at least 1, got 0"),
        ({"heads": 2.0}, "heads must be a whole number"),
        ({"most_tokens": 9}, r"from 2 to positions \(8\), got 9"),
        ({"epsilon": 0.0}, "epsilon must be a number above 0"),
    ],
)
def test_settings_that_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        EncoderSettings(**{**SIZES, **changed})


def test_a_tokenizer_of_another_size_is_refused():
    tokenizer = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])
    with pytest.raises(ValueError, match="the settings' 5 words, has 6"):
        SentenceEncoder(EncoderSettings(**SIZES), tokenizer)
