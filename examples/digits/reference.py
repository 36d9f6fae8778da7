"""The digits network in plain numpy, in double precision, knowing nothing but the weights file.

It shares no code with train.py nor with riffle, so it is a check on both. Layers are named as in the
file, which names them as torchvision does.
"""

import numpy as np
from safetensors.numpy import load_file


class Reference:
    def __init__(self, weights_path):
        self.weights = {name: tensor.astype(np.float64) for name, tensor in load_file(weights_path).items()}

    def logits(self, images):
        """images: [count, 1, 8, 8] -> [count, classes]"""
        x = relu(self.batch_norm(self.convolution(images.astype(np.float64), "conv1.0"), "conv1.1"))
        stage = 2
        while f"stage{stage}.0.branch1.0.weight" in self.weights:
            x = self.down(x, f"stage{stage}.0")
            unit = 1
            while f"stage{stage}.{unit}.branch2.0.weight" in self.weights:
                x = self.basic(x, f"stage{stage}.{unit}")
                unit += 1
            stage += 1
        x = relu(self.batch_norm(self.convolution(x, "conv5.0"), "conv5.1"))
        return x.mean(axis=(2, 3)) @ self.weights["fc.weight"].T + self.weights["fc.bias"]

    def down(self, x, path):
        left = self.batch_norm(self.convolution(x, f"{path}.branch1.0", stride=2), f"{path}.branch1.1")
        left = relu(self.batch_norm(self.convolution(left, f"{path}.branch1.2"), f"{path}.branch1.3"))
        return shuffle(np.concatenate([left, self.branch2(x, path, stride=2)], axis=1))

    def basic(self, x, path):
        half = x.shape[1] // 2
        return shuffle(np.concatenate([x[:, :half], self.branch2(x[:, half:], path, stride=1)], axis=1))

    def branch2(self, x, path, stride):
        x = relu(self.batch_norm(self.convolution(x, f"{path}.branch2.0"), f"{path}.branch2.1"))
        x = self.batch_norm(self.convolution(x, f"{path}.branch2.3", stride=stride), f"{path}.branch2.4")
        return relu(self.batch_norm(self.convolution(x, f"{path}.branch2.5"), f"{path}.branch2.6"))

    def convolution(self, x, path, stride=1):
        """Padded to keep the size; depthwise when each filter has one channel and the input has more."""
        weight = self.weights[f"{path}.weight"]
        border = weight.shape[2] // 2
        padded = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
        windows = windows[:, :, ::stride, ::stride]
        if weight.shape[1] == 1 and x.shape[1] > 1:
            return np.einsum("nchwyx,cyx->nchw", windows, weight[:, 0])
        return np.einsum("nchwyx,ocyx->nohw", windows, weight, optimize=True)

    def batch_norm(self, x, path, epsilon=1e-5):
        scale = self.weights[f"{path}.weight"] / np.sqrt(self.weights[f"{path}.running_var"] + epsilon)
        shift = self.weights[f"{path}.bias"] - self.weights[f"{path}.running_mean"] * scale
        return x * scale[None, :, None, None] + shift[None, :, None, None]


def relu(x):
    return np.maximum(x, 0)


def shuffle(x, groups=2):
    count, channels, height, width = x.shape
    x = x.reshape(count, groups, channels // groups, height, width)
    return x.transpose(0, 2, 1, 3, 4).reshape(count, channels, height, width)
