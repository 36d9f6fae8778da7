#!/usr/bin/env python3
"""Trains the digits network, a narrow ShuffleNet V2, and writes the files that lie beside this script.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python train.py                # writes digits.safetensors and heldout*
    .venv/bin/python train.py --validate     # for trying settings: scores on a part of the training
                                             # images, writes nothing, never looks at the held-out ones

Everything random comes from --seed. On another kind of processor the sums round differently, so a
retrained model is as good but not the same bytes.
"""

import argparse
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from reference import Reference

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = 10
STEM = 24
STAGES = [(58, 4), (116, 4)]  # channels and units; half of 58 is 29: no multiple of any vector
LAST = 128
HELD_OUT = 360
EPSILON = 1e-5  # of batch norm
MOMENTUM = 0.1  # of its running statistics
SMOOTHING = 0.1  # of labels


# ---- the network: one dictionary of tensors, under torchvision's names ----


def create(rng):
    """Weights to start from; shapes are PyTorch's, [out, in, height, width]."""
    tensors = {}

    def convolution(path, out, inputs, size):
        spread = np.sqrt(2 / (inputs * size * size))
        tensors[f"{path}.weight"] = rng.normal(0, spread, (out, inputs, size, size))

    def batch_norm(path, channels):
        tensors[f"{path}.weight"] = np.ones(channels)
        tensors[f"{path}.bias"] = np.zeros(channels)
        tensors[f"{path}.running_mean"] = np.zeros(channels)
        tensors[f"{path}.running_var"] = np.ones(channels)

    def pointwise(path, index, out, inputs):
        convolution(f"{path}.{index}", out, inputs, 1)
        batch_norm(f"{path}.{index + 1}", out)

    def depthwise(path, index, channels):
        convolution(f"{path}.{index}", channels, 1, 3)
        batch_norm(f"{path}.{index + 1}", channels)

    convolution("conv1.0", STEM, 1, 3)
    batch_norm("conv1.1", STEM)
    inputs = STEM
    for stage, (channels, units) in enumerate(STAGES, start=2):
        half = channels // 2
        for unit in range(units):
            path = f"stage{stage}.{unit}"
            if unit == 0:
                depthwise(f"{path}.branch1", 0, inputs)
                pointwise(f"{path}.branch1", 2, half, inputs)
            pointwise(f"{path}.branch2", 0, half, inputs if unit == 0 else half)
            depthwise(f"{path}.branch2", 3, half)
            pointwise(f"{path}.branch2", 5, half, half)
        inputs = channels
    convolution("conv5.0", LAST, inputs, 1)
    batch_norm("conv5.1", LAST)
    tensors["fc.weight"] = rng.normal(0, 0.01, (CLASSES, LAST))
    tensors["fc.bias"] = np.zeros(CLASSES)
    return {name: jnp.asarray(tensor, jnp.float32) for name, tensor in tensors.items()}


def is_statistic(name):
    return name.endswith(("running_mean", "running_var"))


class Pass:
    """One way through the network. Images are [count, height, width, channels] here.

    A training pass normalises with the statistics of its batch and collects new running statistics;
    any other uses the running ones.
    """

    def __init__(self, tensors, training):
        self.tensors = tensors
        self.training = training
        self.statistics = {}

    def logits(self, x):
        x = self.normalise(self.stem(x, "conv1.0"), "conv1.1", relu=True)
        for stage, (channels, units) in enumerate(STAGES, start=2):
            for unit in range(units):
                path = f"stage{stage}.{unit}"
                if unit == 0:
                    left = self.normalise(self.depthwise(x, f"{path}.branch1.0", 2), f"{path}.branch1.1")
                    left = self.pointwise(left, f"{path}.branch1", 2)
                    right = self.branch2(x, path, 2)
                else:
                    left, right = jnp.split(x, 2, axis=3)
                    right = self.branch2(right, path, 1)
                x = self.shuffle(jnp.concatenate([left, right], axis=3))
        x = self.pointwise(x, "conv5", 0)
        return x.mean(axis=(1, 2)) @ self.tensors["fc.weight"].T + self.tensors["fc.bias"]

    def branch2(self, x, path, stride):
        x = self.pointwise(x, f"{path}.branch2", 0)
        x = self.normalise(self.depthwise(x, f"{path}.branch2.3", stride), f"{path}.branch2.4")
        return self.pointwise(x, f"{path}.branch2", 5)

    def pointwise(self, x, path, index):
        """1x1 convolution, batch norm, ReLU"""
        x = x @ self.tensors[f"{path}.{index}.weight"][:, :, 0, 0].T
        return self.normalise(x, f"{path}.{index + 1}", relu=True)

    def stem(self, x, path):
        weight = self.tensors[f"{path}.weight"]
        return jnp.concatenate(shifted(x, 1), axis=3) @ weight.reshape(weight.shape[0], -1).T

    def depthwise(self, x, path, stride):
        weight = self.tensors[f"{path}.weight"].reshape(-1, 9)
        return sum(tap * weight[:, index] for index, tap in enumerate(shifted(x, stride)))

    def normalise(self, x, path, relu=False):
        mean, variance = (self.tensors[f"{path}.running_{kind}"] for kind in ("mean", "var"))
        if self.training:
            batch_mean, batch_variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            self.statistics[f"{path}.running_mean"] = mean + MOMENTUM * (batch_mean - mean)
            self.statistics[f"{path}.running_var"] = variance + MOMENTUM * (batch_variance - variance)
            mean, variance = batch_mean, batch_variance
        x = (x - mean) / jnp.sqrt(variance + EPSILON)
        x = x * self.tensors[f"{path}.weight"] + self.tensors[f"{path}.bias"]
        return jax.nn.relu(x) if relu else x

    @staticmethod
    def shuffle(x):
        count, height, width, channels = x.shape
        return x.reshape(count, height, width, 2, channels // 2).swapaxes(3, 4).reshape(x.shape)


def shifted(x, stride):
    """What the nine taps of a 3x3 kernel see, zeros outside."""
    height, width = x.shape[1], x.shape[2]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return [padded[:, y : y + height : stride, z : z + width : stride] for y in range(3) for z in range(3)]


# ---- training ----


def distort(key, images):
    """Turns, scales, slants and shifts each image a little; bilinear, ink does not come from outside."""
    count, size = images.shape[0], images.shape[1]
    keys = jax.random.split(key, 4)
    angle = jax.random.uniform(keys[0], (count,), minval=-0.22, maxval=0.22)
    scale = jnp.exp(jax.random.uniform(keys[1], (count, 2), minval=-0.15, maxval=0.15))
    slant = jax.random.uniform(keys[2], (count,), minval=-0.15, maxval=0.15)
    shift = jax.random.uniform(keys[3], (count, 2), minval=-0.9, maxval=0.9)
    middle = (size - 1) / 2
    grid = jnp.stack(jnp.meshgrid(jnp.arange(size), jnp.arange(size), indexing="ij")) - middle

    def one(image, angle, scale, slant, shift):
        rotation = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
        matrix = rotation @ jnp.array([[1.0, 0.0], [slant, 1.0]]) * scale
        places = jnp.einsum("ab,bhw->ahw", matrix, grid) + middle + shift[:, None, None]
        return jax.scipy.ndimage.map_coordinates(image[:, :, 0], list(places), order=1)[:, :, None]

    return jax.vmap(one)(images, angle, scale, slant, shift)


def loss(learned, statistics, images, labels):
    forward = Pass({**learned, **statistics}, training=True)
    targets = jax.nn.one_hot(labels, CLASSES) * (1 - SMOOTHING) + SMOOTHING / CLASSES
    cost = -(targets * jax.nn.log_softmax(forward.logits(images))).sum(axis=1).mean()
    return cost, forward.statistics


def train(images, labels, seed, epochs, batch, rate, decay):
    """AdamW; the rate rises for a twentieth of the time, then falls along a cosine."""
    tensors = create(np.random.default_rng(seed))
    learned = {name: tensor for name, tensor in tensors.items() if not is_statistic(name)}
    statistics = {name: tensor for name, tensor in tensors.items() if is_statistic(name)}
    zeros = {name: jnp.zeros_like(tensor) for name, tensor in learned.items()}
    steps = len(images) // batch
    total = steps * epochs

    def step(state, chosen):
        learned, statistics, first, second, count, key = state
        key, own = jax.random.split(key)
        gradient = jax.grad(loss, has_aux=True)
        slope, statistics = gradient(learned, statistics, distort(own, images[chosen]), labels[chosen])
        count = count + 1
        done = count / total
        now = rate * jnp.minimum(done * 20, 0.5 + 0.5 * jnp.cos(jnp.pi * done))
        first = {name: 0.9 * first[name] + 0.1 * slope[name] for name in slope}
        second = {name: 0.999 * second[name] + 0.001 * slope[name] ** 2 for name in slope}

        def moved(name):
            change = (first[name] / (1 - 0.9**count)) / (jnp.sqrt(second[name] / (1 - 0.999**count)) + 1e-8)
            if learned[name].ndim > 1:  # not the batch norms and the bias
                change = change + decay * learned[name]
            return learned[name] - now * change

        return ({name: moved(name) for name in learned}, statistics, first, second, count, key), None

    @jax.jit
    def epoch(state):
        key, own = jax.random.split(state[-1])
        order = jax.random.permutation(own, len(images))[: steps * batch].reshape(steps, batch)
        return jax.lax.scan(step, (*state[:-1], key), order)[0]

    images, labels = jnp.asarray(images), jnp.asarray(labels)
    state = (learned, statistics, zeros, zeros, jnp.float32(0), jax.random.key(seed))
    for _ in range(epochs):
        state = epoch(state)
    return {name: np.asarray(tensor) for name, tensor in {**state[0], **state[1]}.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.004)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--validate", action="store_true", help="score on a part of the training images")
    arguments = parser.parse_args()

    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[..., None]
    labels = digits.target.astype(np.uint8)
    # The held-out images are the same whatever the seed of the training.
    split = train_test_split(images, labels, test_size=HELD_OUT, random_state=0, stratify=labels)
    if arguments.validate:
        split = train_test_split(split[0], split[2], test_size=0.25, random_state=1, stratify=split[2])
    train_images, test_images, train_labels, test_labels = split

    start = time.monotonic()
    tensors = train(train_images, train_labels, arguments.seed, arguments.epochs, arguments.batch,
        arguments.rate, arguments.decay)
    seconds = time.monotonic() - start

    def accuracy(images, labels):
        found = Pass(tensors, training=False).logits(jnp.asarray(images)).argmax(axis=1)
        return float((np.asarray(found) == labels).mean())

    print(f"{seconds:.0f} s; accuracy on {len(train_images)} training images "
        f"{accuracy(train_images, train_labels):.4f}, on {len(test_images)} others "
        f"{accuracy(test_images, test_labels):.4f}")
    if arguments.validate:
        return

    weights = HERE / "digits.safetensors"
    weights.write_bytes(save(tensors))
    inputs = np.ascontiguousarray(test_images.transpose(0, 3, 1, 2))
    logits = Reference(weights).logits(inputs)
    own = np.asarray(Pass(tensors, training=False).logits(jnp.asarray(test_images)))
    difference = float(np.abs(logits - own).max())
    print(f"logits of reference.py and of the training differ by {difference:.1e} at most")
    if difference > 1e-4:
        raise SystemExit("train.py and reference.py are not the same network")
    inputs.astype("<f4").tofile(HERE / "heldout.f32")
    test_labels.tofile(HERE / "heldout_labels.u8")
    logits.astype("<f4").tofile(HERE / "heldout_logits.f32")
    parameters = sum(tensor.size for name, tensor in tensors.items() if not is_statistic(name))
    print(f"{parameters} parameters, {weights.stat().st_size} bytes of weights")


if __name__ == "__main__":
    main()
