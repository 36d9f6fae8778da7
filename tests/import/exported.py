"""Small networks as PyTorch's exporters write torchvision's models, built with the onnx package.

The layers are those of the models, at few channels. `folded` leaves batch norms out, with the names that the
TorchScript exporter then gives: weights are called onnx::Conv_12, and the node says where the layer is.
"""

import numpy as np
import onnx_builder
from onnx_builder import Builder, Tensor
from shuffles import shuffle


class Exporter(Builder):
    def __init__(self, name, folded=False):
        super().__init__(name)
        self.folded = folded

    def rename_node(self, name):
        self.nodes[-1].name = name

    def layer(self, x, path, channels, kernel, stride=1, padding=0, groups=1, norm=None, activation="relu"):
        """Convolution, batch norm, activation."""
        if self.folded:
            serial = len(self.nodes)
            x = self.conv(x, f"onnx::Conv_{serial}", channels, kernel, stride, padding, groups=groups, bias=True)
            self.nodes[-1].name = "/" + "/".join(scopes(path)) + "/Conv"
        else:
            x = self.conv(x, path, channels, kernel, stride, padding, groups=groups)
            x = self.batch_norm(x, norm or f"{path}_norm")
        return getattr(self, activation)(x) if activation else x

    def head(self, x, path, classes=10):
        mean = self.node("ReduceMean", [x, self.constant([-1, -2])], x.shape[:2], keepdims=0)
        self.output("logits", self.linear(mean, path, classes))


def scopes(path):
    """"stage2.0.conv" as PyTorch's scopes: stage2, stage2.0, stage2.0.conv."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def shufflenet_v2(folded=False, spelling="reshape"):
    b = Exporter("shufflenet_v2", folded)

    def branch(x, path, c, stride):
        x = b.layer(x, f"{path}.0", c, 1, norm=f"{path}.1")
        x = b.layer(x, f"{path}.3", c, 3, stride, 1, groups=c, norm=f"{path}.4", activation=None)
        return b.layer(x, f"{path}.5", c, 1, norm=f"{path}.6")

    x = b.input("image", (1, 3, 64, 64))
    x = b.max_pool(b.layer(x, "conv1.0", 8, 3, 2, 1, norm="conv1.1"), 3, 2, 1)
    for stage, half in ((2, 6), (3, 10)):
        path = f"stage{stage}.0.branch1"
        left = b.layer(x, f"{path}.0", x.channels, 3, 2, 1, groups=x.channels, norm=f"{path}.1", activation=None)
        left = b.layer(left, f"{path}.2", half, 1, norm=f"{path}.3")
        x = shuffle(b, b.concat(left, branch(x, f"stage{stage}.0.branch2", half, 2)), 2, spelling)
        for i in (1, 2):
            keep, work = b.slice(x, 0, half), b.slice(x, half, 2 * half)
            x = shuffle(b, b.concat(keep, branch(work, f"stage{stage}.{i}.branch2", half, 1)), 2, spelling)
    b.head(b.layer(x, "conv5.0", 24, 1, norm="conv5.1"), "fc")
    return b


def mobilenet_v2(folded=False):
    b = Exporter("mobilenet_v2", folded)
    x = b.input("image", (1, 3, 48, 48))
    x = b.layer(x, "features.0.0", 8, 3, 2, 1, activation="relu6")
    for i, (c, stride) in enumerate(((8, 1), (12, 2), (12, 1)), start=1):
        path, wide = f"features.{i}.conv", 3 * x.channels
        y = b.layer(x, f"{path}.0.0", wide, 1, activation="relu6")
        y = b.layer(y, f"{path}.1.0", wide, 3, stride, 1, groups=wide, activation="relu6")
        y = b.layer(y, f"{path}.2", c, 1, activation=None)
        x = b.add(x, y) if stride == 1 and c == x.channels else y
    b.head(x, "classifier.1")
    return b


def squeezenet(folded=False):
    b = Exporter("squeezenet", folded)

    def convolution(x, path, channels, kernel, stride=1, padding=0):
        return b.relu(b.conv(x, path, channels, kernel, stride, padding, bias=True))

    x = b.input("image", (1, 3, 65, 65))
    x = b.max_pool(convolution(x, "features.0", 8, 3, 2), 3, 2, ceil=True)
    for i in (3, 4):
        squeezed = convolution(x, f"features.{i}.squeeze", 4, 1)
        x = b.concat(convolution(squeezed, f"features.{i}.expand1x1", 8, 1),
                     convolution(squeezed, f"features.{i}.expand3x3", 8, 3, 1, 1))
    x = b.node("Dropout", [b.max_pool(x, 3, 2, ceil=True)], (1, 16, 8, 8))
    x = b.global_avg_pool(convolution(x, "classifier.1", 10, 1))
    b.output("logits", b.flatten(x))
    return b


def resnet(folded=False):
    b = Exporter("resnet", folded)
    x = b.input("image", (1, 3, 48, 48))
    x = b.max_pool(b.layer(x, "conv1", 8, 7, 2, 3, norm="bn1"), 3, 2, 1)
    for stage, (c, stride) in enumerate(((8, 1), (12, 2)), start=1):
        path = f"layer{stage}.0"
        y = b.layer(x, f"{path}.conv1", c, 3, stride, 1, norm=f"{path}.bn1")
        y = b.layer(y, f"{path}.conv2", c, 3, 1, 1, norm=f"{path}.bn2", activation=None)
        if stride != 1:
            x = b.layer(x, f"{path}.downsample.0", c, 1, stride, norm=f"{path}.downsample.1", activation=None)
        x = b.relu(b.add(y, x))
    b.head(x, "fc")
    return b


def densenet(folded=False):
    b = Exporter("densenet", folded)
    x = b.input("image", (1, 3, 32, 32))
    x = b.layer(x, "features.conv0", 8, 3, 2, 1, norm="features.norm0")
    parts = [x]
    for i in (1, 2, 3):
        path = f"features.denseblock1.denselayer{i}"
        y = b.relu(b.batch_norm(b.concat(*parts), f"{path}.norm1"))
        y = b.layer(y, f"{path}.conv1", 8, 1, norm=f"{path}.norm2")
        parts.append(b.conv(y, f"{path}.conv2", 4, 3, padding=1))
    x = b.relu(b.batch_norm(b.concat(*parts), "features.transition1.norm"))
    x = b.avg_pool(b.conv(x, "features.transition1.conv", 10, 1), 2, 2)
    b.head(b.relu(b.batch_norm(x, "features.norm5")), "classifier")
    return b


def googlenet(folded=False):
    b = Exporter("googlenet", folded)
    x = b.input("image", (1, 3, 49, 49))
    channels = []  # transform_input: other means and deviations, one channel at a time
    for i, (scale, shift) in enumerate(((0.458, -0.03), (0.448, -0.088), (0.45, -0.188))):
        one = b.node("Gather", [x, b.constant(i)], (1, 49, 49), axis=1)
        one = b.node("Unsqueeze", [one, b.constant([1])], (1, 1, 49, 49))
        one = b.node("Mul", [one, b.constant(scale, np.float32)], one.shape)
        channels.append(b.node("Add", [one, b.constant(shift, np.float32)], one.shape))
    x = b.concat(*channels)
    x = b.max_pool(b.layer(x, "conv1.conv", 8, 7, 2, 3, norm="conv1.bn"), 3, 2, ceil=True)
    for name in ("inception3a", "inception3b"):
        path = f"{name}.branch"
        one = b.layer(x, f"{path}1.conv", 4, 1, norm=f"{path}1.bn")
        two = b.layer(x, f"{path}2.0.conv", 4, 1, norm=f"{path}2.0.bn")
        two = b.layer(two, f"{path}2.1.conv", 6, 3, 1, 1, norm=f"{path}2.1.bn")
        three = b.layer(b.max_pool(x, 3, 1, 1, ceil=True), f"{path}4.1.conv", 4, 1, norm=f"{path}4.1.bn")
        x = b.concat(one, two, three)
    b.head(x, "fc")
    return b


NETWORKS = [shufflenet_v2, mobilenet_v2, squeezenet, resnet, densenet, googlenet]
__all__ = ["NETWORKS", "Exporter", "Tensor", "onnx_builder"]
