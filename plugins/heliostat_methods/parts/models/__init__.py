"""Base networks: recipes that make freshly initialised torch modules which emit logits.

Weights are Xavier-uniform (Glorot and Bengio 2010), biases zero, all drawn from the generator that
is passed in: torch's global random state is neither read nor changed when a network is made
(dropout, while it trains, draws from it). A recipe is a value, equal recipes with equal generators
give equal networks. Torch is loaded when a network is made.
"""

from heliostat_methods.parts.models.alexnet import AlexNet
from heliostat_methods.parts.models.allcnn import AllCnnC
from heliostat_methods.parts.models.cnn import Cnn
from heliostat_methods.parts.models.dense import Linear, Mlp
from heliostat_methods.parts.models.lenet import LeNet5
from heliostat_methods.parts.models.pyramidnet import PyramidNet
from heliostat_methods.parts.models.resnet import ResNet18
from heliostat_methods.parts.models.squeezenet import SqueezeNet
from heliostat_methods.parts.models.vgg import Vgg16
from heliostat_methods.parts.models.wide_resnet import PreResNet, WideResNet

__all__ = [
    "AlexNet",
    "AllCnnC",
    "Cnn",
    "LeNet5",
    "Linear",
    "Mlp",
    "PreResNet",
    "PyramidNet",
    "ResNet18",
    "SqueezeNet",
    "Vgg16",
    "WideResNet",
]
