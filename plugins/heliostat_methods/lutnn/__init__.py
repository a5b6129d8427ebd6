"""Inference by learned centroids and table lookup: layers, whole models, what they are worth.

>>> import torch
>>> from heliostat_methods.lutnn import LutPolicy, convert_lut, freeze_lut
>>> net = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 9))
>>> rows = torch.randn(64, 512, generator=torch.Generator().manual_seed(0))
>>> done = convert_lut(net, LutPolicy(linear=16), rows)  # then finetune(done.model, batches)
>>> [(one.name, one.shape.codebooks, one.shape.lookup_bytes) for one in done.converted]
[('0', 32, 294916)]
>>> freeze_lut(done.model)(rows).shape
torch.Size([64, 9])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.lutnn.baselines.conversion import convert_int8, convert_maddness
    from heliostat_methods.lutnn.baselines.maddness_layer import MaddnessConv2d, MaddnessLinear
    from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
    from heliostat_methods.lutnn.codebooks.kmeans import kmeans_init
    from heliostat_methods.lutnn.codebooks.soft_assignment import soft_lookup
    from heliostat_methods.lutnn.codebooks.tables import quantised_tables
    from heliostat_methods.lutnn.converting.compare import ModelRow, compare
    from heliostat_methods.lutnn.converting.convert import (
        ConvertedLayer,
        LutConversion,
        SkippedLayer,
        convert_lut,
    )
    from heliostat_methods.lutnn.converting.files import load_lut, save_lut
    from heliostat_methods.lutnn.converting.freeze import freeze_lut
    from heliostat_methods.lutnn.converting.policy import LutPolicy
    from heliostat_methods.lutnn.kernels.backend import Backend, backend
    from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
    from heliostat_methods.lutnn.kernels.linear import lut_encode, lut_linear
    from heliostat_methods.lutnn.kernels.packing import PackedLayer, pack
    from heliostat_methods.lutnn.layers.convolution import LutConv2d
    from heliostat_methods.lutnn.layers.frozen import FrozenLutConv2d, FrozenLutLinear
    from heliostat_methods.lutnn.layers.linear import LutLinear
    from heliostat_methods.lutnn.layers.settings import LutSettings
    from heliostat_methods.lutnn.training.annealing import annealed, set_temperature
    from heliostat_methods.lutnn.training.finetune import FineTuning, finetune
    from heliostat_methods.lutnn.training.parameter_groups import lut_param_groups
    from heliostat_methods.lutnn.transformer.encoder import SentenceEncoder
    from heliostat_methods.lutnn.transformer.packaged import load_minilm

_HOME = {
    "Backend": "kernels.backend",
    "ConvertedLayer": "converting.convert",
    "FineTuning": "training.finetune",
    "FrozenLutConv2d": "layers.frozen",
    "FrozenLutLinear": "layers.frozen",
    "LutConv2d": "layers.convolution",
    "LutConversion": "converting.convert",
    "LutLinear": "layers.linear",
    "LutPolicy": "converting.policy",
    "LutSettings": "layers.settings",
    "MaddnessConv2d": "baselines.maddness_layer",
    "MaddnessLinear": "baselines.maddness_layer",
    "ModelRow": "converting.compare",
    "PackedLayer": "kernels.packing",
    "SentenceEncoder": "transformer.encoder",
    "SkippedLayer": "converting.convert",
    "annealed": "training.annealing",
    "backend": "kernels.backend",
    "compare": "converting.compare",
    "convert_int8": "baselines.conversion",
    "convert_lut": "converting.convert",
    "convert_maddness": "baselines.conversion",
    "finetune": "training.finetune",
    "freeze_lut": "converting.freeze",
    "kmeans_init": "codebooks.kmeans",
    "load_lut": "converting.files",
    "load_minilm": "transformer.packaged",
    "lut_conv3x3": "kernels.convolution",
    "lut_encode": "kernels.linear",
    "lut_linear": "kernels.linear",
    "lut_param_groups": "training.parameter_groups",
    "nearest_centroids": "codebooks.codes",
    "pack": "kernels.packing",
    "quantised_tables": "codebooks.tables",
    "save_lut": "converting.files",
    "set_temperature": "training.annealing",
    "soft_lookup": "codebooks.soft_assignment",
}

__all__ = [
    "Backend",
    "ConvertedLayer",
    "FineTuning",
    "FrozenLutConv2d",
    "FrozenLutLinear",
    "LutConv2d",
    "LutConversion",
    "LutLinear",
    "LutPolicy",
    "LutSettings",
    "MaddnessConv2d",
    "MaddnessLinear",
    "ModelRow",
    "PackedLayer",
    "SentenceEncoder",
    "SkippedLayer",
    "annealed",
    "backend",
    "compare",
    "convert_int8",
    "convert_lut",
    "convert_maddness",
    "finetune",
    "freeze_lut",
    "kmeans_init",
    "load_lut",
    "load_minilm",
    "lut_conv3x3",
    "lut_encode",
    "lut_linear",
    "lut_param_groups",
    "nearest_centroids",
    "pack",
    "quantised_tables",
    "save_lut",
    "set_temperature",
    "soft_lookup",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
